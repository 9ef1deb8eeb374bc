package nsfs

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The ioctls that walk all mount namespaces, linux/nsfs.h, Linux 6.12.
const (
	nsMntGetInfo = 0x8010b70a
	nsMntGetNext = 0x8010b70b
	nsMntGetPrev = 0x8010b70c
)

// MntInfo is struct mnt_ns_info of linux/nsfs.h.
type MntInfo struct {
	Size   uint32
	Mounts uint32 // number of mounts
	Serial uint64 // what listmount(2) takes as mnt_ns_id
}

// MountNamespace asks a mount namespace for its id and number of mounts.
func MountNamespace(fd int) (MntInfo, error) {
	info := MntInfo{Size: 16}
	_, err := ioctl(fd, nsMntGetInfo, uintptr(unsafe.Pointer(&info)))
	return info, os.NewSyscallError("ioctl NS_MNT_GET_INFO", err)
}

// EachMountNamespace calls f for each mount namespace of the host that comes
// before or after the one that the file start is, in the order of their ids,
// also for those without process. f must not keep the file, and stops the
// walk with false. It needs Linux 6.12, CAP_SYS_ADMIN, and the initial pid
// namespace: else the error is ENOTTY or EPERM, with nothing walked.
func EachMountNamespace(start int, f func(fd int, info MntInfo) bool) error {
	for _, req := range []uintptr{nsMntGetNext, nsMntGetPrev} {
		if more, err := walkMountNamespaces(start, req, f); err != nil || !more {
			return err
		}
	}
	return nil
}

func walkMountNamespaces(start int, req uintptr, f func(fd int, info MntInfo) bool) (bool, error) {
	fd := start
	for {
		info := MntInfo{Size: 16}
		next, err := ioctl(fd, req, uintptr(unsafe.Pointer(&info)))
		if fd != start {
			unix.Close(fd)
		}
		if err == unix.ENOENT {
			return true, nil
		}
		if err != nil {
			return false, os.NewSyscallError("ioctl NS_MNT_GET_NEXT", err)
		}
		fd = next
		if !f(fd, info) {
			unix.Close(fd)
			return false, nil
		}
	}
}
