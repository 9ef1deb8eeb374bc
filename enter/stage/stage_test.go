package stage

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage/interp"
	"nsinspect/inspect/live/livetest"
)

// start runs p in a child and returns what it wrote and how it ended.
func start(t *testing.T, p *Program) (string, syscall.WaitStatus) {
	t.Helper()
	f, err := NewFile()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return startFile(t, f, p)
}

func startFile(t *testing.T, f *File, p *Program) (string, syscall.WaitStatus) {
	t.Helper()
	if err := f.Write(p); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	pid, err := f.Spawn(nil, &syscall.ProcAttr{Files: []uintptr{0, w.Fd(), w.Fd()}})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	out := readAll(r)
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil {
		t.Fatal(err)
	}
	return out, ws
}

func readAll(r io.Reader) string {
	out, _ := io.ReadAll(r) // what came before an error is what was said
	return string(out)
}

func TestFailureSaysStepReasonAndHint(t *testing.T) {
	p := New()
	p.Must(Failure{
		Step: "open the door", Exit: 42,
		Hints: map[syscall.Errno]string{unix.ENOENT: "build a door", unix.EACCES: "knock"},
	}, unix.SYS_OPENAT, p.Const(unix.AT_FDCWD), p.String("/no/such/door"))
	out, ws := start(t, p)
	want := "nsinspect: error: open the door: no such file or directory\nnsinspect: hint: build a door\n"
	if out != want || ws.ExitStatus() != 42 {
		t.Errorf("status %d, said %q, want 42 and %q", ws.ExitStatus(), out, want)
	}
}

func TestFailureWithoutHint(t *testing.T) {
	p := New()
	p.Must(Failure{Step: "close", Hints: map[syscall.Errno]string{unix.EACCES: "knock"}}, unix.SYS_CLOSE, p.Const(-1))
	out, ws := start(t, p)
	if want := "nsinspect: error: close: bad file descriptor\n"; out != want || ws.ExitStatus() != 125 {
		t.Errorf("status %d, said %q", ws.ExitStatus(), out)
	}
}

func TestEachErrnoHasItsText(t *testing.T) {
	for n := 1; n < maxErrno+3; n++ {
		p := New()
		p.Fail(Failure{Step: "x"}, p.Const(-int64(n)))
		program, err := p.Assemble(Base)
		if err != nil {
			t.Fatal(err)
		}
		var said string
		err = interp.Run(program, Base, func(c interp.Call, m *interp.Memory) (int64, error) {
			if c.Nr == unix.SYS_EXIT_GROUP {
				return 0, interp.ErrEnd
			}
			for i := range c.Args[2] {
				said += string(m.Read(m.Word(c.Args[1]+16*i), int(m.Word(c.Args[1]+16*i+8))))
			}
			return 0, nil
		})
		want := errorPrefix + "x: " + syscall.Errno(n).Error() + "\n"
		if n >= maxErrno {
			want = errorPrefix + "x\n"
		}
		if err != nil || said != want {
			t.Errorf("errno %d: %q, %v; want %q", n, said, err, want)
		}
	}
}

// A child of a bare clone goes on after it, on memory of its own.
func TestClone(t *testing.T) {
	p := New()
	shared := p.Var(1)
	child, wait := p.NewLabel(), p.Buffer(8)
	pid := p.Must(Failure{Step: "fork"}, unix.SYS_CLONE, p.Const(int64(unix.SIGCHLD)))
	p.JumpEqual(pid, Zero, child)
	p.Must(Failure{Step: "wait"}, unix.SYS_WAIT4, pid, p.Address(wait))
	status := p.Compute(Shr, p.Compute(And, p.Load(wait), p.Const(0xff00)), p.Const(8))
	p.Exit(p.Compute(Add, status, shared)) // 7 of the child and our own 1
	p.Place(child)
	p.Set(shared, Add, shared, p.Const(6))
	p.Exit(shared)
	if out, ws := start(t, p); ws.ExitStatus() != 8 || out != "" {
		t.Errorf("status %d, said %q, want 8", ws.ExitStatus(), out)
	}
}

func TestExecHasArgumentsAndEnvironment(t *testing.T) {
	p := New()
	p.Must(Failure{Step: "exec"}, unix.SYS_EXECVE, p.String("/bin/sh"),
		p.Address(p.Vector([]string{"sh", "-c", "echo $1 $A", "-", "one two"})), p.Address(p.Vector([]string{"A=b c"})))
	if out, _ := start(t, p); out != "one two b c\n" {
		t.Errorf("said %q", out)
	}
}

func TestGuard(t *testing.T) {
	f, err := NewFile()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := New()
	f.Guard(p)
	p.Must(Failure{Step: "exec"}, unix.SYS_EXECVE, p.String("/proc/self/exe"), p.Address(p.Vector([]string{"again"})), p.Address(p.Vector(nil)))
	out, ws := startFile(t, f, p)
	if ws.ExitStatus() != 126 || !strings.Contains(out, "a second time") {
		t.Errorf("status %d, said %q", ws.ExitStatus(), out)
	}
}

// The environment of the stage is empty and its file cannot be written.
func TestStageTellsAndGivesNothing(t *testing.T) {
	f, err := NewFile()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := New()
	p.Try(unix.SYS_PPOLL)
	if err := f.Write(p); err != nil {
		t.Fatal(err)
	}
	pid, err := f.Spawn(nil, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		syscall.Kill(pid, syscall.SIGKILL)
		syscall.Wait4(pid, nil, 0, nil)
	}()
	if env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid)); err != nil || len(env) != 0 {
		t.Errorf("environment %q, %v", env, err)
	}
	exe := fmt.Sprintf("/proc/%d/exe", pid)
	if to, err := os.Readlink(exe); err != nil || !strings.HasPrefix(to, "/memfd:") {
		t.Errorf("exe leads to %q, %v", to, err)
	}
	if w, err := os.OpenFile(exe, os.O_RDWR, 0); err == nil {
		if _, err := w.Write([]byte{0}); err == nil {
			t.Error("the image could be written to")
		}
		w.Close()
	}
}

func TestUnplacedLabelIsAnError(t *testing.T) {
	p := New()
	p.Jump(p.NewLabel())
	if _, err := p.Assemble(Base); err == nil {
		t.Error("assembled a jump to nowhere")
	}
}

// vm.memfd_noexec is a property of the pid namespace: it is set in a new one.
func TestMemfdNoexec(t *testing.T) {
	livetest.Root(t)
	if os.Getenv("STAGE_NOEXEC") != "" {
		noexecChild(t)
		return
	}
	for _, level := range []string{"1", "2"} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestMemfdNoexec$", "-test.v")
		cmd.Env = append(os.Environ(), "STAGE_NOEXEC="+level)
		cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS, Unshareflags: unix.CLONE_NEWNS}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("memfd_noexec=%s: %v\n%s", level, err, out)
		}
	}
}

func noexecChild(t *testing.T) {
	const sysctl = "/proc/sys/vm/memfd_noexec"
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	level := os.Getenv("STAGE_NOEXEC")
	if err := os.WriteFile(sysctl, []byte(level), 0); errors.Is(err, unix.ENOENT) {
		livetest.Skip(t, "sysctl vm.memfd_noexec (Linux 6.3)")
	} else if err != nil {
		t.Fatal(err)
	}
	f, err := NewFile()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.memory != (level == "1") {
		t.Errorf("memfd_noexec=%s: memory file: %v", level, f.memory)
	}
	p := New()
	f.Guard(p)
	p.Exit(p.Const(5))
	if out, ws := startFile(t, f, p); ws.ExitStatus() != 5 {
		t.Errorf("memfd_noexec=%s: status %d, said %q", level, ws.ExitStatus(), out)
	}
}
