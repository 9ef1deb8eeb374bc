package live

import (
	"errors"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The calls of the hot path: paths are bytes that end in NUL, nothing is
// allocated. Everything else goes through x/sys/unix.

func openPath(dir int, path []byte) (int, unix.Errno) {
	const flags = unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC
	for {
		fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, uintptr(dir), uintptr(unsafe.Pointer(&path[0])), flags, 0, 0, 0)
		if errno != unix.EINTR {
			return int(fd), errno
		}
	}
}

// readLink reads a link without telling the scheduler: a link in /proc/PID/ns
// is made up in memory and never waits for a device.
func readLink(dir int, name string, buf []byte) (int, unix.Errno) {
	n, _, errno := unix.RawSyscall6(unix.SYS_READLINKAT, uintptr(dir), uintptr(unsafe.Pointer(unsafe.StringData(name))),
		uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0)
	return int(n), errno
}

// statLinks fills in the link count of a file, statx(2).
func statLinks(dir int, path []byte, st *unix.Statx_t) unix.Errno {
	_, _, errno := unix.RawSyscall6(unix.SYS_STATX, uintptr(dir), uintptr(unsafe.Pointer(&path[0])), 0,
		unix.STATX_NLINK, uintptr(unsafe.Pointer(st)), 0)
	return errno
}

// openFile opens path below dir for reading.
func openFile(dir int, path string) (int, error) {
	for {
		fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOCTTY, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// readFile reads a file below dir into buf, which it grows as needed and
// returns cut to what was read.
func readFile(dir int, path string, buf []byte) ([]byte, error) {
	fd, err := openFile(dir, path)
	if err != nil {
		return buf[:0], err
	}
	defer unix.Close(fd)
	buf = buf[:0]
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, make([]byte, max(4096, len(buf)))...)[:len(buf)]
		}
		n, err := unix.Read(fd, buf[len(buf):cap(buf)])
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return buf, err
		}
		buf = buf[:len(buf)+n]
	}
}

// gone reports whether err says that a process, or a thread of it, is no more.
func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH)
}

// denied reports whether err says that the observer may not look. Under
// hidepid=1 it is EPERM.
func denied(err error) bool { return errors.Is(err, os.ErrPermission) }

// workers is how many goroutines read /proc at the same time.
func workers() int { return runtime.GOMAXPROCS(0) }
