package filter

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"

	"nsinspect/inspect"
)

func hostNumber(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

// load runs an expression that reads something into a register. It can end
// the rule: where there is nothing to read, it does not match.
func (v *evaluation) load(e *inspect.NFExpr) (truth, string) {
	if e.Name == "payload" && e.Sreg != 0 || e.Name == "exthdr" && e.Sreg != 0 {
		v.rewrite(e)
		return yes, ""
	}
	var p partial
	why, there := "", true
	switch e.Name {
	case "meta":
		p, why, there = v.meta(e.Key)
	case "ct":
		p, why, there = v.ct(e)
	case "fib":
		p, why = v.fib(e)
	case "payload":
		p, why, there = v.payload(e)
	case "exthdr":
		p, why, there = v.exthdr(e)
	default:
		p, why = unknownBytes(16), e.Name+" "+e.Key+" is not known"
		v.regs.store(e.Dreg, p, why)
		return maybe, why // it may also find nothing to read
	}
	if !there {
		return no, ""
	}
	v.regs.store(e.Dreg, p, why)
	return yes, ""
}

// rewrite is an expression that changes the packet. Where that can change
// what other rules see, nothing can be told any more.
func (v *evaluation) rewrite(e *inspect.NFExpr) {
	if e.Name == "payload" && (e.Base == "network" || e.Base == "transport" && e.Offset < 4) {
		v.lose(v.r, "it changes the packet")
	}
}

func unknownWord(n int, what string) (partial, string, bool) {
	return unknownBytes(n), what + " is not known", true
}

// meta reads what belongs to the packet. Numbers are in the host's byte
// order, names have 16 bytes.
func (v *evaluation) meta(key string) (p partial, why string, there bool) {
	q := v.q
	in, out := q.In, q.Out
	index := func(i *inspect.Interface) (partial, string, bool) {
		if i == nil {
			return knownHost(0), "", true
		}
		return knownHost(uint32(i.Index)), "", true
	}
	switch key {
	case "iifname", "sdifname":
		if key == "sdifname" {
			return unknownWord(16, "meta sdifname")
		}
		return nameBytes(ifaceName(in)), "", true
	case "oifname":
		return nameBytes(ifaceName(out)), "", true
	case "iif":
		return index(in)
	case "oif":
		return index(out)
	case "iifkind", "oifkind":
		i := in
		if key == "oifkind" {
			i = out
		}
		if i == nil || i.Kind == "" {
			return partial{}, "", false
		}
		return nameBytes(i.Kind), "", true
	case "iiftype", "oiftype":
		i := in
		if key == "oiftype" {
			i = out
		}
		if i == nil {
			return partial{}, "", false
		}
		return known(binary.NativeEndian.AppendUint16(nil, i.Type)), "", true
	case "ibrname":
		return nameBytes(q.PhysIn), "", true
	case "obrname":
		return nameBytes(q.PhysOut), "", true
	}
	return v.metaPacket(key)
}

func (v *evaluation) metaPacket(key string) (p partial, why string, there bool) {
	k := &v.packet
	switch key {
	case "mark":
		if k.MarkUnknown {
			return unknownWord(4, "the mark")
		}
		return knownHost(k.Mark), "", true
	case "protocol":
		return known16(etherType(k.Dst)), "", true
	case "nfproto":
		if v.q.Bridge {
			return known([]byte{byte(inspect.NFBridge)}), "", true
		}
		return known([]byte{byte(family(k.Dst))}), "", true
	case "l4proto":
		return known([]byte{k.Proto}), "", true
	case "pkttype":
		if k.Dst.IsMulticast() || v.q.Bridge {
			return unknownWord(1, "meta pkttype")
		}
		return known([]byte{0}), "", true
	case "nftrace":
		return known([]byte{0}), "", true
	case "skuid", "skgid":
		if v.q.Hook == "forward" || v.q.Hook == "prerouting" {
			return partial{}, "", false // no socket
		}
		if key == "skuid" && k.UID != nil {
			return knownHost(*k.UID), "", true
		}
	}
	return unknownWord(16, "meta "+key)
}

func etherType(a netip.Addr) uint16 {
	if a.Is6() {
		return 0x86dd
	}
	return 0x0800
}

func family(a netip.Addr) inspect.NFFamily {
	if a.Is6() {
		return inspect.NFIPv6
	}
	return inspect.NFIPv4
}

// tracked reports whether the connection is known to the tracker at the hook.
func (v *evaluation) tracked() bool {
	first := v.q.Hook == "prerouting" || v.q.Hook == "output" || v.q.Netdev
	return v.conn.State != Untracked && !(first && v.base.Priority < priorityTrack) && !v.q.Netdev
}

// stateBits are the NF_CT_STATE_* of linux/netfilter/nf_conntrack_common.h.
func stateBits(s State) (uint32, bool) {
	switch s {
	case Invalid:
		return 1, true
	case Established:
		return 2, true
	case Related:
		return 4, true
	case New:
		return 8, true
	case Untracked:
		return 1 << 6, true
	}
	return 0, false
}

// state is the state as rules see it at this priority.
func (v *evaluation) state() State {
	if !v.tracked() && v.conn.State != Untracked {
		return Invalid
	}
	return v.conn.State
}

// ct reads what the connection tracker knows.
func (v *evaluation) ct(e *inspect.NFExpr) (p partial, why string, there bool) {
	if e.Key == "state" {
		bits, ok := stateBits(v.state())
		if !ok {
			return unknownWord(4, "the state of the connection")
		}
		return knownHost(bits), "", true
	}
	if !v.tracked() || v.conn.State == Invalid {
		return partial{}, "", false
	}
	switch e.Key {
	case "status":
		return v.status(), "the status of the connection is not known", true
	case "mark":
		if v.conn.MarkUnknown {
			return unknownWord(4, "the mark of the connection")
		}
		return knownHost(v.conn.Mark), "", true
	case "direction":
		return known([]byte{boolByte(v.conn.Reply)}), "", true
	case "l3proto":
		return known([]byte{byte(family(v.packet.Dst))}), "", true
	case "protocol":
		return known([]byte{v.packet.Proto}), "", true
	case "zone":
		return unknownWord(2, "ct zone")
	}
	return v.ctTuple(e)
}

func boolByte(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// status has the bits of translation, IPS_SRC_NAT and IPS_DST_NAT, and that
// an answer was seen; the others are not known.
func (v *evaluation) status() partial {
	bits, mask := uint32(0), uint32(0x30)
	if v.conn.SNAT {
		bits |= 0x10
	}
	if v.conn.DNAT {
		bits |= 0x20
	}
	if v.conn.State == New {
		mask |= 2
	}
	return partial{data: binary.NativeEndian.AppendUint32(nil, bits), mask: binary.NativeEndian.AppendUint32(nil, mask)}
}

// ctTuple reads addresses and ports of the connection. Those of the first
// packet are known, those of the answers are not before all translation.
func (v *evaluation) ctTuple(e *inspect.NFExpr) (p partial, why string, there bool) {
	if e.Type == "reply" {
		return unknownWord(16, "ct reply "+e.Key)
	}
	o := &v.conn.Original
	switch e.Key {
	case "saddr", "ip saddr", "ip6 saddr":
		return v.addrBytes(o.Src, o.SrcUnknown), whyAddr, true
	case "daddr", "ip daddr", "ip6 daddr":
		return v.addrBytes(o.Dst, o.DstUnknown), whyAddr, true
	case "proto-src":
		return o.port(o.SrcPort), whyPort, true
	case "proto-dst":
		return o.port(o.DstPort), whyPort, true
	}
	return unknownWord(16, "ct "+e.Key)
}

// Why something cannot be told of a packet.
const (
	whyAddr = "it is not known from which address the packet comes (--source says it)"
	whyPort = "the port of the client is not known (--source says it)"
)

// port is a port, 0 one that is not known.
func (k *Packet) port(n uint16) partial {
	if n == 0 {
		return between(k.Ports[0], cmp.Or(k.Ports[1], 0xffff))
	}
	return known16(n)
}

// addrBytes is an address.
func (v *evaluation) addrBytes(a netip.Addr, unknown bool) partial {
	if !unknown {
		return known(a.AsSlice())
	}
	p := unknownBytes(a.BitLen() / 8)
	p.outside = v.inside(a)
	return p
}

// inside are the networks of an address' family that it is in none of, when it
// is not known.
func (v *evaluation) inside(a netip.Addr) []netip.Prefix {
	out := []netip.Prefix{}
	for _, n := range v.q.Inside {
		if n.Addr().Is4() == a.Is4() && n.Bits() > 0 {
			out = append(out, n)
		}
	}
	return out
}

// The flags of fib, NFTA_FIB_F_*.
const (
	fibSaddr = 1 << iota
	fibDaddr
	fibMark
	fibIif
	fibOif
	fibPresent
)

// fib looks an address up in the routes.
func (v *evaluation) fib(e *inspect.NFExpr) (partial, string) {
	q := v.q
	a, from := v.packet.Dst, v.packet.Src
	if e.Flags&fibSaddr != 0 {
		a, from = from, a
	}
	dev := 0
	switch {
	case e.Flags&fibIif != 0 && q.In != nil:
		dev = q.In.Index
	case e.Flags&fibOif != 0 && q.Out != nil:
		dev = q.Out.Index
	}
	if e.Key == "type" {
		if n, ok := v.routeType(a, dev); ok {
			return knownHost(n), ""
		}
		return unknownBytes(4), fmt.Sprintf("the type of the route to %s is not known", a)
	}
	if q.In != nil && q.In.Loopback() && (q.Hook == "prerouting" || q.Hook == "input") {
		return fibResult(e, q.In), "" // as the kernel has it
	}
	if out, ok := v.route(a, from, dev, e.Flags&fibMark != 0); ok {
		return fibResult(e, out), ""
	}
	return unknownBytes(16), fmt.Sprintf("the route to %s is not known", a)
}

// fibResult is what fib makes of the interface of a route; nil is none.
func fibResult(e *inspect.NFExpr, out *inspect.Interface) partial {
	switch {
	case e.Flags&fibPresent != 0:
		return known([]byte{boolByte(out != nil)})
	case e.Key == "oifname":
		return nameBytes(ifaceName(out))
	case out == nil:
		return knownHost(0)
	}
	return knownHost(uint32(out.Index))
}

// route asks for a route, by the packet's mark or none.
func (v *evaluation) route(to, from netip.Addr, dev int, marked bool) (out *inspect.Interface, ok bool) {
	mark := uint32(0)
	if marked {
		mark = v.packet.Mark
	}
	if v.q.Lookup == nil || marked && v.packet.MarkUnknown {
		return nil, false
	}
	return v.q.Lookup(to, from, dev, mark)
}

// routeLocal is RTN_LOCAL of linux/rtnetlink.h.
const routeLocal = 2

// routeType is the RTN_* of linux/rtnetlink.h of an address.
func (v *evaluation) routeType(a netip.Addr, dev int) (uint32, bool) {
	if v.q.RouteType == nil {
		return 0, false
	}
	word, ok := v.q.RouteType(a, dev)
	for i, w := range [...]string{"unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit"} {
		if ok && w == word {
			return uint32(i), true
		}
	}
	return 0, false
}

// payload reads the packet's headers.
func (v *evaluation) payload(e *inspect.NFExpr) (p partial, why string, there bool) {
	n, off := int(e.Len), int(e.Offset)
	if n < 1 || n > 64 || off > 1<<16 {
		return unknownWord(min(max(n, 1), 64), "a part of the packet")
	}
	var h partial
	switch e.Base {
	case "network":
		h = v.networkHeader()
	case "transport":
		h = v.transportHeader()
	case "link":
		h = unknownBytes(14)
		copy(h.data[12:], known16(etherType(v.packet.Dst)).data)
		h.mask[12], h.mask[13] = 0xff, 0xff
	}
	p = unknownBytes(n)
	for i := range n {
		if off+i < len(h.data) {
			p.data[i], p.mask[i] = h.data[off+i], h.mask[off+i]
		}
	}
	why = ""
	if !p.whole() {
		why = fmt.Sprintf("bytes %d to %d of the %s header are not known", off, off+n-1, e.Base)
	}
	switch a, unknown := v.addressAt(e.Base, off, n); {
	case unknown:
		p.outside, why = v.inside(a), whyAddr
	case why != "" && e.Base == "transport" && off < 4:
		why = whyPort
	}
	return p, why, true
}

// addressAt is the address that n bytes of a header are of, where that is not
// known.
func (v *evaluation) addressAt(base string, off, n int) (a netip.Addr, unknown bool) {
	k := &v.packet
	src, size := 12, 4
	if k.Dst.Is6() {
		src, size = 8, 16
	}
	switch {
	case base != "network" || n > size:
	case off == src:
		return k.Src, k.SrcUnknown
	case off == src+size:
		return k.Dst, k.DstUnknown
	}
	return a, false
}

// exthdr reads an extension header of IPv6 or an option: the packet has no
// such header, and only TCP has options.
func (v *evaluation) exthdr(e *inspect.NFExpr) (p partial, why string, there bool) {
	const present = 1
	none := e.Key == "ipv6" && v.packet.Dst.Is6() || e.Key == "tcp option" && v.packet.Proto != TCP
	switch {
	case none && e.Flags&present != 0:
		return known([]byte{0}), "", true
	case none:
		return partial{}, "", false
	}
	return unknownWord(16, "exthdr "+e.Key)
}

// networkHeader is the IP header, RFC 791 and RFC 8200, as far as it is known.
func (v *evaluation) networkHeader() partial {
	k := &v.packet
	put := func(p partial, off int, b []byte) {
		copy(p.data[off:], b)
		for i := range b {
			p.mask[off+i] = 0xff
		}
	}
	addr := func(p partial, off int, a netip.Addr, unknown bool) {
		if !unknown {
			put(p, off, a.AsSlice())
		}
	}
	if k.Dst.Is6() {
		h := unknownBytes(40)
		h.data[0], h.mask[0] = 0x60, 0xf0
		put(h, 6, []byte{k.Proto})
		addr(h, 8, k.Src, k.SrcUnknown)
		addr(h, 24, k.Dst, k.DstUnknown)
		return h
	}
	h := unknownBytes(20)
	put(h, 0, []byte{0x45})
	h.mask[6], h.mask[7] = 0x1f, 0xff // it is no fragment but the first
	put(h, 9, []byte{k.Proto})
	addr(h, 12, k.Src, k.SrcUnknown)
	addr(h, 16, k.Dst, k.DstUnknown)
	return h
}

// transportHeader has the ports, the flags of a TCP packet that opens a
// connection, and type and code of ICMP.
func (v *evaluation) transportHeader() partial {
	k := &v.packet
	h := unknownBytes(20)
	if k.Proto == ICMP || k.Proto == ICMPv6 {
		copy(h.data, []byte{k.ICMPType, k.ICMPCode})
		h.mask[0], h.mask[1] = 0xff, 0xff
		return h
	}
	for i, n := range []uint16{k.SrcPort, k.DstPort} {
		p := k.port(n)
		copy(h.data[2*i:], p.data)
		copy(h.mask[2*i:], p.mask)
	}
	if flags, mask := v.tcpFlags(); k.Proto == TCP {
		h.data[13], h.mask[13] = flags, mask
	}
	return h
}

// tcpFlags are those of the packet: SYN of the first, SYN and ACK of the
// answer; ECN may be asked for.
func (v *evaluation) tcpFlags() (flags, mask byte) {
	switch {
	case v.conn.State == New:
		return 0x02, 0x3f
	case v.conn.Reply:
		return 0x12, 0x3f
	}
	return 0, 0
}

// compute is bitwise and byteorder.
func (v *evaluation) compute(e *inspect.NFExpr) {
	n := int(e.Len)
	p, why := v.regs.load(e.Sreg, n)
	switch {
	case e.Name == "bitwise" && e.Op == "" && len(e.Mask) == n && len(e.Data) == n:
		for i := range p.data {
			p.mask[i] |= ^e.Mask[i]
			p.data[i] = p.data[i]&e.Mask[i] ^ e.Data[i]
		}
		if p.whole() {
			why = ""
		}
	case e.Name == "bitwise" && (e.Op == "lshift" || e.Op == "rshift") && n == 4 && len(e.Data) == 4 && p.whole():
		x, by := hostNumber(p.data), hostNumber(e.Data)
		if e.Op == "lshift" {
			x <<= by
		} else {
			x >>= by
		}
		p = knownHost(x)
	case e.Name == "byteorder" && (n == 2 || n == 4) && binary.NativeEndian.Uint16([]byte{1, 0}) == 1:
		for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
			p.data[i], p.data[j] = p.data[j], p.data[i]
			p.mask[i], p.mask[j] = p.mask[j], p.mask[i]
		}
	case e.Name == "byteorder" && (n == 2 || n == 4):
	default:
		p, why = unknownBytes(min(max(n, 0), 64)), e.Name+" "+e.Op+" is not understood"
	}
	v.regs.store(e.Dreg, p, why)
}
