package nsfs

import (
	"encoding/binary"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// Numbers of linux/nsfs.h and linux/fcntl.h, Linux 6.18.
const (
	handleType = 0xf1   // FILEID_NSFS
	handleRoot = -10003 // FD_NSFS_ROOT
)

// Handle is struct nsfs_file_handle in a struct file_handle: it opens a
// namespace without a path, given its id, kind and inode.
type Handle struct {
	bytes  uint32
	typ    int32
	serial uint64
	flag   uint32
	inum   uint32
}

// NewHandle returns the handle of the namespace of kind t with that inode and
// id. On Linux 6.18 all three must be right; from 6.19 flag and inode may be 0.
func NewHandle(serial uint64, t inspect.Type, ino uint64) Handle {
	return Handle{bytes: 16, typ: handleType, serial: serial, flag: uint32(Flag(t)), inum: uint32(ino)}
}

// SetSerial changes the id that is tried.
func (h *Handle) SetSerial(serial uint64) { h.serial = serial }

// Open opens the namespace. It is ESTALE when there is none, EINVAL, EBADF or
// EOPNOTSUPP before Linux 6.18, and EPERM without CAP_SYS_ADMIN over its owner
// or outside of the initial pid namespace.
func (h *Handle) Open() (int, error) {
	fd, errno := h.open()
	if errno != 0 {
		return -1, os.NewSyscallError("open_by_handle_at", errno)
	}
	return fd, nil
}

func (h *Handle) open() (int, unix.Errno) {
	root := handleRoot // a variable: the constant is negative
	fd, _, errno := unix.RawSyscall(unix.SYS_OPEN_BY_HANDLE_AT, uintptr(root), uintptr(unsafe.Pointer(h)), unix.O_RDONLY|unix.O_CLOEXEC)
	return int(fd), errno
}

// Exists tries the handle and reports whether there is such a namespace.
func (h *Handle) Exists() (fd int, ok bool) {
	fd, errno := h.open()
	return fd, errno == 0
}

// ParseHandle parses the f_handle of a mark in /proc/PID/fdinfo, fanotify(7),
// which for a file of nsfs names the namespace.
func ParseHandle(b []byte) (serial uint64, t inspect.Type, ino uint64, ok bool) {
	if len(b) < 16 {
		return 0, 0, 0, false
	}
	t = cloneType(int(binary.NativeEndian.Uint32(b[8:])))
	return binary.NativeEndian.Uint64(b), t, uint64(binary.NativeEndian.Uint32(b[12:])), t != 0
}
