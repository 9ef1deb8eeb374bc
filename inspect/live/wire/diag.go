package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// The states that a request asks for, 1 << TCP_* of tcp_states.h.
const (
	tcpListening = 1 << 10
	anyState     = ^uint32(0)
)

// ports lists listening TCP sockets and all UDP sockets (sock_diag(7)).
// Connected TCP sockets are apart: for each namespace the kernel looks through
// those of all.
func (v *visitor) ports(r *room) error {
	return v.sockets(r, diagQuery{unix.IPPROTO_TCP, tcpListening}, diagQuery{unix.IPPROTO_UDP, anyState})
}

func (v *visitor) connections(r *room) error {
	return v.sockets(r, diagQuery{unix.IPPROTO_TCP, anyState &^ tcpListening})
}

// diagQuery asks for the sockets of a protocol that are in one of the states.
type diagQuery struct {
	protocol uint8
	states   uint32
}

func (v *visitor) sockets(r *room, queries ...diagQuery) error {
	s, err := openSocket(unix.NETLINK_INET_DIAG, v.buf)
	if err != nil {
		return fmt.Errorf("open sock_diag socket: %w", err)
	}
	defer s.close()
	for _, q := range queries {
		for _, family := range []inspect.Family{inspect.FamilyIPv4, inspect.FamilyIPv6} {
			all, torn, err := list(s, unix.SOCK_DIAG_BY_FAMILY, q.request(family), diagParser(q.protocol))
			if errors.Is(err, unix.ENOENT) {
				continue // a kernel without this sort of sockets
			}
			if err != nil {
				return fmt.Errorf("list sockets: %w", err)
			}
			r.net.Torn = r.net.Torn || torn
			r.net.Sockets = append(r.net.Sockets, all...)
		}
	}
	return nil
}

// The sizes of linux/inet_diag.h.
const (
	sizeofDiagReq = 56 // struct inet_diag_req_v2
	sizeofDiagMsg = 72 // struct inet_diag_msg
	diagSKV6Only  = 11 // INET_DIAG_SKV6ONLY
)

// request is struct inet_diag_req_v2: u8 family, protocol, extensions,
// pad, u32 states, struct inet_diag_sockid.
func (q diagQuery) request(f inspect.Family) []byte {
	b := make([]byte, sizeofDiagReq)
	b[0], b[1] = byte(f), q.protocol
	native.PutUint32(b[4:], q.states)
	return b
}

// The TCP_* states of tcp_states.h, in ss(8)'s words.
var tcpStates = []string{
	"", "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSE",
	"CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECV",
}

func diagParser(protocol uint8) func([]byte) (inspect.Socket, bool, error) {
	name := "tcp"
	if protocol == unix.IPPROTO_UDP {
		name = "udp"
	}
	return func(b []byte) (inspect.Socket, bool, error) {
		s, ok, err := parseDiag(b)
		s.Protocol = name
		if name == "udp" && s.State == "CLOSE" {
			s.State = "UNCONN"
		}
		return s, ok, err
	}
}

// parseDiag parses struct inet_diag_msg: u8 family, state, timer, retrans;
// be16 source and destination port, 16 bytes of source and destination
// address, u32 interface, u32 cookie[2]; u32 expires, rqueue, wqueue, uid,
// inode.
func parseDiag(b []byte) (s inspect.Socket, ok bool, err error) {
	if len(b) < sizeofDiagMsg {
		return s, false, fmt.Errorf("socket of %d bytes: %w", len(b), errMalformed)
	}
	s.Family = inspect.Family(b[0])
	if s.Family != inspect.FamilyIPv4 && s.Family != inspect.FamilyIPv6 {
		return s, false, nil
	}
	s.State = nameOf(tcpStates, int(b[1]))
	s.Local = diagAddr(s.Family, b[4:], b[8:])
	s.Remote = diagAddr(s.Family, b[6:], b[24:])
	s.Device = int(int32(native.Uint32(b[40:])))
	s.RecvQ, s.SendQ = native.Uint32(b[56:]), native.Uint32(b[60:])
	s.UID, s.Inode = native.Uint32(b[64:]), uint64(native.Uint32(b[68:]))
	a := attrs{rest: b[sizeofDiagMsg:]}
	for a.next() {
		if a.typ == diagSKV6Only {
			s.V6 = a.u8() != 0
		}
	}
	return s, true, a.err
}

func diagAddr(f inspect.Family, port, addr []byte) netip.AddrPort {
	ip := netip.AddrFrom4([4]byte(addr))
	if f == inspect.FamilyIPv6 {
		ip = netip.AddrFrom16([16]byte(addr))
	}
	return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(port))
}
