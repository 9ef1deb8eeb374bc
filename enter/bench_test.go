package enter_test

import (
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"nsinspect/inspect/live/livetest"
)

// paired runs two commands in turn and reports the median time of the second
// in relation to the first's, so that the load of the machine counts for both.
func paired(b *testing.B, other, ours func() *exec.Cmd) {
	const runs = 60 // for each round
	var theirs, own []time.Duration
	for b.Loop() {
		for n := range runs {
			first, second := &theirs, &own
			commands := [2]func() *exec.Cmd{other, ours}
			if n%2 == 1 { // neither always follows the other
				first, second = second, first
				commands[0], commands[1] = ours, other
			}
			*first = append(*first, timed(b, commands[0]()))
			*second = append(*second, timed(b, commands[1]()))
		}
	}
	median := func(d []time.Duration) time.Duration { slices.Sort(d); return d[len(d)/2] }
	low := func(d []time.Duration) time.Duration { return d[len(d)/10] }
	b.ReportMetric(0, "ns/op") // a round's time says nothing
	b.ReportMetric(float64(median(theirs).Microseconds()), "µs/theirs")
	b.ReportMetric(float64(median(own).Microseconds()), "µs/ours")
	b.ReportMetric(float64(median(own))/float64(median(theirs)), "ratio")
	b.ReportMetric(float64(low(own))/float64(low(theirs)), "ratio-p10")
}

func timed(b *testing.B, cmd *exec.Cmd) time.Duration {
	b.Helper()
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("%v: %v", cmd.Args, err)
	}
	return time.Since(begin)
}

func look(b *testing.B, name string) string {
	b.Helper()
	livetest.Root(b)
	path, err := exec.LookPath(name)
	if err != nil {
		livetest.Skip(b, name+" (util-linux)")
	}
	return path
}

// BenchmarkEnterContainer is `enter web1 -- true` against nsenter -a. The
// issue's limit is 1.6.
func BenchmarkEnterContainer(b *testing.B) {
	nsenter := look(b, "nsenter")
	docker.Start(b)
	docker.Run(b, "--name", "web1")
	pid, path := itoa(docker.PID(b, "web1")), stripped(b)
	env := docker.Env()
	run := func(args ...string) func() *exec.Cmd {
		return func() *exec.Cmd {
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Env = env
			return cmd
		}
	}
	command := []string{"/bin/busybox", "true"}
	b.Run("name", func(b *testing.B) {
		paired(b, run(append([]string{nsenter, "-a", "-t", pid}, command...)...), run(append([]string{path, "enter", "web1", "--"}, command...)...))
	})
	b.Run("pid", func(b *testing.B) {
		paired(b, run(append([]string{nsenter, "-a", "-t", pid}, command...)...), run(append([]string{path, "enter", "-p", pid, "--"}, command...)...))
	})
}

// BenchmarkEnter is nsinspect enter against nsenter and unshare, by what is
// asked for.
func BenchmarkEnter(b *testing.B) {
	nsenter, unshare := look(b, "nsenter"), look(b, "unshare")
	pid, path := itoa(target(b, 0, container...)), stripped(b)
	for _, c := range []struct {
		name         string
		theirs, ours []string
	}{
		{"all", []string{nsenter, "-a", "-t", pid, "true"}, []string{path, "enter", "-p", pid, "--", "true"}},
		{"net-uts", []string{nsenter, "-n", "-u", "-t", pid, "true"}, []string{path, "enter", "-p", pid, "--net", "--uts", "--", "true"}},
		{"new-user", []string{unshare, "-Ur", "true"}, []string{path, "enter", "--new-user", "--", "true"}},
		{"new-pid", []string{unshare, "-pf", "true"}, []string{path, "enter", "--new-pid", "--", "true"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			paired(b, func() *exec.Cmd { return exec.Command(c.theirs[0], c.theirs[1:]...) },
				func() *exec.Cmd { return exec.Command(c.ours[0], c.ours[1:]...) })
		})
	}
}

// BenchmarkSupervisor reports the memory of what waits for the command.
func BenchmarkSupervisor(b *testing.B) {
	livetest.Root(b)
	for b.Loop() {
		cmd := exec.Command(built(b), "enter", "--new-pid", "--", "sh", "-c", "echo ready; read x")
		in, _ := cmd.StdinPipe()
		out, _ := cmd.StdoutPipe()
		if err := cmd.Start(); err != nil {
			b.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 16)); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(resident(b, cmd.Process.Pid)), "kB")
		in.Close()
		_ = cmd.Wait()
	}
	b.ReportMetric(0, "ns/op")
}

// stripped builds nsinspect as it is released.
func stripped(b *testing.B) string {
	b.Helper()
	path := built(b) + "-stripped"
	if _, err := os.Stat(path); err == nil {
		return path
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "nsinspect/cmd/nsinspect")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return path
}
