package enter_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/livetest"
)

const ctrlD = "\x04"

// A job in the background runs there, and has the terminal when it comes to
// the foreground.
func TestPtyInTheBackground(t *testing.T) {
	s := openScreen(t)
	s.keys("$E --pty --new-uts -- sh -c 'echo up; read x; echo got $x; exit 3' &\n")
	s.expect("up")
	s.run("jobs", "Running")
	s.run("stty -a | grep -o ' icanon'", "icanon")
	s.keys("fg\n")
	s.expect("got $x")
	s.awaitForeground()
	s.keys("hello\n")
	s.expect("got hello")
	s.expect(prompt)
	s.run("echo rc=$?", "rc=3")
	s.run("stty -a | grep -o ' icanon'", "icanon")
}

// Stopped and continued by others it leaves the terminal as it was.
func TestPtyStoppedByOthers(t *testing.T) {
	s := openScreen(t)
	s.keys("$E --pty --new-uts -- sh -c 'kill -STOP $PPID; echo up; read x; echo got $x'\n")
	s.expect("Stopped")
	s.expect(prompt)
	s.run("stty -a | grep -o ' icanon'", "icanon")
	s.keys("fg\n")
	s.expect("up")
	s.keys("hello\n")
	s.expect("got hello")
	s.expect(prompt)
	s.run("stty -a | grep -o ' icanon'", "icanon")
}

// In a pipe the terminal stays with the program that shows the output: its
// modes are not changed, and single keys are for it.
func TestPtyBeforePager(t *testing.T) {
	s := openScreen(t)
	pid := itoa(target(t, nobody, "--user", "--map-root-user"))
	s.keys("$E -p " + pid + ` -- sh -c 'echo up; sleep 1000' | bash -c 'read line; stty -icanon < /dev/tty; echo pager $line; read -n 3 keys < /dev/tty; stty icanon < /dev/tty; echo keys $keys'` + "\n")
	s.expect("pager up")
	s.keys("abc")
	s.expect("keys abc")
	s.keys(ctrlC)
	s.expect(prompt)
	s.run("stty -a | grep -o ' icanon'", "icanon")
	// Lines are for the command while nobody reads keys, and so is their end.
	s.keys("$E -p " + pid + ` -- sh -c 'echo up >&2; cat' | tr a-z A-Z` + "\n")
	s.expect("up")
	s.keys("hello\n")
	s.keys(ctrlD)
	s.expect("HELLO")
	s.expect(prompt)
	// A shell is talked to, wherever its output goes.
	s.keys("$E -p " + pid + " | tee /dev/null\n")
	s.keys("echo talk $((6*7)); exit 5\n")
	s.expect("talk 42")
	s.expect(prompt)
	s.run("echo rc=${PIPESTATUS[0]}", "rc=5")
}

// hangUp runs nsinspect as the leader of a session on a terminal, waits for the
// command to say its pid, and ends the connection.
func hangUp(t *testing.T, cmd *exec.Cmd) (pid int) {
	t.Helper()
	livetest.Root(t)
	master, err := pty.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 512)
	n, err := master.Read(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), "up") {
		t.Fatalf("%q, %v", buf[:n], err)
	}
	all := append([]int{cmd.Process.Pid}, descend(t, cmd.Process.Pid)...)
	master.Close()
	if _ = cmd.Wait(); cmd.ProcessState.Sys().(syscall.WaitStatus).Signal() == unix.SIGKILL {
		t.Errorf("%q lives on", cmd.Args)
	}
	return all[len(all)-1]
}

// A command whose terminal goes away knows: by the signal, and where it ignores
// that by the end of its input.
func TestTerminalHangup(t *testing.T) {
	for _, how := range [][]string{
		{"--pty", "--new-uts"},
		{"--pty", "--new-pid", "--new-mnt"},
		{"--no-pty", "--new-uts"},
		{"--no-pty", "--new-pid", "--new-mnt"},
	} {
		for _, script := range []string{"echo up; exec sleep 1000", "trap '' HUP; echo up; cat > /dev/null; :"} {
			gone(t, hangUp(t, command(t, 0, append(how, "--", "sh", "-c", script)...)))
		}
	}
	// Also one that only writes.
	for _, how := range []string{"--new-uts", "--kill-child"} {
		cmd := command(t, 0, "--pty", "--new-uts", how, "--", "sh", "-c", "trap '' HUP; echo up; while echo more; do :; done")
		cmd.Args = append([]string{"sh", "-c", `exec "$0" "$@" < /dev/null`}, cmd.Args...)
		cmd.Path = "/bin/sh"
		gone(t, hangUp(t, cmd))
	}
}

// --kill-child holds with a terminal too.
func TestPtyKillChild(t *testing.T) {
	livetest.Root(t)
	for _, how := range []string{"--new-uts", "--new-pid", "--new-user"} {
		cmd := command(t, 0, "--pty", how, "--kill-child", "--", "sh", "-c", "trap '' HUP; echo up; exec sleep 1000")
		master, err := pty.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		var text string
		for buf := make([]byte, 512); !strings.Contains(text, "up"); {
			n, err := master.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			text += string(buf[:n])
		}
		all := descend(t, cmd.Process.Pid)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		for _, pid := range all {
			if pid != cmd.Process.Pid {
				gone(t, pid)
			}
		}
		master.Close()
	}
}

// A timer that the caller left running is for the command.
func TestAlarmReachesTheCommand(t *testing.T) {
	livetest.Root(t)
	perl, err := exec.LookPath("perl")
	if err != nil {
		livetest.Skip(t, "perl (perl-base)")
	}
	for name, args := range supervised(t) {
		cmd := exec.Command(perl, append([]string{"-e", "alarm 1; exec @ARGV", built(t), "enter"},
			append(args, "--", "sh", "-c", "trap 'exit 7' ALRM; while :; do sleep 0.05; done")...)...)
		stop := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Signal(os.Kill) })
		r := finish(t, cmd)
		stop.Stop()
		if r.status.Signaled() && r.status.Signal() == syscall.SIGKILL || r.code() != 7 {
			t.Errorf("%s: status %d: %s", name, r.code(), r.err)
		}
	}
}

// A terminal that does not control our session, as after `su -c`, is not
// handed over either.
func TestPtyWithoutControl(t *testing.T) {
	s := openScreen(t)
	pid := itoa(target(t, nobody, "--user", "--map-root-user"))
	s.keys("tty\n")
	outer := strings.TrimSpace(s.expect(prompt))
	s.keys("setsid -w $E -p " + pid + ` -- sh -c 'echo up; read x; echo got $x; test "$(tty)" = ` + outer + ` || echo another'` + "\n")
	s.expect("up")
	s.keys("hello\n")
	s.expect("got hello")
	s.expect("another")
	s.expect(prompt)
	s.run("stty -a | grep -o ' icanon'", "icanon")
}
