package probe

import (
	"errors"
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/wire"
)

// answerOpened is the answer of who accepts a TCP connection.
const answerOpened = "SYN+ACK"

// sender is the socket that the packet is sent with.
type sender struct {
	fd     int
	o      *Options
	probe  *wire.Probe
	port   uint16 // of the source; the id of an echo request
	echo   uint8  // type of an echo request; 0 for another protocol
	raw    bool   // what is received may have an IP header
	awaits int16  // what poll is to wait for
	sent   bool
}

// newSender makes the socket. It must run on a thread in the namespace.
func newSender(o *Options, p *wire.Probe) (*sender, error) {
	s := &sender{fd: -1, o: o, probe: p, awaits: unix.POLLIN}
	err := s.open()
	if err == nil {
		err = s.bind()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *sender) open() error {
	switch s.o.Proto {
	case unix.IPPROTO_TCP:
		s.awaits = unix.POLLOUT
		return s.openTCP()
	case unix.IPPROTO_UDP:
		return s.socket(unix.SOCK_DGRAM, 0)
	case unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
		s.echo = 8
		if s.o.Dst.Is6() {
			s.echo = 128
		}
		if s.socket(unix.SOCK_DGRAM, int(s.o.Proto)) == nil { // net.ipv4.ping_group_range
			return nil
		}
		s.raw = true
		return s.socket(unix.SOCK_RAW, int(s.o.Proto))
	}
	return fmt.Errorf("protocol %d: %w", s.o.Proto, unix.EPROTONOSUPPORT)
}

func (s *sender) family() int {
	if s.o.Dst.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

func (s *sender) socket(typ, proto int) (err error) {
	s.fd, err = unix.Socket(s.family(), typ|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
	return os.NewSyscallError("socket", err)
}

// openTCP makes a socket whose first packet has the sequence number that it
// is known by, and that is closed without a trace of the connection.
func (s *sender) openTCP() error {
	const repairOff, sendQueue = 0, 2 // TCP_REPAIR_OFF, TCP_SEND_QUEUE of linux/tcp.h
	if err := s.socket(unix.SOCK_STREAM, 0); err != nil {
		return err
	}
	for _, o := range [][2]int{
		{unix.TCP_REPAIR, 1},
		{unix.TCP_REPAIR_QUEUE, sendQueue},
		{unix.TCP_QUEUE_SEQ, int(int32(s.probe.Seq))},
		{unix.TCP_REPAIR, repairOff},
	} {
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_TCP, o[0], o[1]); err != nil {
			return os.NewSyscallError("setsockopt TCP_REPAIR", err)
		}
	}
	return os.NewSyscallError("setsockopt SO_LINGER", unix.SetsockoptLinger(s.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1}))
}

// bind has the kernel give a port that nobody uses.
func (s *sender) bind() error {
	if s.raw && !s.o.Src.IsValid() {
		s.port = uint16(s.probe.Seq)
		return nil
	}
	if err := unix.Bind(s.fd, s.sockaddr(s.o.Src, 0)); err != nil {
		return fmt.Errorf("bind to %s: %w", s.o.Src, err)
	}
	if s.raw {
		s.port = uint16(s.probe.Seq)
		return nil
	}
	s.port = s.local().Port()
	return nil
}

func (s *sender) sockaddr(a netip.Addr, port uint16) unix.Sockaddr {
	if s.o.Dst.Is6() {
		out := &unix.SockaddrInet6{Port: int(port)}
		if a.IsValid() {
			out.Addr = a.As16()
		}
		return out
	}
	out := &unix.SockaddrInet4{Port: int(port)}
	if a.IsValid() {
		out.Addr = a.As4()
	}
	return out
}

func (s *sender) local() netip.AddrPort {
	sa, err := unix.Getsockname(s.fd)
	if err != nil {
		return netip.AddrPort{}
	}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// source is the address that the packet was sent from; invalid when it was not.
func (s *sender) source() netip.Addr {
	if a := s.local().Addr(); !a.IsUnspecified() {
		return a
	}
	return netip.Addr{}
}

// send sends the packet.
func (s *sender) send() error {
	port := s.o.DstPort
	if s.raw {
		port = 0
	}
	err := unix.Connect(s.fd, s.sockaddr(s.o.Dst, port))
	if errors.Is(err, unix.EINPROGRESS) {
		err = nil
	}
	s.sent = err == nil
	if err != nil || s.o.Proto == unix.IPPROTO_TCP {
		return os.NewSyscallError("connect", err)
	}
	b := s.probe.Marker[:]
	if s.echo != 0 {
		b = append([]byte{s.echo, 0, 0, 0, byte(s.port >> 8), byte(s.port), 0, 1}, b...)
		if s.raw && s.o.Proto == unix.IPPROTO_ICMP { // the kernel does it for the others
			sum := checksum(b)
			b[2], b[3] = byte(sum>>8), byte(sum)
		}
	}
	_, err = unix.Write(s.fd, b)
	return os.NewSyscallError("write", err)
}

// checksum is that of RFC 1071, of an even number of bytes.
func checksum(b []byte) uint16 {
	sum := uint32(0)
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// answer is the answer as far as there is one by now; "" for none.
func (s *sender) answer() string {
	if !s.sent {
		return ""
	}
	if s.o.Proto == unix.IPPROTO_TCP {
		return s.answerTCP()
	}
	buf := make([]byte, 2048)
	for {
		n, _, err := unix.Recvfrom(s.fd, buf, 0)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			return ""
		case err != nil:
			return errnoName(err)
		case s.echo == 0:
			return "datagram"
		case s.isReply(buf[:n]):
			return "echo reply"
		}
	}
}

func (s *sender) answerTCP() string {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: unix.POLLOUT}}
	if n, err := unix.Poll(fds, 0); err != nil || n == 0 {
		return ""
	}
	errno, err := unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_ERROR)
	switch {
	case err != nil:
		return errnoName(err)
	case errno == 0:
		return answerOpened
	}
	return unix.ErrnoName(unix.Errno(errno))
}

// isReply reports whether a message of ICMP is the answer to the request; a
// raw socket also gets others, and over IPv4 the header of IP.
func (s *sender) isReply(b []byte) bool {
	if s.raw && s.o.Proto == unix.IPPROTO_ICMP && len(b) > 0 {
		b = b[min(int(b[0]&15)*4, len(b)):]
	}
	const marker = 8
	reply := byte(0)
	if s.o.Dst.Is6() {
		reply = 129
	}
	return len(b) >= marker+len(s.probe.Marker) && b[0] == reply && string(b[marker:marker+len(s.probe.Marker)]) == string(s.probe.Marker[:])
}

func (s *sender) close() {
	if s.fd >= 0 {
		_ = unix.Close(s.fd)
		s.fd = -1
	}
}
