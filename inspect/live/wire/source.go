package wire

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// Source is a network namespace and the ways to open it.
type Source struct {
	ID inspect.ID
	// Paths are files that lead to it, tried in turn: /proc/PID/ns/net,
	// /proc/PID/fd/N, a bind mount.
	Paths []string
	// Open opens it in ways that no path has; nil when there is none. It is
	// tried last. The descriptor is the caller's.
	Open func() (int, error)
}

// errGone is a namespace that none of its paths leads to any more.
var errGone = errors.New("namespace is gone")

// open opens the namespace and makes sure that it is the one that was seen:
// a pid or a path may lead to another one by now.
func (s *Source) open() (int, error) {
	err := errGone
	for _, path := range s.Paths {
		fd, perr := s.openPath(path)
		if perr == nil {
			return fd, nil
		}
		err = worse(err, perr)
	}
	if s.Open != nil {
		fd, oerr := s.Open()
		if oerr == nil {
			oerr = s.check(fd)
		}
		if oerr == nil {
			return fd, nil
		}
		err = worse(err, oerr)
	}
	return -1, err
}

// worse keeps the error that tells more: that a process has gone is normal.
func worse(a, b error) error {
	for _, gone := range []error{unix.ENOENT, unix.ESRCH, errGone} {
		if errors.Is(b, gone) {
			return a
		}
	}
	return b
}

func (s *Source) openPath(path string) (int, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	if err != nil {
		return -1, fmt.Errorf("open %s: %w", path, err)
	}
	if err := s.check(fd); err != nil {
		return -1, err
	}
	return fd, nil
}

// check closes fd unless it is open on the namespace.
func (s *Source) check(fd int) error {
	var st unix.Stat_t
	err := unix.Fstat(fd, &st)
	if err == nil && (inspect.ID{Dev: st.Dev, Ino: st.Ino}) == s.ID {
		return nil
	}
	_ = unix.Close(fd)
	if err != nil {
		return fmt.Errorf("fstat: %w", err)
	}
	return errGone
}
