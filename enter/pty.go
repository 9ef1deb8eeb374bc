package enter

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
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
	modes  *unix.Termios
}

// runPty runs the stage in a session of its own whose terminal is a
// pseudo-terminal, in the place of those of our descriptors that are one.
func runPty(p *Plan, file *stage.File, keep []int) (status int, err error) {
	t, err := openTerminal(p.facts.TTY)
	if err != nil {
		return 0, err
	}
	defer t.master.Close()
	files := []uintptr{0, 1, 2}
	control := -1
	for fd := range files {
		if p.facts.TTY[fd] {
			files[fd] = uintptr(t.slave)
			control = fd
		}
	}
	if control < 0 { // --pty without a terminal: give it one all the same
		files, control = []uintptr{uintptr(t.slave), uintptr(t.slave), uintptr(t.slave)}, 0
	}
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, syscall.SIGWINCH, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT,
		syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM)
	defer signal.Stop(signals)
	pid, err := file.Spawn(keep, &syscall.ProcAttr{
		Files: files, Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: control},
	})
	unix.Close(t.slave)
	if err != nil {
		return 0, err
	}
	if err := t.raw(); err != nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		_, _ = syscall.Wait4(pid, nil, 0, nil)
		return 0, err
	}
	defer t.restore()
	go t.pass(signals, pid)
	return t.serve(pid)
}

// openTerminal makes a pseudo-terminal. Its other end comes from the
// descriptor itself (TIOCGPTPEER): no path is trusted.
func openTerminal(tty [3]bool) (*terminal, error) {
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
	if modes, err := unix.IoctlGetTermios(t.in, unix.TCGETS); err == nil {
		_ = unix.IoctlSetTermios(t.slave, unix.TCSETS, modes)
		t.modes = modes
	}
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

// raw hands every key through to the pseudo-terminal, which makes of it what
// the command's modes say; cfmakeraw of termios(3).
func (t *terminal) raw() error {
	if t.modes == nil {
		return nil
	}
	m := *t.modes
	m.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	m.Oflag &^= unix.OPOST
	m.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	m.Cflag = m.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	m.Cc[unix.VMIN], m.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(t.in, unix.TCSETS, &m); err != nil {
		return fmt.Errorf("set the terminal to raw: %w", os.NewSyscallError("TCSETS", err))
	}
	return nil
}

func (t *terminal) restore() {
	if t.modes != nil {
		_ = unix.IoctlSetTermios(t.in, unix.TCSETS, t.modes)
	}
}

// pass hands signals on; a change of the window is told to the
// pseudo-terminal, which signals it.
func (t *terminal) pass(signals <-chan os.Signal, pid int) {
	for s := range signals {
		if s == syscall.SIGWINCH {
			if size, err := unix.IoctlGetWinsize(t.out, unix.TIOCGWINSZ); err == nil {
				_ = unix.IoctlSetWinsize(t.fd, unix.TIOCSWINSZ, size)
			}
			continue
		}
		_ = syscall.Kill(pid, s.(syscall.Signal))
	}
}

// serve copies until the child has ended, and then what it left behind.
func (t *terminal) serve(pid int) (status int, err error) {
	if t.in >= 0 {
		go t.input()
	}
	output := make(chan struct{})
	go func() {
		copyAll(t.master.Read, t.write)
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

// input copies what is typed. The end of an input that is no terminal is
// typed as the end of a file is.
func (t *terminal) input() {
	copyAll(func(b []byte) (int, error) { return ready(t.in, unix.POLLIN, b, unix.Read) }, t.master.Write)
	if t.modes == nil {
		_, _ = t.master.Write([]byte{4})
	}
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
