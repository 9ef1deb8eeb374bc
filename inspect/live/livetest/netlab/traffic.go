package netlab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// patience is how long an answer may take. What is dropped costs all of it.
const patience = 500 * time.Millisecond

// Of returns the network namespace of a process.
func Of(t testing.TB, pid int) *NS {
	t.Helper()
	fd, err := unix.Open(fmt.Sprintf("/proc/%d/ns/net", pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	n := &NS{t: t, FD: fd, ID: inspect.ID{Dev: st.Dev, Ino: st.Ino}}
	t.Cleanup(n.Close)
	return n
}

// Serve answers at an address and port until the test ends: it greets who
// connects by TCP, and sends UDP back. The address can be unspecified.
func (n *NS) Serve(addr string) {
	n.t.Helper()
	to := netip.MustParseAddrPort(addr)
	n.Do(func() error {
		l, err := net.Listen("tcp"+version(to.Addr()), addr)
		if err != nil {
			return err
		}
		n.t.Cleanup(func() { l.Close() })
		go greet(l)
		lc := net.ListenConfig{Control: withPacketInfo}
		p, err := lc.ListenPacket(context.Background(), "udp"+version(to.Addr()), addr)
		if err != nil {
			return err
		}
		n.t.Cleanup(func() { p.Close() })
		go echo(p.(*net.UDPConn))
		return nil
	})
}

func version(a netip.Addr) string {
	if a.Is6() {
		return "6"
	}
	return "4"
}

func greet(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		c.Write([]byte("x"))
		c.Close()
	}
}

// withPacketInfo has a socket say which of the host's addresses a datagram
// came to, so that the answer comes from there; see ip(7) and ipv6(7).
func withPacketInfo(network, _ string, c syscall.RawConn) (err error) {
	control := c.Control(func(fd uintptr) {
		if network == "udp6" {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		} else {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
	})
	return errors.Join(control, err)
}

// echo sends datagrams back from the address that they came to.
func echo(c *net.UDPConn) {
	b, oob := make([]byte, 64), make([]byte, 128)
	for {
		size, info, _, from, err := c.ReadMsgUDPAddrPort(b, oob)
		if err != nil {
			return
		}
		// The control message goes back as it is but for the interface, which
		// is for the routes to choose: first in in_pktinfo, last in in6_pktinfo.
		switch at := unix.CmsgLen(0); info {
		case unix.CmsgSpace(unix.SizeofInet4Pktinfo):
			clear(oob[at : at+4])
		case unix.CmsgSpace(unix.SizeofInet6Pktinfo):
			clear(oob[at+16 : at+20])
		}
		c.WriteMsgUDPAddrPort(b[:size], oob[:info], from)
	}
}

// Reaches reports whether an answer comes from an address: proto is tcp, udp,
// which need a port where [NS.Serve] answers, or icmp.
func (n *NS) Reaches(proto, to string) bool { return n.ReachesFrom("", proto, to) }

// Await returns when answers come from an address: for a while after
// interfaces come up the kernel is not ready. The test fails where none does.
func (n *NS) Await(proto, to string) {
	n.t.Helper()
	for range 20 {
		if n.Reaches(proto, to) {
			return
		}
	}
	n.t.Fatalf("no answer from %s %s", proto, to)
}

// ReachesFrom is Reaches from one of the namespace's addresses.
func (n *NS) ReachesFrom(from, proto, to string) (ok bool) {
	n.t.Helper()
	err := nsfs.OnThread(func() error {
		if err := unix.Setns(n.FD, unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("setns", err)
		}
		ip, _ := netip.ParseAddr(from)
		if proto == "icmp" {
			ok = ping(ip, netip.MustParseAddr(to))
			return nil
		}
		ok = dial(ip, proto, to)
		return nil
	})
	if err != nil {
		n.t.Error(err)
	}
	return ok
}

func dial(from netip.Addr, proto, to string) bool {
	deadline := time.Now().Add(patience)
	d := net.Dialer{Deadline: deadline}
	if from.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		if proto == "udp" {
			d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
		}
	}
	c, err := d.Dial(proto, to)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(deadline)
	if proto == "udp" {
		if _, err := c.Write([]byte("x")); err != nil {
			return false
		}
	}
	_, err = io.ReadFull(c, make([]byte, 1))
	return err == nil
}

// pings numbers echo requests, so that no answer is taken for another's.
var pings atomic.Uint32

// ping sends an ICMP echo request and waits for the answer to it.
func ping(from, to netip.Addr) bool {
	family, proto, request, answer, header := unix.AF_INET, unix.IPPROTO_ICMP, byte(8), byte(0), 20
	if to.Is6() {
		family, proto, request, answer, header = unix.AF_INET6, unix.IPPROTO_ICMPV6, 128, 129, 0
	}
	fd, err := unix.Socket(family, unix.SOCK_RAW|unix.SOCK_CLOEXEC, proto)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	timeout := unix.NsecToTimeval(int64(patience))
	unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout)
	if from.IsValid() && unix.Bind(fd, sockaddr(from)) != nil {
		return false
	}
	b := []byte{request, 0, 0, 0, 0, 0, 0, 1}
	id := uint16(os.Getpid()) + uint16(pings.Add(1))
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[2:], checksum(b)) // of IPv6 the kernel writes it
	if err := unix.Sendto(fd, b, 0, sockaddr(to)); err != nil {
		return false
	}
	in := make([]byte, 512)
	for end := time.Now().Add(patience); time.Now().Before(end); {
		size, _, err := unix.Recvfrom(fd, in, 0)
		if err != nil {
			return false
		}
		if size >= header+8 && in[header] == answer && binary.BigEndian.Uint16(in[header+4:]) == id {
			return true
		}
	}
	return false
}

func sockaddr(a netip.Addr) unix.Sockaddr {
	if a.Is6() {
		return &unix.SockaddrInet6{Addr: a.As16()}
	}
	return &unix.SockaddrInet4{Addr: a.As4()}
}

// checksum is that of RFC 1071, of an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	return ^uint16(sum + sum>>16)
}
