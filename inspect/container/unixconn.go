package container

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// unixConn is a connected Unix socket that blocks, for no longer than its
// context allows.
type unixConn struct {
	ctx context.Context

	mu sync.Mutex
	fd int // -1 once it is closed
}

// dialUnix connects to a path. It does not wait where too many wait already:
// that is EAGAIN, see unix(7).
func dialUnix(ctx context.Context, path string) (*unixConn, error) {
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	err = retry(func() error { return syscall.Connect(fd, &syscall.SockaddrUnix{Name: path}) })
	if err == nil {
		err = syscall.SetNonblock(fd, false)
	}
	if err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("connect", err)
	}
	return &unixConn{ctx: ctx, fd: fd}, nil
}

// Write sends b, which is shorter than what a socket takes at once.
func (s *unixConn) Write(b []byte) (n int, err error) {
	if err := s.limit(syscall.SO_SNDTIMEO); err != nil {
		return 0, err
	}
	err = retry(func() (err error) { n, err = syscall.Write(s.fd, b); return err })
	return n, os.NewSyscallError("write", err)
}

// Read reads what there is. After a context ended it gives the end of file.
func (s *unixConn) Read(b []byte) (n int, err error) {
	if err := s.limit(syscall.SO_RCVTIMEO); err != nil {
		return 0, err
	}
	err = retry(func() (err error) { n, err = syscall.Read(s.fd, b); return err })
	switch {
	case errors.Is(err, syscall.EAGAIN): // SO_RCVTIMEO, see socket(7)
		return 0, context.DeadlineExceeded
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// limit has the next operation fail after what is left of the time; option is
// SO_RCVTIMEO or SO_SNDTIMEO.
func (s *unixConn) limit(option int) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	deadline, ok := s.ctx.Deadline()
	if !ok {
		return nil
	}
	left := time.Until(deadline)
	if left <= 0 {
		return context.DeadlineExceeded
	}
	tv := syscall.NsecToTimeval(max(left, time.Microsecond).Nanoseconds()) // 0 is no limit
	return os.NewSyscallError("setsockopt", syscall.SetsockoptTimeval(s.fd, syscall.SOL_SOCKET, option, &tv))
}

// shutdown wakes whoever waits for the socket.
func (s *unixConn) shutdown() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd >= 0 {
		_ = syscall.Shutdown(s.fd, syscall.SHUT_RDWR)
	}
}

func (s *unixConn) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	syscall.Close(s.fd)
	s.fd = -1
}

func retry(f func() error) error {
	for {
		if err := f(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
