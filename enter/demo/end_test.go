package demo_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"nsinspect/enter/demo"
	"nsinspect/inspect/live/livetest"
)

// TestSignals ends every experiment after every step by a signal.
func TestSignals(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		before := trace(t)
		for _, u := range users(t) {
			for _, e := range demo.Experiments() {
				for step := 1; endAfter(t, u, e.Name, step, syscall.SIGTERM); step++ {
					traceless(t, fmt.Sprintf("%s after step %d as %s", e.Name, step, u.name), before)
				}
			}
		}
	})
}

// TestKilled ends nsinspect itself in a way that it cannot notice.
func TestKilled(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		before := trace(t)
		for _, name := range []string{"ipc", "mnt", "pid", "user", "cgroup", "container", "bridge"} {
			if !endAfter(t, users(t)[0], name, 2, syscall.SIGKILL) && name != "cgroup" {
				t.Errorf("%s has no second step", name)
			}
			traceless(t, name+", killed,", before)
		}
	})
}

// endAfter runs an experiment up to a step, and ends it there by a signal. It
// returns false when there is no such step.
func endAfter(t *testing.T, u user, name string, step int, sig syscall.Signal) bool {
	t.Helper()
	cmd := command(t, u, name, "--pause")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reached := reach(t, bufio.NewReader(out), in, step)
	if reached {
		if err := cmd.Process.Signal(sig); err != nil {
			t.Error(err)
		}
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait()
	status := cmd.ProcessState.Sys().(syscall.WaitStatus)
	switch {
	case !reached && status.ExitStatus() != 0:
		t.Errorf("%s as %s: status %d: %s", name, u.name, status.ExitStatus(), errs.String())
	case reached && sig == syscall.SIGTERM && status.ExitStatus() != 128+int(sig):
		t.Errorf("%s as %s after step %d: status %v: %s", name, u.name, step, status, errs.String())
	}
	return reached
}

// reach reads until a step is shown, going on after those before; false when
// the verdict comes first.
func reach(t *testing.T, out *bufio.Reader, in io.Writer, step int) bool {
	t.Helper()
	for {
		line, err := out.ReadString('\n')
		if err != nil || strings.HasPrefix(line, "Verdict") {
			return false
		}
		number, _, ok := strings.Cut(strings.TrimSpace(line), ". ")
		n, err := strconv.Atoi(number)
		switch {
		case !ok || err != nil || strings.HasPrefix(line, "    "):
		case n == step:
			return true
		default:
			if _, err := io.WriteString(in, "\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestAnyMoment ends an experiment at whatever moment.
func TestAnyMoment(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		before := trace(t)
		const runs, apart = 24, 7 * time.Millisecond
		interrupted := 0
		for i := range runs {
			cmd := command(t, users(t)[0], "container")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			kill := time.AfterFunc(time.Duration(i)*apart, func() { _ = cmd.Process.Signal(os.Interrupt) })
			_ = cmd.Wait()
			kill.Stop()
			if s := cmd.ProcessState.ExitCode(); s == 128+int(syscall.SIGINT) || s == -1 {
				interrupted++ // -1: before it had caught signals
			} else if s != 0 {
				t.Errorf("after %v: status %d", time.Duration(i)*apart, s)
			}
			traceless(t, fmt.Sprintf("interrupted after %v", time.Duration(i)*apart), before)
		}
		if interrupted == 0 {
			t.Error("no run was interrupted: nothing was tested")
		}
	})
}

// terminal runs an experiment on a terminal, types what is given when the text
// to wait for has come, and returns what was shown.
func terminal(t *testing.T, args []string, wait, typed string) (string, int) {
	t.Helper()
	cmd := command(t, users(t)[0], args...)
	tty, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	var shown strings.Builder
	for buf := make([]byte, 4096); ; {
		n, err := tty.Read(buf)
		shown.Write(buf[:n])
		if wait != "" && strings.Contains(shown.String(), wait) {
			wait = ""
			if _, err := io.WriteString(tty, typed); err != nil {
				t.Fatal(err)
			}
		}
		if err != nil { // EIO: nobody has the terminal open any more
			break
		}
	}
	_ = cmd.Wait()
	return shown.String(), cmd.ProcessState.ExitCode()
}

// TestControlC holds that ^C, which reaches the whole job, leaves nothing.
func TestControlC(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		before := trace(t)
		out, status := terminal(t, []string{"uts", "--pause"}, "next step", "\x03")
		if status != 128+int(syscall.SIGINT) || !strings.Contains(out, "interrupted") {
			t.Errorf("status %d\n%s", status, out)
		}
		traceless(t, "^C", before)
	})
}

// TestShell looks around inside.
func TestShell(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		before := trace(t)
		for name, want := range map[string]string{"uts": "in-blue-", "container": "in-demo-container-", "bridge": "in-c1-"} {
			out, status := terminal(t, []string{name, "--shell"}, "exit ends the experiment", "echo in-$(cat /proc/sys/kernel/hostname)-\nexit 3\n")
			if status != 0 || !strings.Contains(out, want) || !strings.Contains(out, "Verdict") {
				t.Errorf("%s: status %d\n%s", name, status, out)
			}
			traceless(t, name+" --shell", before)
		}
	})
}

// TestKeep holds that the lab stays up, can be looked at, and goes by the line
// that is printed.
func TestKeep(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		before := trace(t)
		for _, u := range users(t) {
			r := report(t, u, "bridge", "--keep")
			if r.Kept == nil || len(r.Kept.PIDs) != 4 {
				t.Fatalf("kept %+v", r.Kept)
			}
			cmd := command(t, u)
			cmd.Args = []string{cmd.Path, "enter", "-p", strconv.Itoa(r.Kept.PIDs[1]), "--no-pty", "--", "cat", "/etc/resolv.conf", "/proc/sys/kernel/hostname"}
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "192.0.2.53") || !strings.Contains(string(out), "c1") {
				t.Errorf("as %s: %v, %s", u.name, err, out)
			}
			for _, pid := range r.Kept.PIDs {
				if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
					t.Errorf("process %d: %v", pid, err)
				}
			}
			traceless(t, "--keep", before)
		}
	})
}
