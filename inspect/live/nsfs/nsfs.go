// Package nsfs asks the files of nsfs, which are namespaces, what they are:
// the ioctls of ioctl_ns(2), file handles, and the lists of the kernel.
package nsfs

import (
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// cloneTypes are the kinds by their CLONE_NEW* flag, which NS_GET_NSTYPE gives.
func cloneType(flag int) inspect.Type {
	switch flag {
	case unix.CLONE_NEWCGROUP:
		return inspect.Cgroup
	case unix.CLONE_NEWIPC:
		return inspect.IPC
	case unix.CLONE_NEWNS:
		return inspect.Mnt
	case unix.CLONE_NEWNET:
		return inspect.Net
	case unix.CLONE_NEWPID:
		return inspect.PID
	case unix.CLONE_NEWTIME:
		return inspect.Time
	case unix.CLONE_NEWUSER:
		return inspect.User
	case unix.CLONE_NEWUTS:
		return inspect.UTS
	}
	return 0
}

// Flag returns the CLONE_NEW* flag of t, 0 for none.
func Flag(t inspect.Type) int {
	switch t {
	case inspect.Cgroup:
		return unix.CLONE_NEWCGROUP
	case inspect.IPC:
		return unix.CLONE_NEWIPC
	case inspect.Mnt:
		return unix.CLONE_NEWNS
	case inspect.Net:
		return unix.CLONE_NEWNET
	case inspect.PID:
		return unix.CLONE_NEWPID
	case inspect.Time:
		return unix.CLONE_NEWTIME
	case inspect.User:
		return unix.CLONE_NEWUSER
	case inspect.UTS:
		return unix.CLONE_NEWUTS
	}
	return 0
}

// Identify returns the namespace that the file fd is. The error is ENOTTY
// when it is not a file of nsfs.
func Identify(fd int) (inspect.ID, inspect.Type, error) {
	flag, err := ioctl(fd, unix.NS_GET_NSTYPE, 0)
	if err != nil {
		return inspect.ID{}, 0, os.NewSyscallError("ioctl NS_GET_NSTYPE", err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return inspect.ID{}, 0, os.NewSyscallError("fstat", err)
	}
	return inspect.ID{Dev: st.Dev, Ino: st.Ino}, cloneType(flag), nil
}

// Owner opens the owning user namespace. At the top of what the caller may
// see it is EPERM.
func Owner(fd int) (int, error) {
	o, err := ioctl(fd, unix.NS_GET_USERNS, 0)
	return o, os.NewSyscallError("ioctl NS_GET_USERNS", err)
}

// Parent opens the parent of a user or pid namespace: EPERM at the top of
// what the caller may see, EINVAL for other kinds.
func Parent(fd int) (int, error) {
	p, err := ioctl(fd, unix.NS_GET_PARENT, 0)
	return p, os.NewSyscallError("ioctl NS_GET_PARENT", err)
}

// OwnerUID returns the user who made a user namespace.
func OwnerUID(fd int) (uint32, error) {
	var uid uint32
	_, err := ioctl(fd, unix.NS_GET_OWNER_UID, uintptr(unsafe.Pointer(&uid)))
	return uid, os.NewSyscallError("ioctl NS_GET_OWNER_UID", err)
}

// Serial returns the kernel's 64-bit id: NS_GET_ID of Linux 6.18, before that
// NS_GET_MNTNS_ID for mount namespaces (6.11). It is 0 where there is none.
func Serial(fd int) uint64 {
	var id uint64
	for _, req := range []uintptr{unix.NS_GET_ID, unix.NS_GET_MNTNS_ID} {
		if _, err := ioctl(fd, req, uintptr(unsafe.Pointer(&id))); err == nil {
			return id
		}
	}
	return 0
}

func ioctl(fd int, req, arg uintptr) (int, error) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), req, arg)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return -1, errno
		}
		return int(r), nil
	}
}

// Dup returns a copy of fd that is closed on exec.
func Dup(fd int) (int, error) {
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	return dup, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", err)
}

// Describe returns the namespace that fd is, with what the ioctls say of it,
// and whatever it leads to: owner, parent, their owners, and so on. It stops
// at those that known reports. It does not close fd.
func Describe(fd int, known func(inspect.ID) bool) ([]inspect.Namespace, error) {
	id, typ, err := Identify(fd)
	if err != nil || known(id) {
		return nil, err
	}
	ns := inspect.Namespace{ID: id, Type: typ, Serial: Serial(fd)}
	var more []inspect.Namespace
	ns.Owner, more = follow(fd, Owner, more, known)
	if typ == inspect.User || typ == inspect.PID {
		ns.Parent, more = follow(fd, Parent, more, known)
	}
	if typ == inspect.User {
		if uid, err := OwnerUID(fd); err == nil {
			ns.OwnerUID = &uid
		}
	}
	return append(more, ns), nil
}

// follow describes the relative of fd that open leads to. Without leave it is
// the zero ID: the top, or out of sight.
func follow(fd int, open func(int) (int, error), out []inspect.Namespace, known func(inspect.ID) bool) (inspect.ID, []inspect.Namespace) {
	rel, err := open(fd)
	if err != nil {
		return inspect.ID{}, out
	}
	defer unix.Close(rel)
	id, _, err := Identify(rel)
	if err != nil {
		return inspect.ID{}, out
	}
	seen := func(id inspect.ID) bool { return known(id) || contains(out, id) }
	more, err := Describe(rel, seen)
	if err != nil {
		return id, out
	}
	return id, append(out, more...)
}

func contains(list []inspect.Namespace, id inspect.ID) bool {
	for i := range list {
		if list[i].ID == id {
			return true
		}
	}
	return false
}

// OnThread runs f on a thread of its own, which ends afterwards: f may enter
// other namespaces. It is never the main thread, for that cannot end, and
// /proc shows its namespaces as those of the process.
func OnThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			done <- OnThread(f) // elsewhere: this goroutine has the main thread
			runtime.UnlockOSThread()
			return
		}
		done <- f() // never unlocked: the thread ends with the goroutine
	}()
	return <-done
}
