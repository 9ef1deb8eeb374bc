package wire

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// TraceEvent is one message of nf_tables about a packet that is traced:
// NFT_MSG_TRACE of linux/netfilter/nf_tables.h.
type TraceEvent struct {
	Family inspect.NFFamily
	Table  string
	Chain  string
	// Handle is that of the rule that matched; 0 for the policy of a base
	// chain, and for a chain that comes to its end.
	Handle uint64
	// Verdict is nft(8)'s word: accept, drop, continue, jump, goto, return, …
	Verdict string
	Jump    string // chain that a jump or goto leads to
	// Own says that the table is the witness's.
	Own bool
	// ID is the same for all events of one packet in one namespace.
	ID uint32
	// Iif and Oif are the interfaces; 0 for none.
	Iif, Oif int
	// Packet is nil where the kernel has shown it with an earlier event.
	Packet *TracePacket
	// CTID is the tracker's id of the connection; 0 where there is none, and
	// before Linux 6.16. CTNew says that the packet begins it.
	CTID  uint32
	CTNew bool
}

// TracePacket is a packet as it was at an event.
type TracePacket struct {
	Proto            uint8
	Src, Dst         netip.Addr
	SrcPort, DstPort uint16
	// Seq, Ack and Flags are those of TCP.
	Seq, Ack uint32
	Flags    uint8
	// ICMPType, ICMPCode and EchoID are those of ICMP.
	ICMPType, ICMPCode uint8
	EchoID             uint16
	// Data is how the data of UDP or ICMP begins, at most 12 bytes.
	Data []byte
}

// Fails reports whether the packet is an error of ICMP about one of a
// protocol: RFC 792, RFC 4443.
func (p *TracePacket) Fails(proto uint8) bool {
	switch {
	case p.Proto == unix.IPPROTO_ICMP && slices.Contains([]uint8{3, 4, 5, 11, 12}, p.ICMPType):
		const protocol = 9 // of the header of IPv4 that it quotes
		return len(p.Data) > protocol && p.Data[protocol] == proto
	case p.Proto == unix.IPPROTO_ICMPV6 && p.ICMPType > 0 && p.ICMPType < 128:
		const next = 6
		return len(p.Data) > next && p.Data[next] == proto
	}
	return false
}

// Attributes of Linux 6.16.
const (
	nftaTraceCTID    = 18
	nftaTraceCTState = 21
	ctStateNew       = 8 // NF_CT_STATE_BIT(IP_CT_NEW)
)

// parseTrace parses a message: struct nfgenmsg, then NFTA_TRACE_*.
func parseTrace(b []byte) (e TraceEvent, err error) {
	f, a, err := nftHead(b)
	if err != nil {
		return e, err
	}
	e.Family = f
	var network, transport []byte
	var policy uint32
	kind := uint32(0)
	for a.next() {
		switch a.typ {
		case unix.NFTA_TRACE_TABLE:
			e.Table = a.str()
		case unix.NFTA_TRACE_CHAIN:
			e.Chain = a.str()
		case unix.NFTA_TRACE_RULE_HANDLE:
			e.Handle = a.be64()
		case unix.NFTA_TRACE_TYPE:
			kind = a.be32()
		case unix.NFTA_TRACE_VERDICT:
			e.Verdict, e.Jump = traceVerdict(&a)
		case unix.NFTA_TRACE_ID:
			e.ID = a.be32()
		case unix.NFTA_TRACE_NETWORK_HEADER:
			network = a.data
		case unix.NFTA_TRACE_TRANSPORT_HEADER:
			transport = a.data
		case unix.NFTA_TRACE_IIF:
			e.Iif = int(a.be32())
		case unix.NFTA_TRACE_OIF:
			e.Oif = int(a.be32())
		case unix.NFTA_TRACE_POLICY:
			policy = a.be32()
		case nftaTraceCTID:
			e.CTID = a.be32()
		case nftaTraceCTState:
			e.CTNew = a.be32()&ctStateNew != 0
		}
	}
	if kind == unix.NFT_TRACETYPE_POLICY {
		e.Verdict = verdictName(int32(policy))
	}
	e.Packet = parsePacket(network, transport)
	return e, a.err
}

func traceVerdict(a *attrs) (word, chain string) {
	v := a.nested()
	for v.next() {
		switch v.typ {
		case unix.NFTA_VERDICT_CODE:
			word = verdictName(int32(v.be32()))
		case unix.NFTA_VERDICT_CHAIN:
			chain = v.str()
		}
	}
	a.join(&v)
	return word, chain
}

// parsePacket parses the beginnings of both headers; nil when they are none of
// IP. The kernel gives 20 bytes of the transport header.
func parsePacket(network, transport []byte) *TracePacket {
	p := &TracePacket{}
	switch {
	case len(network) >= ipv4Header && network[0]>>4 == 4:
		p.Proto = network[9]
		p.Src, p.Dst = netip.AddrFrom4([4]byte(network[12:])), netip.AddrFrom4([4]byte(network[16:]))
	case len(network) >= ipv6Header && network[0]>>4 == 6:
		p.Proto = network[6]
		p.Src, p.Dst = netip.AddrFrom16([16]byte(network[8:])), netip.AddrFrom16([16]byte(network[24:]))
	default:
		return nil
	}
	if len(transport) < icmpHeader {
		return p
	}
	b := binary.BigEndian
	switch p.Proto {
	case unix.IPPROTO_TCP, unix.IPPROTO_UDP:
		p.SrcPort, p.DstPort = b.Uint16(transport), b.Uint16(transport[2:])
	case unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
		p.ICMPType, p.ICMPCode, p.EchoID = transport[0], transport[1], b.Uint16(transport[4:])
	}
	if p.Proto == unix.IPPROTO_TCP && len(transport) >= 14 {
		p.Seq, p.Ack, p.Flags = b.Uint32(transport[4:]), b.Uint32(transport[8:]), transport[13]
		return p
	}
	p.Data = append(p.Data, transport[icmpHeader:min(len(transport), 20)]...)
	return p
}
