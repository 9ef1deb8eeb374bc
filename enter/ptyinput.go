package enter

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// copyModes gives the pseudo-terminal the modes of the caller's terminal. In
// the background these are those of a shell that reads a line: then it keeps
// its own.
func (t *terminal) copyModes() {
	if !t.typed || !t.foreground() {
		return
	}
	modes, err := unix.IoctlGetTermios(t.in, unix.TCGETS)
	if err != nil {
		return
	}
	if t.shared { // the caller's terminal does that
		modes.Lflag &^= unix.ECHO
		modes.Oflag &^= unix.OPOST
	}
	_ = unix.IoctlSetTermios(t.slave, unix.TCSETS, modes)
}

// foreground reports whether the caller's terminal is ours to read and to set.
// To do so in the background would stop us. A terminal that does not control
// our session, as after `su -c`, knows no background.
func (t *terminal) foreground() bool {
	group, err := unix.IoctlGetInt(t.in, unix.TIOCGPGRP)
	return errors.Is(err, unix.ENOTTY) || err == nil && group == unix.Getpgrp()
}

// own reports whether what is typed is for the command. A terminal of ours
// becomes raw: it hands every key through to the pseudo-terminal, which makes
// of it what the command's modes say. One that we share stays as it is, and
// what is typed is not for us while a pager reads single keys.
func (t *terminal) own() bool {
	if !t.typed {
		return true
	}
	if !t.foreground() {
		return false
	}
	if t.shared {
		modes, err := unix.IoctlGetTermios(t.in, unix.TCGETS)
		return err == nil && modes.Lflag&unix.ICANON != 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.raw()
}

// raw is cfmakeraw of termios(3).
func (t *terminal) raw() bool {
	if t.isRaw {
		return true
	}
	if t.modes == nil {
		modes, err := unix.IoctlGetTermios(t.in, unix.TCGETS)
		if err != nil {
			return false
		}
		t.modes = modes
	}
	m := *t.modes
	m.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR | unix.ICRNL | unix.IXON
	m.Oflag &^= unix.OPOST
	m.Lflag &^= unix.ECHO | unix.ECHONL | unix.ICANON | unix.ISIG | unix.IEXTEN
	m.Cflag = m.Cflag&^(unix.CSIZE|unix.PARENB) | unix.CS8
	m.Cc[unix.VMIN], m.Cc[unix.VTIME] = 1, 0
	t.isRaw = unix.IoctlSetTermios(t.in, unix.TCSETS, &m) == nil
	return t.isRaw
}

// resume sets the terminal again after we were stopped: a shell may have set
// it for itself.
func (t *terminal) resume() {
	t.mu.Lock()
	t.isRaw = false
	t.mu.Unlock()
	t.own()
}

func (t *terminal) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.isRaw && t.foreground() {
		_ = unix.IoctlSetTermios(t.in, unix.TCSETS, t.modes)
	}
}

const endOfFile = 4 // as it is typed, ^D

// input copies what is typed. The end of an input that is no terminal is
// typed as the end of a file is; a terminal that has gone, as that of a broken
// connection, has the pseudo-terminal hung up.
func (t *terminal) input() {
	if t.typed {
		copyAll(t.key, t.master.Write)
		t.hangUp()
		return
	}
	copyAll(func(b []byte) (int, error) { return ready(t.in, unix.POLLIN, b, unix.Read) }, t.master.Write)
	_, _ = t.master.Write([]byte{endOfFile})
}

// key reads from the terminal while that is ours. To become it is no event:
// it is looked for now and then.
func (t *terminal) key(b []byte) (int, error) {
	const pause = 50 * time.Millisecond
	for {
		wait := -1
		if !t.own() {
			wait = int(pause / time.Millisecond)
		}
		p := []unix.PollFd{{Fd: int32(t.in), Events: unix.POLLIN}}
		n, err := unix.Poll(p, wait)
		switch {
		case err == nil && n == 1 && p[0].Revents&unix.POLLIN == 0:
			return 0, unix.EIO // hung up
		case err != nil || n == 0:
		case p[0].Revents&unix.POLLHUP != 0:
			return unix.Read(t.in, b)
		case !t.own():
			time.Sleep(pause) // another reads it
		default:
			return t.typedKeys(b)
		}
	}
}

// typedKeys reads what there is. An end of file on a terminal that is not raw
// was typed.
func (t *terminal) typedKeys(b []byte) (int, error) {
	n, err := ready(t.in, unix.POLLIN, b, unix.Read)
	if n == 0 && err == nil && t.shared {
		b[0], n = endOfFile, 1
	}
	return n, err
}

// hangUp closes the pseudo-terminal: its session gets the signal HUP.
func (t *terminal) hangUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.hung = true
	_ = t.master.Close()
}

func isPipe(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && (st.Mode&unix.S_IFMT == unix.S_IFIFO || st.Mode&unix.S_IFMT == unix.S_IFSOCK)
}
