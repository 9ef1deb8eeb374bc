package hold

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// socketWays hold a network namespace by sockets and tun files.
func socketWays() []Way {
	way := func(name string, kind inspect.RefKind, f func() error) Way {
		return Way{
			Name: "net " + name, Type: inspect.Net, Kind: kind, Found: ByScan,
			hold: func(m *maker) error { return m.thread(f) },
		}
	}
	socket := func(name string, family, typ, proto int) Way {
		return way(name, inspect.RefSocket, func() error { _, err := newSocket(family, typ, proto); return err })
	}
	return []Way{
		way("tcp listener", inspect.RefSocket, func() error { _, err := listen(); return err }),
		way("tcp connection", inspect.RefSocket, func() error { _, _, err := connection(); return err }),
		socket("tcp unbound", unix.AF_INET, unix.SOCK_STREAM, 0),
		socket("tcp6 unbound", unix.AF_INET6, unix.SOCK_STREAM, 0),
		socket("udp", unix.AF_INET, unix.SOCK_DGRAM, 0),
		socket("udp6", unix.AF_INET6, unix.SOCK_DGRAM, 0),
		socket("raw", unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP),
		socket("packet", unix.AF_PACKET, unix.SOCK_RAW, 0),
		socket("netlink", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE),
		socket("alg", unix.AF_ALG, unix.SOCK_SEQPACKET, 0),
		socket("vsock", unix.AF_VSOCK, unix.SOCK_STREAM, 0),
		socket("xdp", unix.AF_XDP, unix.SOCK_RAW, 0),
		socket("mptcp", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP),
		socket("sctp", unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_SCTP),
		way("unix pair", inspect.RefSocket, unixPair),
		way("unix abstract", inspect.RefSocket, unixAbstract),
		way("tun unattached", inspect.RefTun, func() error { _, err := open("/dev/net/tun", unix.O_RDWR); return err }),
		way("tun interface", inspect.RefTun, tunInterface),
	}
}

func newSocket(family, typ, proto int) (int, error) {
	fd, err := unix.Socket(family, typ|unix.SOCK_CLOEXEC, proto)
	return fd, os.NewSyscallError("socket", err)
}

func listen() (int, error) {
	fd, err := newSocket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: 4711, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, os.NewSyscallError("bind", err)
	}
	return fd, os.NewSyscallError("listen", unix.Listen(fd, 1))
}

// loopback sets the state of lo.
func loopback(up bool) error {
	fd, err := newSocket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	if up {
		req.SetUint16(unix.IFF_UP)
	}
	return os.NewSyscallError("ioctl SIOCSIFFLAGS", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req))
}

// connection makes a TCP connection over lo.
func connection() (client, server int, err error) {
	if err := loopback(true); err != nil {
		return -1, -1, err
	}
	l, err := listen()
	if err != nil {
		return -1, -1, err
	}
	defer unix.Close(l)
	if client, err = newSocket(unix.AF_INET, unix.SOCK_STREAM, 0); err != nil {
		return -1, -1, err
	}
	if err := unix.Connect(client, &unix.SockaddrInet4{Port: 4711, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return -1, -1, os.NewSyscallError("connect", err)
	}
	server, _, err = unix.Accept4(l, unix.SOCK_CLOEXEC)
	return client, server, os.NewSyscallError("accept", err)
}

func unixPair() error {
	_, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	return os.NewSyscallError("socketpair", err)
}

func unixAbstract() error {
	fd, err := newSocket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	return os.NewSyscallError("bind", unix.Bind(fd, &unix.SockaddrUnix{Name: "@nsinspect-hold"}))
}

func tunInterface() error {
	fd, err := open("/dev/net/tun", unix.O_RDWR)
	if err != nil {
		return err
	}
	var req [40]byte // struct ifreq
	copy(req[:], "hold0")
	*(*uint16)(unsafe.Pointer(&req[unix.IFNAMSIZ])) = unix.IFF_TUN | unix.IFF_NO_PI
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TUNSETIFF, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		return os.NewSyscallError("ioctl TUNSETIFF", errno)
	}
	return nil
}
