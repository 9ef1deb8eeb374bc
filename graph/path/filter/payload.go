package filter

import (
	"cmp"
	"fmt"
	"net/netip"

	"nsinspect/inspect"
)

// rewrite is an expression that changes the packet. Where that can change
// what other rules see, nothing can be told any more.
func (v *evaluation) rewrite(e *inspect.NFExpr) {
	if e.Name == "payload" && (e.Base == "network" || e.Base == "transport" && e.Offset < 4) {
		v.lose(v.r, "it changes the packet")
	}
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
