package filter

import "net/netip"

// The conditions of xt_conntrack, XT_CONNTRACK_* of
// linux/netfilter/xt_conntrack.h.
const (
	ctState = 1 << iota
	ctProto
	ctOrigSrc
	ctOrigDst
	ctReplSrc
	ctReplDst
	ctStatus
	ctExpires
	ctOrigSrcPort
	ctOrigDstPort
	ctReplSrcPort
	ctReplDstPort
	ctDirection
)

// xtConntrack reads struct xt_conntrack_mtinfo1 to 3: addresses and masks of
// 16 bytes (original source, original destination, reply source, reply
// destination), u32 expiry from and to; at 136 u16 protocol and four ports, at
// 146 u16 conditions, u16 inverted, then state and status mask: u8 each of
// revision 1, else u16; of revision 3 the upper ends of the ports.
func (v *evaluation) xtConntrack(b []byte, revision uint32) (truth, string) {
	asked, invert := native.Uint16(b[146:]), native.Uint16(b[148:])
	all, why := yes, ""
	check := func(bit uint16, t truth, reason string) {
		if asked&bit == 0 {
			return
		}
		t = t.notIf(invert&bit != 0)
		if all = all.and(t); t == maybe {
			why = reason
		}
	}
	states, status := uint32(native.Uint16(b[150:])), uint32(native.Uint16(b[152:]))
	if revision == 1 {
		states, status = uint32(b[150]), uint32(b[151])
	}
	check(ctState, v.xtState(states), "the state of the connection is not known")
	if asked&^ctState == 0 || all == no {
		return all, why
	}
	if !v.tracked() || v.conn.State == Invalid {
		return truthOf(asked&ctState != 0), "" // as the kernel does
	}
	o := &v.conn.Original
	check(ctDirection, truthOf(!v.conn.Reply), "")
	check(ctProto, truthOf(native.Uint16(b[136:]) == uint16(v.packet.Proto)), "")
	check(ctOrigSrc, v.maskedAddr(o.Src, o.SrcUnknown, b[0:16], b[16:32]), whyAddr)
	check(ctOrigDst, v.maskedAddr(o.Dst, o.DstUnknown, b[32:48], b[48:64]), whyAddr)
	check(ctStatus, v.xtStatus(status), "the status of the connection is not known")
	const unknown = "the addresses of answers are not known"
	check(ctReplSrc, maybe, unknown)
	check(ctReplDst, maybe, unknown)
	check(ctReplSrcPort, maybe, unknown)
	check(ctReplDstPort, maybe, unknown)
	check(ctExpires, maybe, "the age of the connection is not known")
	check(ctOrigSrcPort, xtPort(b, 138, 154, revision, o, o.SrcPort), whyPort)
	check(ctOrigDstPort, xtPort(b, 140, 156, revision, o, o.DstPort), whyPort)
	return all, why
}

// xtState has a bit for each state, as nft has, but for three: 64 source was
// translated, 128 destination was, 256 is not tracked.
func (v *evaluation) xtState(mask uint32) truth {
	s := v.state()
	if s == Untracked {
		return truthOf(mask&256 != 0)
	}
	bits, ok := stateBits(s)
	if !ok {
		return maybe
	}
	if v.tracked() {
		if v.conn.SNAT {
			bits |= 64
		}
		if v.conn.DNAT {
			bits |= 128
		}
	}
	return truthOf(mask&bits != 0)
}

func (v *evaluation) xtStatus(mask uint32) truth {
	p := v.status()
	bits, have := hostNumber(p.data), hostNumber(p.mask)
	switch {
	case mask&bits&have != 0:
		return yes
	case mask&^have != 0:
		return maybe
	}
	return no
}

// xtPort compares with ports of the structure: of revision 3 a range in the
// host's byte order, of others one in that of the network.
func xtPort(b []byte, low, high int, revision uint32, k *Packet, port uint16) truth {
	switch {
	case revision == 3 && len(b) >= high+2:
		return k.portIn(port, native.Uint16(b[low:]), native.Uint16(b[high:]))
	case revision == 3:
		return maybe
	}
	return k.port(port).equal(b[low : low+2])
}

func (v *evaluation) maskedAddr(a netip.Addr, unknown bool, want, mask []byte) truth {
	p := v.addrBytes(a, unknown)
	for i := range p.data {
		p.data[i] &= mask[i]
		p.mask[i] |= ^mask[i]
	}
	return p.equal(want[:len(p.data)])
}
