package demo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// pingWait is how long ping waits for each answer.
const pingWait = 700 * time.Millisecond

const noReply = "no reply"

// pong is the answer to a ping.
type pong struct {
	Answered bool          `json:"answered"`
	After    time.Duration `json:"after"` // zero when not answered
	Why      string        `json:"why"`   // why not
}

// String says it in words.
func (p pong) String() string {
	if !p.Answered {
		return p.Why
	}
	return "answered"
}

// ping asks an address for an echo, up to so many times, see icmp(7) and
// RFC 792. No answer is no error.
func ping(to net.IP, times string) (*pong, error) {
	tries, err := strconv.ParseUint(times, 10, 16)
	if err != nil {
		return nil, err
	}
	dst := unix.SockaddrInet4{}
	if copy(dst.Addr[:], to.To4()) != len(dst.Addr) {
		return nil, fmt.Errorf("%v is not an IPv4 address", to)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_ICMP)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	id := uint16(os.Getpid())
	last := &pong{Why: noReply}
	for seq := range uint16(tries) {
		start := time.Now()
		err := unix.Sendto(fd, echoRequest(id, seq), 0, &dst)
		switch {
		case errors.Is(err, unix.ENETUNREACH), errors.Is(err, unix.EHOSTUNREACH):
			return &pong{Why: noReply + ": " + err.Error()}, nil
		case err != nil:
			return nil, os.NewSyscallError("sendto", err)
		}
		if awaitEcho(fd, id, start.Add(pingWait)) {
			return &pong{Answered: true, After: time.Since(start)}, nil
		}
	}
	return last, nil
}

const (
	icmpEchoReply = 0
	icmpEcho      = 8
	icmpHeader    = 8
)

// echoRequest is the message: type, code, checksum, identifier, sequence.
func echoRequest(id, seq uint16) []byte {
	b := make([]byte, icmpHeader, icmpHeader+16)
	b[0] = icmpEcho
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], seq)
	b = append(b, "nsinspect demo  "...)
	binary.BigEndian.PutUint16(b[2:], checksum(b))
	return b
}

// checksum is that of RFC 1071, over an even number of bytes.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// awaitEcho waits for the reply to one of our requests.
func awaitEcho(fd int, id uint16, until time.Time) bool {
	buf := make([]byte, 1500)
	for {
		left := time.Until(until)
		if left <= 0 {
			return false
		}
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, int(left/time.Millisecond)+1); n == 0 || err != nil && !errors.Is(err, unix.EINTR) {
			return false
		}
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err == nil && isReply(buf[:n], id) {
			return true
		}
	}
}

// isReply looks behind the header of the IP packet, whose length is its
// second half byte in words of four bytes.
func isReply(b []byte, id uint16) bool {
	if len(b) == 0 {
		return false
	}
	head := int(b[0]&0xf) * 4
	if len(b) < head+icmpHeader {
		return false
	}
	m := b[head:]
	return m[0] == icmpEchoReply && binary.BigEndian.Uint16(m[4:]) == id
}
