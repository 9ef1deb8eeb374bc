package enter

import (
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
)

// terminal is a pseudo-terminal for the command and the caller's terminal
// behind it. Nothing inside can push input into the caller's, or change its
// modes. See pty(7), ioctl_tty(2).
type terminal struct {
	master *os.File
	fd     int // of master
	slave  int
	in     int // the descriptor that input comes from, -1 for none
	out    int // the descriptor that output goes to

	typed  bool // in is a terminal
	shared bool // with the program that our output goes to, such as less(1)

	mu    sync.Mutex    // for what follows
	modes *unix.Termios // of in, before it became raw; nil while it has not been
	isRaw bool
	hung  bool // master is closed
}

// runPty runs the stage in a session of its own whose terminal is a
// pseudo-terminal, in the place of those of our descriptors that are one.
func runPty(p *Plan, file *stage.File, keep []int) (status int, err error) {
	tty := p.facts.TTY
	t, err := openTerminal(tty, p.request.Pty == Auto && len(p.request.Command) > 0)
	if err != nil {
		return 0, err
	}
	defer t.master.Close()
	files := []uintptr{0, 1, 2}
	control := -1
	for fd := range files {
		if tty[fd] {
			files[fd] = uintptr(t.slave)
			control = fd
		}
	}
	if control < 0 { // --pty without a terminal: give it one all the same
		files, control = []uintptr{uintptr(t.slave), uintptr(t.slave), uintptr(t.slave)}, 0
	}
	signals := make(chan os.Signal, 16)
	for _, s := range []os.Signal{
		syscall.SIGWINCH, syscall.SIGCONT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT,
		syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM,
	} {
		if !signal.Ignored(s) { // by the caller; then the command ignores it too
			signal.Notify(signals, s)
		}
	}
	defer signal.Stop(signals)
	pid, err := file.Spawn(keep, &syscall.ProcAttr{
		Files: files, Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: control},
	})
	unix.Close(t.slave)
	if err != nil {
		return 0, err
	}
	t.own()
	defer t.restore()
	go t.pass(signals, pid)
	return t.serve(pid)
}

// openTerminal makes a pseudo-terminal. Its other end comes from the
// descriptor itself (TIOCGPTPEER): no path is trusted.
func openTerminal(tty [3]bool, mayShare bool) (*terminal, error) {
	master, err := openFile("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK)
	if err != nil {
		return nil, err
	}
	t := &terminal{fd: master, in: 0, out: 1}
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		unix.Close(master)
		return nil, os.NewSyscallError("TIOCSPTLCK", err)
	}
	slave, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		unix.Close(master)
		return nil, os.NewSyscallError("TIOCGPTPEER", errno)
	}
	t.slave = int(slave)
	t.master = os.NewFile(uintptr(master), "/dev/ptmx")
	t.choose(tty)
	if size, err := unix.IoctlGetWinsize(t.out, unix.TIOCGWINSZ); err == nil {
		_ = unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, size)
	}
	t.typed = t.in >= 0 && tty[t.in]
	t.shared = mayShare && t.typed && !tty[1] && isPipe(1)
	t.copyModes()
	return t, nil
}

// choose says which of our descriptors the pseudo-terminal stands for. Those
// that are no terminals the command has itself.
func (t *terminal) choose(tty [3]bool) {
	if tty == [3]bool{} {
		return
	}
	if !tty[0] {
		t.in = -1
	}
	for fd := 2; fd >= 0; fd-- {
		if tty[fd] && (fd != 2 || !tty[1]) {
			t.out = fd
		}
	}
	if tty[1] {
		t.out = 1
	}
}

// pass hands signals on; a change of the window is told to the
// pseudo-terminal, which signals it.
func (t *terminal) pass(signals <-chan os.Signal, pid int) {
	for s := range signals {
		switch s {
		case syscall.SIGWINCH:
			t.resize()
		case syscall.SIGCONT:
			t.resume()
		default:
			if sig := s.(syscall.Signal); !t.signalJob(sig) {
				_ = syscall.Kill(pid, sig)
			}
		}
	}
}

// signalJob has the pseudo-terminal signal what it would if the key had been
// typed there. It reports whether that was done: a terminal that is not raw
// has taken the key for itself.
func (t *terminal) signalJob(sig syscall.Signal) bool {
	if !t.shared || sig != syscall.SIGINT && sig != syscall.SIGQUIT {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.hung && unix.IoctlSetInt(t.fd, unix.TIOCSIG, int(sig)) == nil
}

func (t *terminal) resize() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if size, err := unix.IoctlGetWinsize(t.out, unix.TIOCGWINSZ); err == nil && !t.hung {
		_ = unix.IoctlSetWinsize(t.fd, unix.TIOCSWINSZ, size)
	}
}

// serve copies until the child has ended, and then what it left behind.
func (t *terminal) serve(pid int) (status int, err error) {
	if t.in >= 0 {
		go t.input()
	}
	output := make(chan struct{})
	go func() {
		copyAll(t.master.Read, t.show)
		close(output)
	}()
	ws, err := wait(pid)
	if err != nil {
		return 0, err
	}
	t.drain(output)
	if ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return ws.ExitStatus(), nil
}

// show writes output. Where it cannot go anywhere any more, the command is to
// know.
func (t *terminal) show(b []byte) (int, error) {
	n, err := t.write(b)
	if err != nil {
		t.hangUp()
	}
	return n, err
}

func (t *terminal) write(b []byte) (int, error) { return ready(t.out, unix.POLLOUT, b, unix.Write) }

// ready does f when the descriptor is ready for it, which others may have set
// to not block.
func ready(fd int, events int16, b []byte, f func(int, []byte) (int, error)) (int, error) {
	for {
		n, err := f(fd, b)
		switch {
		case errors.Is(err, unix.EAGAIN):
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: events}}, -1)
		case !errors.Is(err, unix.EINTR):
			return max(n, 0), err
		}
	}
}

// drain writes out what the command left in the pseudo-terminal. What
// processes write that it left behind comes too late.
func (t *terminal) drain(output <-chan struct{}) {
	_ = t.master.SetReadDeadline(time.Now())
	<-output
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.hung {
		return
	}
	copyAll(func(b []byte) (int, error) { return unix.Read(t.fd, b) }, t.write)
}

// copyAll copies until one side fails: with EIO when the last process has
// closed the pseudo-terminal.
func copyAll(read, write func([]byte) (int, error)) {
	buf := make([]byte, 32<<10)
	for {
		n, err := read(buf)
		for done := 0; done < n; {
			m, werr := write(buf[done:n])
			if werr != nil {
				return
			}
			done += m
		}
		if err != nil || n <= 0 {
			return
		}
	}
}

func wait(pid int) (ws syscall.WaitStatus, err error) {
	for {
		_, err := syscall.Wait4(pid, &ws, 0, nil)
		if !errors.Is(err, syscall.EINTR) {
			return ws, os.NewSyscallError("wait4", err)
		}
	}
}
