package holders

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// pidfdThread makes pidfd_open(2) take a thread, Linux 6.9: PIDFD_THREAD of
// linux/pidfd.h.
const pidfdThread = unix.O_EXCL

const opSocket = "look at a socket"

// socket records the network namespace of a socket. Only a copy of the
// descriptor tells it.
func (w *worker) socket(num int, text []byte) {
	if !w.Sockets && !w.InFlight {
		return
	}
	fd, ok := w.copyFD(num)
	if !ok {
		return
	}
	defer unix.Close(fd)
	if w.Sockets {
		id, err := w.netOf(fd)
		if err != nil {
			w.report("read the network namespace of a socket", fdPath(w.pid, w.tid, strconv.Itoa(num)), w.pid, err)
		} else {
			r := inspect.Ref{NS: id, Kind: inspect.RefSocket, FD: num, Path: string(text), Inode: socketInode(text)}
			describeSocket(fd, &r)
			w.ref(r)
		}
	}
	if w.InFlight {
		w.peek(fd, num)
	}
}

func socketInode(text []byte) uint64 {
	_, s, _ := bytes.Cut(bytes.TrimSuffix(text, []byte("]")), []byte("["))
	ino, _ := strconv.ParseUint(string(s), 10, 64)
	return ino
}

// copyFD duplicates a descriptor of the current task with pidfd_getfd(2),
// Linux 5.6.
func (w *worker) copyFD(num int) (int, bool) {
	if !w.pidfds {
		w.report(opSocket, "", 0, errForeignProc)
		return -1, false
	}
	if w.pidfd == -1 {
		w.openPidfd()
	}
	if w.pidfd < 0 {
		return -1, false
	}
	fd, _, errno := unix.RawSyscall(unix.SYS_PIDFD_GETFD, uintptr(w.pidfd), uintptr(num), 0)
	if errno == 0 {
		return int(fd), true
	}
	if errno == unix.EPERM || errno == unix.EACCES || errno == unix.ENOSYS {
		w.closePidfd()
		w.pidfd = -2 // none of its others can be had either
	}
	w.report(opSocket, fdPath(w.pid, w.tid, strconv.Itoa(num)), w.pid, errno)
	return -1, false
}

var errForeignProc = errors.New("the pids of this /proc are of another pid namespace")

func (w *worker) openPidfd() {
	task, flags := w.pid, 0
	if w.tid != 0 {
		task, flags = w.tid, pidfdThread
	}
	fd, err := unix.PidfdOpen(task, flags)
	if err != nil {
		w.pidfd = -2
		w.report(opSocket, fdPath(w.pid, w.tid, ""), w.pid, err)
		return
	}
	w.pidfd = fd
}

func (w *worker) closePidfd() {
	if w.pidfd >= 0 {
		unix.Close(w.pidfd)
	}
	w.pidfd = -1
}

// netOf returns the network namespace of a socket: by its cookie if a socket
// of that namespace was seen before, else by SIOCGSKNS, which makes a file.
func (w *worker) netOf(fd int) (inspect.ID, error) {
	cookie, ok := netCookie(fd)
	if ok {
		if id, ok := w.cookies[cookie]; ok {
			return id, nil
		}
	}
	id, err := w.socketNamespace(fd)
	if err != nil && ok {
		id, err = w.byCookie(cookie, err)
	}
	if err == nil && ok {
		w.cookies[cookie] = id
	}
	return id, err
}

// socketNamespace asks for the namespace of a socket or a tun file with
// SIOCGSKNS, linux/sockios.h, which needs CAP_NET_ADMIN over it.
func (w *worker) socketNamespace(fd int) (inspect.ID, error) {
	ns, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCGSKNS, 0)
	if errno != 0 {
		return inspect.ID{}, os.NewSyscallError("ioctl SIOCGSKNS", errno)
	}
	defer unix.Close(int(ns))
	return w.found(int(ns))
}

// byCookie finds the namespace without privileges: the cookie is our own's,
// or it equals the id that the kernel gives a namespace from Linux 6.18 on.
func (w *worker) byCookie(cookie uint64, err error) (inspect.ID, error) {
	if cookie == w.own {
		return w.ownNet, nil
	}
	if id, ok := w.serials[cookie]; ok {
		return id, nil
	}
	return inspect.ID{}, err
}

// netCookie is SO_NETNS_COOKIE, socket(7), Linux 5.14.
func netCookie(fd int) (uint64, bool) {
	var v uint64
	size := uint32(8)
	_, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, unix.SO_NETNS_COOKIE,
		uintptr(unsafe.Pointer(&v)), uintptr(unsafe.Pointer(&size)), 0)
	return v, errno == 0
}

// ownCookie returns the cookie of the caller's network namespace and its ID.
func ownCookie() (uint64, inspect.ID) {
	sk, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, inspect.ID{}
	}
	defer unix.Close(sk)
	ns, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, inspect.ID{}
	}
	defer unix.Close(ns)
	id, _, err := nsfs.Identify(ns)
	cookie, ok := netCookie(sk)
	if err != nil || !ok {
		return 0, inspect.ID{}
	}
	return cookie, id
}

// ownPIDs reports whether the pids of proc are those of our pid namespace:
// its self is we.
func ownPIDs(proc int) bool {
	var buf [32]byte
	n, err := unix.Readlinkat(proc, "self", buf[:])
	return err == nil && string(buf[:n]) == strconv.Itoa(os.Getpid())
}
