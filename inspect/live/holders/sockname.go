package holders

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// describeSocket fills in what the socket itself says: protocol, addresses,
// whether it listens. See socket(7), getsockname(2), getpeername(2).
func describeSocket(fd int, r *inspect.Ref) {
	family := option(fd, unix.SO_DOMAIN)
	typ := option(fd, unix.SO_TYPE)
	proto := option(fd, unix.SO_PROTOCOL)
	r.Protocol = protocol(family, typ, proto)
	if family == unix.AF_NETLINK {
		r.Local = netlinkFamily(proto)
		return
	}
	r.Listening = typ != unix.SOCK_DGRAM && typ != unix.SOCK_RAW && option(fd, unix.SO_ACCEPTCONN) == 1
	var buf [unix.SizeofSockaddrAny]byte
	r.Local = address(buf[:name(fd, unix.SYS_GETSOCKNAME, &buf)])
	if !r.Listening && family != unix.AF_PACKET {
		r.Remote = address(buf[:name(fd, unix.SYS_GETPEERNAME, &buf)])
	}
}

func option(fd, opt int) int {
	var v int32
	size := uint32(4)
	if _, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_SOCKET, uintptr(opt),
		uintptr(unsafe.Pointer(&v)), uintptr(unsafe.Pointer(&size)), 0); errno != 0 {
		return -1
	}
	return int(v)
}

func name(fd int, trap uintptr, buf *[unix.SizeofSockaddrAny]byte) int {
	size := uint32(len(buf))
	if _, _, errno := unix.RawSyscall(trap, uintptr(fd), uintptr(unsafe.Pointer(buf)), uintptr(unsafe.Pointer(&size))); errno != 0 {
		return 0
	}
	return min(int(size), len(buf))
}

// protocol names a socket as ss(8) and protocols(5) do.
func protocol(family, typ, proto int) string {
	switch family {
	case unix.AF_UNIX:
		return "unix"
	case unix.AF_NETLINK:
		return "netlink"
	case unix.AF_PACKET:
		return "packet"
	case unix.AF_VSOCK:
		return "vsock"
	case unix.AF_ALG:
		return "alg"
	case unix.AF_BLUETOOTH:
		return "bluetooth"
	case unix.AF_CAN:
		return "can"
	case unix.AF_XDP:
		return "xdp"
	case unix.AF_INET:
		return internet(typ, proto)
	case unix.AF_INET6:
		return internet(typ, proto) + "6"
	}
	return "family " + strconv.Itoa(family)
}

func internet(typ, proto int) string {
	switch {
	case typ == unix.SOCK_RAW:
		return "raw"
	case proto == unix.IPPROTO_TCP:
		return "tcp"
	case proto == unix.IPPROTO_UDP:
		return "udp"
	case proto == unix.IPPROTO_MPTCP:
		return "mptcp"
	case proto == unix.IPPROTO_SCTP:
		return "sctp"
	case proto == unix.IPPROTO_ICMP, proto == unix.IPPROTO_ICMPV6:
		return "icmp"
	case proto == unix.IPPROTO_UDPLITE:
		return "udplite"
	}
	return "ip " + strconv.Itoa(proto) + " "
}

// netlinkFamily names the protocols of netlink(7) that one meets.
func netlinkFamily(proto int) string {
	switch proto {
	case unix.NETLINK_ROUTE:
		return "route"
	case unix.NETLINK_SOCK_DIAG:
		return "sock_diag"
	case unix.NETLINK_NETFILTER:
		return "netfilter"
	case unix.NETLINK_KOBJECT_UEVENT:
		return "kobject_uevent"
	case unix.NETLINK_GENERIC:
		return "generic"
	case unix.NETLINK_AUDIT:
		return "audit"
	case unix.NETLINK_XFRM:
		return "xfrm"
	}
	return strconv.Itoa(proto)
}

// address formats a struct sockaddr; "" for none.
func address(b []byte) string {
	if len(b) < 2 {
		return ""
	}
	switch family := binary.NativeEndian.Uint16(b); {
	case family == unix.AF_INET && len(b) >= unix.SizeofSockaddrInet4:
		return endpoint(netip.AddrFrom4([4]byte(b[4:8])), b[2:])
	case family == unix.AF_INET6 && len(b) >= unix.SizeofSockaddrInet6:
		return endpoint(netip.AddrFrom16([16]byte(b[8:24])).Unmap(), b[2:])
	case family == unix.AF_UNIX:
		return unixName(b[2:])
	case family == unix.AF_PACKET && len(b) >= 8:
		if ifindex := binary.NativeEndian.Uint32(b[4:]); ifindex != 0 {
			return fmt.Sprintf("interface %d", ifindex)
		}
	}
	return ""
}

func endpoint(a netip.Addr, port []byte) string {
	p := binary.BigEndian.Uint16(port)
	if p == 0 && a.IsUnspecified() {
		return ""
	}
	return netip.AddrPortFrom(a, p).String()
}

// unixName is the path, or the abstract name with an @ before it, unix(7).
func unixName(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if b[0] == 0 {
		if len(b) == 1 {
			return ""
		}
		return "@" + string(b[1:])
	}
	return cString(b)
}
