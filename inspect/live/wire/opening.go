package wire

import (
	"net/netip"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// Opening are packets that others send: with which they begin to talk to an
// address (a SYN of TCP, a datagram, an echo request), and what answers them.
// Of each client, an address with a port or the id of an echo request, only
// the first is seen.
type Opening struct {
	V6    bool
	Proto uint8 // TCP, UDP, ICMP or ICMPv6
	// To are the addresses, as they are before and after translation; for an
	// echo request the port is 0.
	To []netip.AddrPort
	// From are the clients; none: all, and so with port 0.
	From []netip.AddrPort
	// Apart are networks whose clients are not seen, but for those that come in
	// where Arriving is set.
	Apart []netip.Prefix
	// Clients is how many are seen, the first ones.
	Clients int
	// Arriving: only what comes in, and by none of the interfaces Except.
	Arriving bool
	Except   []int
	// Stray is an interface at which the first packets to other addresses, but
	// the same port, are seen too; 0 for none.
	Stray int
}

// ManyClients are more than a published port has at once.
const ManyClients = 4096

// MaxStray is how many packets to other addresses are seen at most.
const MaxStray = 4

// The sets of the table: the clients seen so far, and the other addresses.
const (
	setClients = "clients"
	setStray   = "stray"
)

// Of TCP's header; see tcp(7).
const (
	tcpFlagsAt               = 13
	tcpSYN, tcpRST, tcpACK   = 2, 4, 16
	echoRequest, echoReply   = 8, 0
	echoRequest6, echoReply6 = 128, 129
)

// setMessages are the requests that make the sets of a table.
func (o *Opening) setMessages(f inspect.NFFamily, table string) (out []request) {
	addr, size := uint32(7), 4 // ipv4_addr of nft(8)'s data types
	if o.V6 {
		addr, size = 8, 16
	}
	const service, bits = 13, 6 // inet_service; of each type in a concatenation
	for i, s := range []struct {
		name string
		size int
	}{{setClients, o.Clients}, {setStray, MaxStray}} {
		b := appendString(nftRequest(f), unix.NFTA_SET_TABLE, table)
		b = appendString(b, unix.NFTA_SET_NAME, s.name)
		b = appendBE32(b, unix.NFTA_SET_FLAGS, unix.NFT_SET_EVAL)
		b = appendBE32(b, unix.NFTA_SET_KEY_TYPE, addr<<bits|service)
		b = appendBE32(b, unix.NFTA_SET_KEY_LEN, uint32(size+4))
		b = appendBE32(b, unix.NFTA_SET_ID, uint32(i+1))
		b = appendNested(b, unix.NFTA_SET_DESC, appendBE32(nil, unix.NFTA_SET_DESC_SIZE, uint32(s.size)))
		out = append(out, request{nftType(unix.NFT_MSG_NEWSET), unix.NLM_F_CREATE | unix.NLM_F_EXCL, b})
	}
	return out
}

// side is where a header has the address and the port of a sender or receiver.
type side struct {
	addr, port uint32
	size       int
}

func (o *Opening) sides() (src, dst side) {
	src, dst = side{12, 0, 4}, side{16, 2, 4}
	if o.V6 {
		src, dst = side{8, 0, 16}, side{24, 2, 16}
	}
	if o.echo() {
		src.port, dst.port = 4, 4 // the id
	}
	return src, dst
}

func (o *Opening) echo() bool {
	return o.Proto == unix.IPPROTO_ICMP || o.Proto == unix.IPPROTO_ICMPV6
}

// key loads an address and a port.
func (s side) key(r *nfRule) { s.keyWith(r, s.port) }

func (s side) keyWith(r *nfRule, port uint32) {
	r.load(keyReg, unix.NFT_PAYLOAD_NETWORK_HEADER, s.addr, s.size)
	r.load(keyReg+uint32(s.size/4), unix.NFT_PAYLOAD_TRANSPORT_HEADER, port, 2)
}

// is compares an address and, unless it is 0, the port.
func (s side) is(r *nfRule, a netip.AddrPort) {
	r.equal(unix.NFT_PAYLOAD_NETWORK_HEADER, s.addr, a.Addr().AsSlice())
	if a.Port() != 0 {
		r.equal(unix.NFT_PAYLOAD_TRANSPORT_HEADER, s.port, be16(a.Port()))
	}
}

// isNotOf compares with a network.
func (s side) isNotOf(r *nfRule, p netip.Prefix) {
	mask := make([]byte, s.size)
	for i := range p.Bits() {
		mask[i/8] |= 0x80 >> (i % 8)
	}
	r.load(compareReg, unix.NFT_PAYLOAD_NETWORK_HEADER, s.addr, s.size)
	r.and(mask)
	r.compare(unix.NFT_CMP_NEQ, p.Masked().Addr().AsSlice())
}

// begin is a rule about one protocol of one version of IP.
func (o *Opening) begin(proto uint8) *nfRule {
	ether := uint16(unix.ETH_P_IP)
	if o.V6 {
		ether = unix.ETH_P_IPV6
	}
	r := &nfRule{}
	r.meta(unix.NFT_META_PROTOCOL, unix.NFT_CMP_EQ, be16(ether))
	r.meta(unix.NFT_META_L4PROTO, unix.NFT_CMP_EQ, []byte{proto})
	return r
}

// opens has only packets go on with which somebody begins.
func (o *Opening) opens(r *nfRule) {
	switch o.Proto {
	case unix.IPPROTO_TCP:
		r.masked(tcpFlagsAt, tcpSYN|tcpRST|tcpACK, unix.NFT_CMP_EQ, tcpSYN)
	case unix.IPPROTO_ICMP:
		r.equal(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, []byte{echoRequest})
	case unix.IPPROTO_ICMPV6:
		r.equal(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, []byte{echoRequest6})
	}
}

// answers has only packets go on with which somebody is answered.
func (o *Opening) answers(r *nfRule) {
	switch o.Proto {
	case unix.IPPROTO_TCP:
		r.masked(tcpFlagsAt, tcpSYN|tcpRST, unix.NFT_CMP_NEQ, 0)
	case unix.IPPROTO_ICMP:
		r.equal(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, []byte{echoReply})
	case unix.IPPROTO_ICMPV6:
		r.equal(unix.NFT_PAYLOAD_TRANSPORT_HEADER, 0, []byte{echoReply6})
	}
}

// rules are those of a chain.
func (o *Opening) rules(hook uint32) (out []nfRule) {
	_, dst := o.sides()
	if !o.Arriving || hook != unix.NF_INET_LOCAL_OUT {
		for _, to := range o.To {
			for _, from := range o.froms() {
				out = append(out, o.first(from, to))
			}
		}
	}
	r := o.begin(o.Proto)
	o.answers(r)
	dst.key(r)
	r.among(setClients, false)
	r.trace()
	out = append(out, *r, o.errors(dst))
	if o.Stray != 0 && hook == unix.NF_INET_PRE_ROUTING && len(o.To) > 0 {
		out = append(out, o.strays(dst))
	}
	return out
}

// first is a rule about the first packet of each client.
func (o *Opening) first(from, to netip.AddrPort) nfRule {
	src, dst := o.sides()
	r := o.begin(o.Proto)
	o.opens(r)
	dst.is(r, to)
	if from.IsValid() {
		src.is(r, from)
	}
	if !o.Arriving {
		for _, p := range o.Apart {
			src.isNotOf(r, p)
		}
	}
	for _, index := range o.Except {
		r.meta(unix.NFT_META_IIF, unix.NFT_CMP_NEQ, native.AppendUint32(nil, uint32(index)))
	}
	src.key(r)
	r.among(setClients, true)
	r.add(setClients)
	r.trace()
	return *r
}

// froms are the clients; one that is not valid stands for all.
func (o *Opening) froms() []netip.AddrPort {
	if len(o.From) == 0 {
		return []netip.AddrPort{{}}
	}
	return o.From
}

// errors is a rule about errors of ICMP that go to a client: they quote the
// beginning of what it has sent.
func (o *Opening) errors(dst side) nfRule {
	icmp, quoted := uint8(unix.IPPROTO_ICMP), uint32(icmpHeader+ipv4Header)
	protocolAt := uint32(icmpHeader + 9)
	if o.V6 {
		icmp, quoted, protocolAt = unix.IPPROTO_ICMPV6, icmpHeader+ipv6Header, icmpHeader+6
	}
	src, _ := o.sides()
	r := o.begin(icmp)
	r.equal(unix.NFT_PAYLOAD_TRANSPORT_HEADER, protocolAt, []byte{o.Proto})
	dst.keyWith(r, quoted+src.port)
	r.among(setClients, false)
	r.trace()
	return *r
}

// strays is a rule about packets to other addresses.
func (o *Opening) strays(dst side) nfRule {
	r := o.begin(o.Proto)
	r.meta(unix.NFT_META_IIF, unix.NFT_CMP_EQ, native.AppendUint32(nil, uint32(o.Stray)))
	o.opens(r)
	to := o.To[0]
	r.load(compareReg, unix.NFT_PAYLOAD_NETWORK_HEADER, dst.addr, dst.size)
	r.compare(unix.NFT_CMP_NEQ, to.Addr().AsSlice())
	if to.Port() != 0 {
		r.equal(unix.NFT_PAYLOAD_TRANSPORT_HEADER, dst.port, be16(to.Port()))
	}
	dst.key(r)
	r.among(setStray, true)
	r.add(setStray)
	r.trace()
	return *r
}
