package mounts

import (
	"os"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// Enter reads the mounts of a mount namespace that no task is in, on kernels
// that do not list them: a thread enters it and reads its own mountinfo from
// proc, an open /proc, and ends. fd is the namespace.
func Enter(proc, fd int, o Options) (Result, error) {
	s := &scan{Options: o, seen: map[inspect.ID]bool{}}
	s.ByMount, s.ProcDevs, s.Read = map[int]inspect.ID{}, map[uint64]bool{}, map[inspect.ID]bool{}
	id, _, err := nsfs.Identify(fd)
	if err != nil {
		return s.Result, err
	}
	err = nsfs.OnThread(func() error {
		if err := unix.Unshare(unix.CLONE_FS); err != nil {
			return os.NewSyscallError("unshare", err)
		}
		if err := unix.Setns(fd, unix.CLONE_NEWNS); err != nil {
			return os.NewSyscallError("setns", err)
		}
		text, err := readFile(proc, "thread-self/mountinfo")
		if err != nil {
			return &os.PathError{Op: "read", Path: "/proc/thread-self/mountinfo", Err: err}
		}
		s.mountinfo(text, id, "/proc/thread-self/mountinfo", 0)
		return nil
	})
	return s.Result, err
}

// readFile reads a file below dir.
func readFile(dir int, path string) (string, error) {
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	buf := make([]byte, 0, 8192)
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, make([]byte, len(buf))...)[:len(buf)]
		}
		n, err := unix.Read(fd, buf[len(buf):cap(buf)])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return string(buf), err
		}
		buf = buf[:len(buf)+n]
	}
}
