package live

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// What an open namespace file tells, see ioctl_ns(2).

// nsIdentity returns the ID of the namespace open at fd.
func nsIdentity(fd int) (inspect.ID, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return inspect.ID{}, os.NewSyscallError("fstat", err)
	}
	return inspect.ID{Dev: uint64(st.Dev), Ino: st.Ino}, nil
}

// nsRelative opens the namespace that req, NS_GET_USERNS or NS_GET_PARENT,
// leads to. It fails with EPERM at the top and for what is out of the
// observer's sight.
func nsRelative(fd int, req uint) (int, error) {
	for {
		rel, err := unix.IoctlRetInt(fd, req)
		if err != unix.EINTR {
			return rel, err
		}
	}
}

// nsType returns the kind of the namespace (NS_GET_NSTYPE, Linux 4.11).
func nsType(fd int) (inspect.Type, error) {
	flag, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
	if err != nil {
		return 0, err
	}
	switch flag {
	case unix.CLONE_NEWCGROUP:
		return inspect.Cgroup, nil
	case unix.CLONE_NEWIPC:
		return inspect.IPC, nil
	case unix.CLONE_NEWNS:
		return inspect.Mnt, nil
	case unix.CLONE_NEWNET:
		return inspect.Net, nil
	case unix.CLONE_NEWPID:
		return inspect.PID, nil
	case unix.CLONE_NEWTIME:
		return inspect.Time, nil
	case unix.CLONE_NEWUSER:
		return inspect.User, nil
	case unix.CLONE_NEWUTS:
		return inspect.UTS, nil
	}
	return 0, fmt.Errorf("unknown kind of namespace %#x", flag)
}

// nsOwnerUID returns the owner of a user namespace (NS_GET_OWNER_UID, Linux
// 4.11) as the observer's user namespace sees it.
func nsOwnerUID(fd int) (uint32, error) {
	var uid uint32
	err := ioctl(fd, unix.NS_GET_OWNER_UID, unsafe.Pointer(&uid))
	return uid, err
}

// nsSerial returns the 64-bit id of the namespace (NS_GET_ID, Linux 6.18);
// ENOTTY on kernels that have none.
func nsSerial(fd int) (uint64, error) {
	var id uint64
	err := ioctl(fd, unix.NS_GET_ID, unsafe.Pointer(&id))
	return id, err
}

func ioctl(fd int, req uint, arg unsafe.Pointer) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(req), uintptr(arg))
	if errno != 0 {
		return errno
	}
	return nil
}
