package wire

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// request is one message of a batch.
type request struct {
	typ, flags uint16
	body       []byte
}

// The types of the messages around a batch, linux/netfilter/nfnetlink.h.
const (
	batchBegin = 0x10
	batchEnd   = 0x11
)

// batch has nf_tables do all requests or none.
func (s *socket) batch(all []request) error {
	frame := nftRequest(0)
	frame[3] = unix.NFNL_SUBSYS_NFTABLES // res_id, in network order
	s.seq++
	b := s.append(nil, request{batchBegin, 0, frame})
	for i, m := range all {
		if i == len(all)-1 {
			m.flags |= unix.NLM_F_ACK
		}
		b = s.append(b, m)
	}
	b = s.append(b, request{batchEnd, 0, frame})
	if _, err := unix.Write(s.fd, b); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return s.acknowledged()
}

// do sends one request that has no answer and waits until it is done.
func (s *socket) do(typ uint16, body []byte) error {
	if err := s.send(typ, unix.NLM_F_ACK, body); err != nil {
		return err
	}
	return s.acknowledged()
}

func (s *socket) acknowledged() error {
	for {
		b, err := s.recv()
		if err != nil {
			return err
		}
		if done, _, err := s.messages(b, func([]byte) {}); done || err != nil {
			return err
		}
	}
}

// append appends a message with the socket's sequence number.
func (s *socket) append(b []byte, m request) []byte {
	b = native.AppendUint32(b, uint32(unix.NLMSG_HDRLEN+len(m.body)))
	b = native.AppendUint16(b, m.typ)
	b = native.AppendUint16(b, m.flags|unix.NLM_F_REQUEST)
	b = native.AppendUint32(b, s.seq)
	b = native.AppendUint32(b, 0)
	b = append(b, m.body...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}
