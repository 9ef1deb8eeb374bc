package wire

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// sizeofRtGenmsg is struct rtgenmsg, u8 family, padded.
const sizeofRtGenmsg = 4

// noNSID is NETNSA_NSID_NOT_ASSIGNED of linux/net_namespace.h.
const noNSID int32 = -1

// parseNSID parses RTM_NEWNSID (linux/net_namespace.h): struct rtgenmsg, then
// NETNSA_NSID; noNSID when it has none.
func parseNSID(b []byte) (n int32, ok bool, err error) {
	if len(b) < sizeofRtGenmsg {
		return noNSID, false, fmt.Errorf("nsid of %d bytes: %w", len(b), errMalformed)
	}
	n = noNSID
	a := attrs{rest: b[sizeofRtGenmsg:]}
	for a.next() {
		if a.typ == unix.NETNSA_NSID {
			n = a.i32()
		}
	}
	return n, n >= 0, a.err
}

// nsidOf asks which number the socket's namespace has for the one that fd
// is open on; noNSID when it has none. Asking gives none.
func (s *socket) nsidOf(fd int) (int32, error) {
	return s.askNSID(appendU32(make([]byte, sizeofRtGenmsg), unix.NETNSA_FD, uint32(fd)))
}

func (s *socket) askNSID(body []byte) (int32, error) {
	b, err := s.ask(unix.RTM_GETNSID, body)
	if err != nil {
		return noNSID, err
	}
	n, _, err := parseNSID(b)
	return n, err
}

// nsids lists the numbers that the socket's namespace has for others.
func (s *socket) nsids() ([]int32, bool, error) {
	return list(s, unix.RTM_GETNSID, make([]byte, sizeofRtGenmsg), parseNSID)
}

// numberIn asks which number the namespace that has number target here has
// for the one that has number n here (NETNSA_TARGET_NSID, Linux 5.0).
func (s *socket) numberIn(n, target int32) (int32, error) {
	body := appendU32(make([]byte, sizeofRtGenmsg), unix.NETNSA_NSID, uint32(n))
	return s.askNSID(appendU32(body, unix.NETNSA_TARGET_NSID, uint32(target)))
}
