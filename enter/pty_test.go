package enter_test

import (
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/livetest"
)

// screen is a shell with job control on a terminal that the test types on.
type screen struct {
	*os.File
	t    *testing.T
	mu   sync.Mutex
	text string // all that was shown
	more chan struct{}
	cmd  *exec.Cmd
	from int // what was shown before is not looked at again
}

const prompt = "OUTER> "

// openScreen starts a shell on a terminal. $E is nsinspect enter.
func openScreen(t *testing.T) *screen {
	t.Helper()
	livetest.Root(t)
	bash, err := exec.LookPath("bash")
	if err != nil {
		livetest.Skip(t, "bash")
	}
	cmd := exec.Command(bash, "--norc", "--noprofile", "-i")
	cmd.Env = append(os.Environ(), "PS1="+prompt, "TERM=dumb", "E="+built(t)+" enter", "SHELL=/bin/sh", "HISTFILE=")
	master, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 24, Cols: 200})
	if err != nil {
		t.Fatal(err)
	}
	s := &screen{File: master, t: t, more: make(chan struct{}, 1), cmd: cmd}
	go s.read()
	t.Cleanup(func() {
		master.Close() // hangs up, which ends all on it
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	s.expect(prompt)
	s.run("stty -echo", "")
	return s
}

func (s *screen) read() {
	buf := make([]byte, 4096)
	for {
		n, err := s.Read(buf)
		s.mu.Lock()
		s.text += strings.ReplaceAll(string(buf[:n]), "\r", "")
		s.mu.Unlock()
		select {
		case s.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// expect waits until want is shown and returns what was shown before it.
func (s *screen) expect(want string) string {
	s.t.Helper()
	limit := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		rest := s.text[s.from:]
		i := strings.Index(rest, want)
		if i >= 0 {
			s.from += i + len(want)
			s.mu.Unlock()
			return rest[:i]
		}
		s.mu.Unlock()
		select {
		case <-s.more:
		case <-limit:
			s.t.Fatalf("%q is not shown, but %q, after %q", want, rest, s.text[max(0, len(s.text)-2000):])
		}
	}
}

func (s *screen) keys(text string) {
	s.t.Helper()
	if _, err := s.WriteString(text); err != nil {
		s.t.Fatal(err)
	}
}

// run types a line, waits for the prompt and compares what was shown.
func (s *screen) run(line, want string) {
	s.t.Helper()
	s.keys(line + "\n")
	if got := s.expect(prompt); want != "" && !strings.Contains(got, want) {
		s.t.Errorf("%s: shown %q, want %q", line, got, want)
	}
}

// ways are a direct child, and commands behind nsinspect: in its place, with a
// supervisor, and with a supervisor and an init.
func ways(t *testing.T) map[string]string {
	pid := itoa(target(t, 0, container...))
	return map[string]string{
		"direct":   "",
		"replaced": "$E --new-uts --",
		"init":     "$E --new-pid --new-mnt --",
		"no init":  "$E --new-pid --new-mnt --no-init --",
		"joined":   "$E -p " + pid + " --",
	}
}

const (
	ctrlC = "\x03"
	ctrlZ = "\x1a"
)

func TestTerminalInterrupt(t *testing.T) {
	s := openScreen(t)
	for name, enter := range ways(t) {
		// Interrupted once: not by the terminal and by us.
		s.keys(enter + ` sh -c 'n=0; trap "n=\$((n+1))" INT; echo up; while [ $n = 0 ]; do sleep 0.05; done; sleep 0.2; echo got $n; exit 4'` + "\n")
		s.expect("up")
		s.keys(ctrlC)
		s.expect("got 1")
		s.expect(prompt)
		s.run("echo rc=$?", "rc=4")
		// A command without a handler dies of it, and the shell sees that. As
		// pid 1 of a pid namespace it would not.
		if name == "no init" {
			continue
		}
		s.keys(enter + " sh -c 'echo up; exec sleep 1000'\n")
		s.expect("up")
		s.keys(ctrlC)
		s.expect(prompt)
		s.run("echo rc=$?", "rc=130")
	}
}

func TestTerminalStop(t *testing.T) {
	s := openScreen(t)
	for name, enter := range ways(t) {
		if name == "no init" {
			continue // pid 1 does not stop
		}
		s.keys(enter + " sh -c 'echo up; exec sleep 1000'\n")
		s.expect("up")
		s.keys(ctrlZ)
		s.expect("Stopped")
		s.expect(prompt)
		s.run("jobs", "Stopped")
		s.keys("fg\n")
		s.expect("sleep 1000")
		s.awaitForeground()
		s.keys(ctrlZ)
		s.expect("Stopped")
		s.expect(prompt)
		s.keys("fg\n")
		s.expect("sleep 1000")
		s.awaitForeground()
		s.keys(ctrlC)
		s.expect(prompt)
		s.run("echo rc=$?", "rc=130")
		s.run("jobs; echo none left", "none left")
	}
}

// awaitForeground waits until a job and not the shell has the terminal, and
// runs: keys typed before go to the shell.
func (s *screen) awaitForeground() {
	s.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		group, err := unix.IoctlGetInt(int(s.Fd()), unix.TIOCGPGRP)
		if err == nil && group != s.cmd.Process.Pid && running(s.t, s.cmd.Process.Pid) {
			return
		}
		time.Sleep(time.Millisecond) // a change of the foreground is no event
	}
	s.t.Fatal("the job did not come to the foreground")
}

// running reports whether no descendant is stopped.
func running(t *testing.T, pid int) bool {
	for _, p := range descend(t, pid) {
		b, _ := os.ReadFile("/proc/" + itoa(p) + "/stat")
		if i := strings.LastIndex(string(b), ") "); i > 0 && string(b)[i+2] == 'T' {
			return false
		}
	}
	return true
}

// innerShell starts a shell inside, which stops and resumes a command of its
// own, and leaves its prompt.
func (s *screen) innerShell(enter string) {
	s.keys(enter + " env PS1='INNER> ' bash --norc --noprofile -i\n")
	s.expect("INNER> ")
	s.keys("sh -c 'echo up; exec sleep 1000'\n")
	s.expect("up")
	s.keys(ctrlZ)
	s.expect("Stopped")
	s.expect("INNER> ")
	s.keys("fg\n")
	s.expect("sleep 1000")
	s.awaitForeground()
	s.keys(ctrlC)
	s.expect("INNER> ")
}

// A shell inside has job control of its own.
func TestTerminalInnerShell(t *testing.T) {
	s := openScreen(t)
	for name, enter := range ways(t) {
		s.innerShell(enter)
		s.keys("echo rc=$?\n")
		s.expect("rc=130")
		// The inner shell stops itself, and comes back with the terminal.
		if name != "no init" { // pid 1 cannot be stopped from inside
			s.keys("kill -STOP $$\n")
			s.expect("Stopped")
			s.expect(prompt)
			s.keys("fg\n")
			s.expect("bash")
			s.awaitForeground()
		}
		s.keys("echo back $((1+1))\n")
		s.expect("back 2")
		s.keys("exit 6\n")
		s.expect(prompt)
		s.run("echo rc=$?", "rc=6")
	}
}

func TestTerminalWindow(t *testing.T) {
	s := openScreen(t)
	all := ways(t)
	all["pty"] = "$E --pty --new-uts --"
	for _, enter := range all {
		_ = pty.Setsize(s.File, &pty.Winsize{Rows: 24, Cols: 200})
		s.keys(enter + ` bash -c 'n=0; trap "n=1" WINCH; stty size; while [ $n = 0 ]; do sleep 0.02; done; stty size; exit 3'` + "\n")
		s.expect("24 200")
		if err := pty.Setsize(s.File, &pty.Winsize{Rows: 33, Cols: 177}); err != nil {
			t.Fatal(err)
		}
		s.expect("33 177")
		s.expect(prompt)
		s.run("echo rc=$?", "rc=3")
	}
}

// A command with a terminal of its own has another one, in which all works.
func TestPty(t *testing.T) {
	s := openScreen(t)
	s.keys("tty\n")
	outer := strings.TrimSpace(s.expect(prompt))
	for _, enter := range []string{"$E --pty --new-uts --", "$E --pty --new-pid --new-mnt --"} {
		s.keys(enter + " tty\n")
		if inner := strings.TrimSpace(s.expect(prompt)); inner == outer || !strings.HasPrefix(inner, "/dev/pts/") {
			t.Errorf("the terminal inside is %q, outside %q", inner, outer)
		}
		s.keys(enter + " sh -c 'echo up; exec sleep 1000'\n")
		s.expect("up")
		s.keys(ctrlC)
		s.expect(prompt)
		s.run("echo rc=$?", "rc=130")
		// Job control in a shell inside.
		s.innerShell(enter)
		s.keys("exit 6\n")
		s.expect(prompt)
		s.run("echo rc=$?", "rc=6")
		// The modes of the terminal are what they were, and all output is there.
		s.run("stty -a | grep -o ' icanon'", "icanon")
		s.keys(enter + " seq 1 5000\n")
		if got := s.expect(prompt); strings.Count(got, "\n") != 5000 || !strings.Contains(got, "\n5000\n") {
			t.Errorf("%d lines of 5000 came", strings.Count(got, "\n"))
		}
	}
	// What is no terminal outside is none inside: output to a pipe is not mixed.
	s.run("$E --pty --new-uts -- sh -c 'echo out; echo err >&2' 2>/dev/null | tr a-z A-Z", "OUT")
}

// A terminal is shared where both sides are ours, and not with a container or
// another user namespace.
func TestPtyIsTheDefaultForOthers(t *testing.T) {
	s := openScreen(t)
	pid := itoa(target(t, nobody, "--user", "--map-root-user"))
	s.keys("tty\n")
	outer := strings.TrimSpace(s.expect(prompt))
	s.keys("$E -p " + pid + " -- tty\n")
	if inner := strings.TrimSpace(s.expect(prompt)); inner == outer {
		t.Errorf("a command in another user namespace has our terminal %q", outer)
	}
	s.run("$E -p "+pid+" --no-pty -- tty", outer)
	s.run("$E --new-uts -- tty", outer)
	s.run("$E --dry-run -p "+pid+" -- tty", "pseudo-terminal")
}

func TestPtyIsTheDefaultForContainers(t *testing.T) {
	docker.Start(t)
	docker.Run(t, "--name", "term")
	s := openScreen(t)
	s.run("export DOCKER_HOST="+docker.Host(), "")
	s.keys("tty\n")
	outer := strings.TrimSpace(s.expect(prompt))
	// The terminal is outside of the container: inside it has no name.
	s.run("$E term -- sh -c '/bin/busybox test -t 0 && echo a terminal; exit 3'", "a terminal")
	s.run("echo rc=$?", "rc=3")
	s.run("$E term --net --uts -- sh -c 'test \"$(tty)\" != "+outer+" && echo another'", "another")
	s.run("$E term --net --no-pty -- tty", outer)
	s.run("$E -p "+itoa(docker.PID(t, "term"))+" --net -- sh -c 'test \"$(tty)\" != "+outer+" && echo another'", "another")
}
