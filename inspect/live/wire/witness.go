package wire

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// Probe is by what the packets of one connection are told from all others,
// however they are translated on their way.
type Probe struct {
	V6    bool
	Proto uint8 // TCP, UDP, ICMP or ICMPv6
	// Seq is the sequence number of the packet that opens a TCP connection:
	// what is sent has it or the next one, the answer acknowledges that.
	Seq uint32
	// Marker is how the data of a UDP or an ICMP packet begins.
	Marker [12]byte
	// Port is the source port of a UDP packet, and Ports are those that the
	// answer can come from.
	Port  uint16
	Ports []uint16
}

// Watch says what a [Witness] watches.
type Watch struct {
	Probe Probe
	// Opening are packets to be watched in place of those of Probe; nil: none.
	Opening *Opening
	// Table is the name of the table that is made, in each family. It begins
	// with [TablePrefix].
	Table string
	// Bridge: also watch what bridges pass on.
	Bridge bool
	// Devices are interfaces that have rules of their own.
	Devices []string
}

// TablePrefix is how the tables of all who watch begin. What others of them do
// with packets, which is nothing, is no event.
const TablePrefix = "nsinspect-"

// Witness watches what the rules of one network namespace do with the packets
// of a [Probe]. For that it adds a table to nf_tables whose first chains have
// those packets traced (meta nftrace), and whose last chains show that they
// got there. The table belongs to the witness's socket (NFT_TABLE_F_OWNER):
// the kernel removes it when that is closed, even where the program is killed.
type Witness struct {
	owner  *socket
	events *socket
	watch  Watch
	src    Source
	own    inspect.ID
	// Lost says that the kernel made more messages than could be read.
	Lost bool
}

// The rcvbuf of the socket that reads: some thousand messages.
const traceBuffer = 4 << 20

// OpenWitness adds the table and begins to watch. own is the observer's
// network namespace. The error is [unix.EPERM] without CAP_NET_ADMIN in the
// user namespace that owns src. It enters src on a thread that ends with the
// call.
func OpenWitness(src Source, own inspect.ID, w Watch) (*Witness, error) {
	out := &Witness{watch: w, src: src, own: own}
	err := src.Run(own, func() (err error) {
		if out.owner, err = openSocket(unix.NETLINK_NETFILTER, make([]byte, 8<<10)); err != nil {
			return err
		}
		out.events, err = openSocket(unix.NETLINK_NETFILTER, make([]byte, bufSize))
		return err
	})
	if err == nil {
		err = out.begin()
	}
	if err != nil {
		out.closeSockets()
		return nil, err
	}
	return out, nil
}

func (w *Witness) begin() error {
	fd := w.events.fd
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, traceBuffer); err != nil {
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, traceBuffer) // up to the limit of users
	}
	// A socket without a port of its own gets no notifications.
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1 << (unix.NFNLGRP_NFTRACE - 1)}); err != nil {
		return fmt.Errorf("listen to traces of nf_tables: %w", err)
	}
	err := w.owner.batch(w.watch.messages())
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EINVAL) {
		return fmt.Errorf("add a table that goes with the program to nf_tables (needs Linux 5.12): %w", err)
	}
	return during("add a table to nf_tables", err)
}

// Narrow has only packets of these clients watched from now on, those that an
// [Opening] names. What was seen once is not seen again.
func (w *Witness) Narrow(from []netip.AddrPort) error {
	o := *w.watch.Opening
	o.From, o.Apart, o.Stray = from, nil, 0
	w.watch.Opening = &o
	return during("narrow a table of nf_tables", w.owner.batch(w.watch.narrowed()))
}

// FD is readable when there are events.
func (w *Witness) FD() int { return w.events.fd }

// readAtMost is how many messages one Read takes: all that the buffer holds,
// but not what others have traced all the time.
const readAtMost = 1 << 14

// Read returns the events that there are, without waiting.
func (w *Witness) Read() (out []TraceEvent, err error) {
	for range readAtMost {
		n, _, err := unix.Recvfrom(w.events.fd, w.events.buf, unix.MSG_DONTWAIT)
		switch err {
		case nil:
			out, err = w.parse(out, w.events.buf[:n])
			if err != nil {
				return out, err
			}
		case unix.EINTR:
		case unix.ENOBUFS:
			w.Lost = true
		case unix.EAGAIN:
			return out, nil
		default:
			return out, os.NewSyscallError("recvfrom", err)
		}
	}
	return out, nil
}

func (w *Witness) parse(out []TraceEvent, b []byte) ([]TraceEvent, error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		h, body, rest, err := cutMessage(b)
		if err != nil {
			return out, err
		}
		b = rest
		if h.typ != nftType(unix.NFT_MSG_TRACE) {
			continue
		}
		e, err := parseTrace(body)
		if err != nil {
			return out, err
		}
		e.Own = e.Table == w.watch.Table
		if e.Own || !strings.HasPrefix(e.Table, TablePrefix) { // of another nsinspect
			out = append(out, e)
		}
	}
	return out, nil
}

// Close removes the table and stops watching.
func (w *Witness) Close() error {
	var err error
	for _, f := range w.watch.families() {
		err = errors.Join(err, w.owner.batch([]request{{
			typ: nftType(unix.NFT_MSG_DELTABLE), body: appendString(nftRequest(f), unix.NFTA_TABLE_NAME, w.watch.Table),
		}}))
	}
	w.closeSockets() // removes what could not be removed
	return during("remove table "+w.watch.Table, err)
}

func (w *Witness) closeSockets() {
	for _, s := range []*socket{w.owner, w.events} {
		if s != nil {
			s.close()
		}
	}
}
