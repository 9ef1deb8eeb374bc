package wire

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// socket is a netlink socket. It belongs to the network namespace of the
// thread that opened it, and can be used from any other.
type socket struct {
	fd  int
	seq uint32
	buf []byte // for answers; lent by the caller of open, never kept by parsers
}

// bufSize takes the largest piece of a dump, which the kernel limits to 32 KiB.
const bufSize = 64 << 10

// openSocket opens a socket of a netlink protocol in the namespace of the
// calling thread.
func openSocket(protocol int, buf []byte) (*socket, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &socket{fd: fd, buf: buf}
	if protocol == unix.NETLINK_ROUTE {
		// Filters and target namespaces in dumps need it (Linux 4.20); older
		// kernels know neither, and answer without.
		_ = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_GET_STRICT_CHK, 1)
	}
	return s, nil
}

func (s *socket) close() { _ = unix.Close(s.fd) }

// cookie is the 64-bit id of the socket's namespace (SO_NETNS_COOKIE, Linux
// 5.14); 0 when the kernel has none.
func (s *socket) cookie() uint64 {
	v, err := unix.GetsockoptUint64(s.fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
	if err != nil {
		return 0
	}
	return v
}

// send sends one request: struct nlmsghdr of netlink(7), then body.
func (s *socket) send(typ, flags uint16, body []byte) error {
	s.seq++
	msg := s.append(make([]byte, 0, align4(unix.NLMSG_HDRLEN+len(body))), request{typ, flags, body})
	for {
		_, err := writeNow(s.fd, msg)
		if err == unix.EINTR {
			continue
		}
		return os.NewSyscallError("write", err)
	}
}

func (s *socket) recv() ([]byte, error) {
	for {
		n, err := readNow(s.fd, s.buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, os.NewSyscallError("read", err)
		}
		return s.buf[:n], nil
	}
}

// ask sends a request that has one message for an answer and returns the
// body of that, valid until the next use of the socket.
func (s *socket) ask(typ uint16, body []byte) ([]byte, error) {
	if err := s.send(typ, 0, body); err != nil {
		return nil, err
	}
	var answer []byte
	for answer == nil {
		b, err := s.recv()
		if err != nil {
			return nil, err
		}
		done, _, err := s.messages(b, func(body []byte) { answer = body })
		if err == nil && done && answer == nil {
			err = errMalformed
		}
		if err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// dump sends a request for a list and calls each for every message. torn
// reports that the list changed while the kernel made it (NLM_F_DUMP_INTR).
func (s *socket) dump(typ uint16, body []byte, each func(body []byte)) (torn bool, err error) {
	if err := s.send(typ, unix.NLM_F_DUMP, body); err != nil {
		return false, err
	}
	for {
		b, err := s.recv()
		if err != nil {
			return torn, err
		}
		done, cut, err := s.messages(b, each)
		torn = torn || cut
		if done || err != nil {
			return torn, err
		}
	}
}

// messages takes a received buffer apart. done reports the end of the answer,
// torn a dump that a change interrupted.
func (s *socket) messages(b []byte, each func(body []byte)) (done, torn bool, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		h, body, rest, err := cutMessage(b)
		if err != nil {
			return true, torn, err
		}
		b = rest
		if h.seq != s.seq {
			continue // an answer to a request that was given up
		}
		torn = torn || h.flags&unix.NLM_F_DUMP_INTR != 0
		switch h.typ {
		case unix.NLMSG_DONE, unix.NLMSG_ERROR:
			return true, torn, errnoOf(body)
		case unix.NLMSG_NOOP:
			continue
		}
		each(body)
	}
	return false, torn, nil
}

// header is struct nlmsghdr without the length and the port.
type header struct {
	typ, flags uint16
	seq        uint32
}

// cutMessage cuts the first message off.
func cutMessage(b []byte) (h header, body, rest []byte, err error) {
	n := int(native.Uint32(b))
	if n < unix.NLMSG_HDRLEN || n > len(b) {
		return h, nil, nil, fmt.Errorf("message of %d bytes where %d are left: %w", n, len(b), errMalformed)
	}
	h = header{native.Uint16(b[4:]), native.Uint16(b[6:]), native.Uint32(b[8:])}
	return h, b[unix.NLMSG_HDRLEN:n], b[min(align4(n), len(b)):], nil
}

// errnoOf is the negative errno with which an error or the end of a dump
// begins; nil for 0.
func errnoOf(body []byte) error {
	if len(body) < 4 {
		return nil
	}
	if n := int32(native.Uint32(body)); n < 0 {
		return unix.Errno(-n)
	}
	return nil
}

// tries is how often a list is asked for until it comes untorn.
const tries = 5

// list dumps and parses; it asks again while changes interrupt the kernel,
// and returns the last torn list when they do not cease. A message that
// cannot be parsed does not cost the others; the first such error comes with
// what was parsed.
func list[T any](s *socket, typ uint16, body []byte, parse func([]byte) (T, bool, error)) (all []T, torn bool, err error) {
	for range tries {
		var bad error
		all = all[:0]
		torn, err = s.dump(typ, body, func(msg []byte) {
			v, ok, err := parse(msg)
			if bad == nil {
				bad = err
			}
			if ok && err == nil {
				all = append(all, v)
			}
		})
		if err == nil {
			err = bad
		}
		if !torn || err != nil {
			break
		}
	}
	return all, torn, err
}
