// Package hold makes namespaces that nothing but one thing keeps alive, for
// tests: a process of its own makes each, so that no test disturbs another and
// all is gone when that process is.
package hold

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/nsfs"
)

const (
	envWay   = "NSINSPECT_HOLD"
	envInner = "NSINSPECT_HOLD_INNER"
)

// Main runs the tests, or makes what is held where this is the process for
// that. TestMain of a package that uses Start must be nothing but a call of it.
func Main(m *testing.M) {
	Make()
	os.Exit(m.Run())
}

// Make makes what is held and ends where this is the process for that, else it
// returns. It is for a TestMain that has other things to do.
func Make() {
	switch {
	case os.Getenv(envInner) != "":
		inside()
		os.Exit(0)
	case os.Getenv(envWay) != "":
		os.Exit(child(os.Getenv(envWay)))
	}
}

// Held is a namespace that one process holds.
type Held struct {
	// NS is zero where no link leads there.
	NS   inspect.ID   `json:"ns,omitzero"`
	Type inspect.Type `json:"type"`
	PID  int          `json:"pid"` // the process that holds it
	TID  int          `json:"tid"` // the thread in it or with a table of its own; 0 for none
	// Also is another namespace on the way, such as the mount namespace of a
	// mount; zero for none.
	Also inspect.ID `json:"also,omitzero"`
	// Missing says what the kernel lacks.
	Missing string `json:"missing"`

	stdin io.Closer
	cmd   *exec.Cmd
}

// Start makes a namespace that is held in this way until the test ends.
func Start(t testing.TB, w Way) *Held {
	t.Helper()
	return StartUntil(t, t, w)
}

// StartUntil is Start for the test t, with end as the test that it lasts for.
func StartUntil(end, t testing.TB, w Way) *Held {
	t.Helper()
	livetest.Root(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), envWay+"="+w.Name)
	cmd.Stderr = os.Stderr
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	h := &Held{stdin: stdin, cmd: cmd}
	end.Cleanup(h.Release)
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("hold by %s: the process said nothing: %v", w.Name, err)
	}
	if err := json.Unmarshal(line, h); err != nil {
		t.Fatalf("hold by %s: %v: %s", w.Name, err, line)
	}
	if h.Missing != "" {
		t.Skip("this kernel lacks " + h.Missing)
	}
	return h
}

// Release ends the process, and so the namespace.
func (h *Held) Release() {
	h.stdin.Close()
	h.cmd.Process.Kill()
	h.cmd.Wait()
}

// maker is what the process that holds has made so far.
type maker struct {
	Held
	typ  inspect.Type
	dir  string // an empty directory on a file system of its own, in a mount namespace of its own
	keep []any
}

func child(name string) int {
	for _, w := range Ways() {
		if w.Name == name {
			return w.run()
		}
	}
	fmt.Fprintln(os.Stderr, "no such way to hold a namespace:", name)
	return 1
}

// run makes the namespace, tells about it, and waits.
func (w Way) run() int {
	m := &maker{typ: w.Type}
	m.Type, m.PID = w.Type, os.Getpid()
	done := make(chan error, 1)
	go func() { done <- w.hold(m) }()
	if err := <-done; err != nil {
		if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.ENODEV) ||
			errors.Is(err, unix.EAFNOSUPPORT) || errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, errMissing) {
			m.Missing = fmt.Sprintf("%s: %v", w.Name, err)
		} else {
			fmt.Fprintf(os.Stderr, "hold by %s: %v\n", w.Name, err)
			return 1
		}
	}
	runtime.GC() // what is only kept by chance goes now
	json.NewEncoder(os.Stdout).Encode(&m.Held)
	if w.zombie {
		exitMainThread()
	}
	io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(m)
	return 0
}

var errMissing = errors.New("this machine lacks it")

// thread runs f on a thread that is in a new namespace of the maker's kind and
// ends afterwards.
func (m *maker) thread(f func() error) error {
	return nsfs.OnThread(func() error {
		if err := m.unshare(); err != nil {
			return err
		}
		return f()
	})
}

// stay is thread, but the thread stays after f: it parks for ever.
func (m *maker) stay(f func() error) error {
	done := make(chan error)
	go nsfs.OnThread(func() error {
		m.TID = unix.Gettid()
		err := m.unshare()
		if err == nil {
			err = f()
		}
		done <- err
		select {}
	})
	return <-done
}

// unshare moves the thread to a new namespace of the maker's kind.
func (m *maker) unshare() error {
	if err := move(m.typ); err != nil {
		return err
	}
	link := m.typ.String()
	if m.typ == inspect.Time {
		link += "_for_children"
	}
	id, err := identify("/proc/thread-self/ns/" + link)
	m.NS = id
	return err
}

func move(t inspect.Type) error {
	flags := nsfs.Flag(t)
	if t == inspect.Mnt {
		flags |= unix.CLONE_FS
	}
	if err := unix.Unshare(flags); err != nil {
		return os.NewSyscallError("unshare "+t.String(), err)
	}
	if t == inspect.Mnt {
		return os.NewSyscallError("mount", unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	}
	return nil
}

// private moves the thread to a mount namespace of its own with an empty
// directory to mount on. Nothing of that is seen outside.
func (m *maker) private() error {
	if err := move(inspect.Mnt); err != nil {
		return err
	}
	m.dir = "/dev/shm"
	if err := unix.Mount("hold", m.dir, "tmpfs", 0, ""); err != nil {
		return os.NewSyscallError("mount tmpfs", err)
	}
	var err error
	m.Also, err = identify("/proc/thread-self/ns/mnt")
	return err
}

func identify(path string) (inspect.ID, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return inspect.ID{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return inspect.ID{Dev: uint64(st.Dev), Ino: st.Ino}, nil
}

// nsFile is the file of the thread's namespace of the maker's kind.
func (m *maker) nsFile() string {
	if m.typ == inspect.Time {
		return "/proc/thread-self/ns/time_for_children"
	}
	return "/proc/thread-self/ns/" + m.typ.String()
}

func open(path string, flags int) (int, error) {
	fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, nil
}

// inner starts a process in new namespaces, which waits until end is called.
func inner(flags uintptr, userns bool) (pid int, end func(), err error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, nil, err
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), envInner+"=1")
	cmd.SysProcAttr = cloneFlags(flags, userns)
	stdin, err1 := cmd.StdinPipe()
	stdout, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		return 0, nil, err
	}
	end = func() { stdin.Close(); cmd.Process.Kill(); cmd.Wait() }
	if _, err := stdout.Read(make([]byte, 1)); err != nil {
		end()
		return 0, nil, fmt.Errorf("process in new namespaces: %w", err)
	}
	return cmd.Process.Pid, end, nil
}

// inside is a process in new namespaces, until it is told to end. It opens a
// file, which so has the credentials that it has there.
func inside() {
	f, _ := os.Open("/dev/null")
	os.Stdout.WriteString("x")
	io.Copy(io.Discard, os.Stdin)
	runtime.KeepAlive(f)
}
