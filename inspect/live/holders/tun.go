package holders

import (
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// tun records the network namespace in which /dev/net/tun was opened, and the
// interface if one is attached. See Documentation/networking/tuntap.
func (w *worker) tun(num int, path string) {
	if !w.Sockets {
		return
	}
	fd, ok := w.copyFD(num)
	if !ok {
		return
	}
	defer unix.Close(fd)
	id, err := w.socketNamespace(fd)
	if err != nil {
		w.report("read the network namespace of a tun file", fdPath(w.pid, w.tid, strconv.Itoa(num)), w.pid, err)
		return
	}
	w.ref(inspect.Ref{NS: id, Kind: inspect.RefTun, FD: num, Path: path, Interface: tunInterface(fd)})
}

func tunInterface(fd int) string {
	var req [unix.IFNAMSIZ + 24]byte // struct ifreq, netdevice(7)
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNGETIFF, uintptr(unsafe.Pointer(&req))); errno != 0 {
		return "" // EBADFD: not attached
	}
	return cString(req[:unix.IFNAMSIZ])
}
