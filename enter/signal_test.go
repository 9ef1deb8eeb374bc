package enter_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/livetest"
)

// session is a run of nsinspect that goes on.
type session struct {
	*exec.Cmd
	out *bufio.Reader
	in  io.WriteCloser
}

func start(t *testing.T, cmd *exec.Cmd) *session {
	t.Helper()
	s := &session{Cmd: cmd}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if s.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	s.out = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return s
}

func (s *session) line(t *testing.T) string {
	t.Helper()
	line, err := s.out.ReadString('\n')
	if err != nil {
		t.Fatalf("the session ended: %q, %v", line, err)
	}
	return strings.TrimSuffix(line, "\n")
}

func (s *session) end(t *testing.T) result {
	t.Helper()
	rest, _ := io.ReadAll(s.out)
	_ = s.Wait()
	return result{out: string(rest), status: s.ProcessState.Sys().(syscall.WaitStatus)}
}

// gone waits until a process has ended.
func gone(t *testing.T, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err == unix.ESRCH {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 10000)
	if n != 1 || err != nil {
		t.Errorf("process %d still runs: %v", pid, err)
	}
}

// supervised are the ways to a supervisor: a new pid namespace with and
// without an init, and one that is joined.
func supervised(t *testing.T) map[string][]string {
	pid := target(t, 0, "--pid", "--mount-proc")
	return map[string][]string{
		"init": {"--new-pid", "--new-mnt"}, "no init": {"--new-pid", "--new-mnt", "--no-init"}, "joined": {"-p", itoa(pid)},
	}
}

func TestSignalsReachTheCommandOnce(t *testing.T) {
	livetest.Root(t)
	for name, args := range supervised(t) {
		s := start(t, command(t, 0, append(args, "--", "sh", "-c",
			`trap 'echo USR1' USR1; trap 'echo HUP' HUP; trap 'echo TERM; exit 5' TERM; echo ready; while :; do sleep 0.01; done`)...))
		s.line(t)
		for _, sig := range []syscall.Signal{unix.SIGUSR1, unix.SIGHUP, unix.SIGTERM} {
			if err := s.Process.Signal(sig); err != nil {
				t.Fatal(err)
			}
			want := strings.TrimPrefix(unix.SignalName(sig), "SIG")
			if got := s.line(t); got != want {
				t.Errorf("%s: got %s, want %s", name, got, want)
			}
		}
		s.end(t).says(t, 5, "")
	}
}

func TestTermEndsAll(t *testing.T) {
	livetest.Root(t)
	for name, args := range supervised(t) {
		if name == "no init" {
			continue // pid 1 ignores a TERM that it has no handler for
		}
		s := start(t, command(t, 0, append(args, "--", "sh", "-c", "echo ready; exec sleep 1000")...))
		s.line(t)
		inner := children(t, s.Process.Pid)
		_ = s.Process.Signal(unix.SIGTERM)
		if r := s.end(t); r.code() != 143 {
			t.Errorf("%s: %v", name, r.status)
		}
		for _, pid := range inner {
			gone(t, pid)
		}
	}
}

func children(t *testing.T, pid int) []int {
	t.Helper()
	b, err := os.ReadFile("/proc/" + itoa(pid) + "/task/" + itoa(pid) + "/children")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, f := range strings.Fields(string(b)) {
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, n)
	}
	return pids
}

// When the supervisor is killed, the command dies: always with an init, else
// on request.
func TestKillChild(t *testing.T) {
	livetest.Root(t)
	for name, args := range supervised(t) {
		s := start(t, command(t, 0, append(args, "--kill-child", "--", "sh", "-c", "echo ready; exec sleep 1000")...))
		s.line(t)
		inner := children(t, s.Process.Pid)
		if len(inner) == 0 {
			t.Fatalf("%s: no child", name)
		}
		_ = s.Process.Kill()
		_ = s.Wait()
		for _, pid := range inner {
			gone(t, pid)
		}
	}
}

// The init reaps what the command leaves behind.
func TestOrphansAreReaped(t *testing.T) {
	livetest.Root(t)
	s := start(t, command(t, 0, "--new-pid", "--new-mnt", "--", "sh", "-c",
		`(sleep 0.01 & echo $! > /dev/fd/1) ; read x; grep -c "State.*Z" /proc/[0-9]*/status | grep -c ":1"; exit 4`))
	orphan, err := strconv.Atoi(s.line(t))
	if err != nil {
		t.Fatal(err)
	}
	pid := ""
	for _, p := range descend(t, s.Process.Pid) {
		b, _ := os.ReadFile("/proc/" + itoa(p) + "/status")
		if strings.Contains(string(b), "\t"+itoa(orphan)+"\n") && strings.Contains(string(b), "sleep") {
			pid = itoa(p)
		}
	}
	if n, err := strconv.Atoi(pid); err == nil {
		gone(t, n)
	}
	// A dead child is a zombie until the init has taken note.
	deadline := time.Now().Add(10 * time.Second)
	for zombies(t, s.Process.Pid) > 0 && time.Now().Before(deadline) {
		time.Sleep(time.Millisecond) // there is no event for a reaped grandchild
	}
	_, _ = io.WriteString(s.in, "go\n")
	s.end(t).says(t, 4, "0\n")
}

// descend lists the descendants of a process, those that any of its threads
// started.
func descend(t *testing.T, pid int) []int {
	t.Helper()
	var all []int
	files, _ := filepath.Glob("/proc/" + itoa(pid) + "/task/*/children")
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // gone in between
		}
		for _, f := range strings.Fields(string(b)) {
			n, _ := strconv.Atoi(f)
			all = append(append(all, n), descend(t, n)...)
		}
	}
	return all
}

func zombies(t *testing.T, pid int) (n int) {
	t.Helper()
	for _, p := range descend(t, pid) {
		b, _ := os.ReadFile(filepath.Join("/proc", itoa(p), "stat"))
		if i := strings.LastIndex(string(b), ") "); i > 0 && string(b)[i+2] == 'Z' {
			n++
		}
	}
	return n
}

// What the supervisor is while it waits: one thread, no environment, not the
// host's nsinspect, and small.
func TestSupervisor(t *testing.T) {
	livetest.Root(t)
	s := start(t, command(t, 0, "--new-pid", "--", "sh", "-c", "echo ready; read x"))
	s.line(t)
	for _, pid := range append(children(t, s.Process.Pid)[:1], s.Process.Pid) {
		proc := "/proc/" + itoa(pid)
		if exe, err := os.Readlink(proc + "/exe"); err != nil || strings.Contains(exe, built(t)) || !strings.HasPrefix(exe, "/memfd:") {
			t.Errorf("exe is %q, %v", exe, err)
		}
		if env, err := os.ReadFile(proc + "/environ"); err != nil || len(env) != 0 {
			t.Errorf("environment is %q, %v", env, err)
		}
		if n := settled(t, proc); n > 3 {
			t.Errorf("%d descriptors", n)
		}
		status, err := os.ReadFile(proc + "/status")
		if err != nil || !strings.Contains(string(status), "Threads:\t1\n") {
			t.Errorf("%v: %s", err, status)
		}
		if kb := resident(t, pid); kb >= 200 {
			t.Errorf("process %d has %d kB", pid, kb)
		}
	}
	_, _ = io.WriteString(s.in, "\n")
	s.end(t)
}

// settled is the number of descriptors of a process that is about to close
// some; it runs beside the command that has told us of itself.
func settled(t *testing.T, proc string) int {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		fds, err := os.ReadDir(proc + "/fd")
		if err != nil {
			t.Fatal(err)
		}
		if len(fds) <= 3 || time.Now().After(deadline) {
			return len(fds)
		}
		time.Sleep(time.Millisecond) // closing is no event
	}
}

// resident is the memory of a process in kB.
func resident(t testing.TB, pid int) int {
	t.Helper()
	b, err := os.ReadFile("/proc/" + itoa(pid) + "/smaps_rollup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); f[0] == "Rss:" {
			n, _ := strconv.Atoi(f[1])
			return n
		}
	}
	t.Fatalf("no Rss of %d: %s", pid, b)
	return 0
}
