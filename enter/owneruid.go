package enter

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// ownerUID asks who made a user namespace: NS_GET_OWNER_UID of ioctl_ns(2),
// as our user namespace sees the id.
func ownerUID(fd int, uid *uint32) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.NS_GET_OWNER_UID, uintptr(unsafe.Pointer(uid)))
	if errno != 0 {
		return errno
	}
	return nil
}
