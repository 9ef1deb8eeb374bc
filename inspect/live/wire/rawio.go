package wire

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The kernel makes its answer to a netlink request within write(2), and the
// next piece of a list within recv(2): neither waits. So they are called
// without telling Go's scheduler, which would otherwise hand the processor
// to another thread and take it back at nearly every call: a third of the
// time for a host with many namespaces.

// writeNow is write(2).
func writeNow(fd int, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// answerTimeout is how long an answer may take that is not there at once. It
// only keeps a fault from hanging the program.
const answerTimeout = 5 * time.Second

// readNow is recv(2) with MSG_DONTWAIT. Should there be nothing to read, it
// waits as any other call does; after answerTimeout it fails with ETIMEDOUT.
func readNow(fd int, b []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EAGAIN:
		default:
			return 0, errno
		}
		ready, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(answerTimeout.Milliseconds()))
		if err == nil && ready == 0 {
			err = unix.ETIMEDOUT
		}
		if err != nil {
			return 0, err
		}
	}
}

// readFile reads a small file, which /proc has ready at once. It must be
// called where the thread is: what /proc/thread-self and /proc/sys/net show
// depends on it.
func readFile(path string) ([]byte, error) { return readFileAt(unix.AT_FDCWD, path) }

// readFileAt is readFile of a path from an open directory. An open
// /proc/thread-self/net shows the namespace that the thread is in by then.
func readFileAt(dir int, path string) ([]byte, error) {
	fd, err := unix.Openat(dir, path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, 512)
	n, err := unix.Read(fd, buf)
	if err != nil {
		return nil, err
	}
	return buf[:n], nil
}
