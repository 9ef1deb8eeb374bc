package filter

import "encoding/binary"

// xtPortPairs reads u16 source ports, u16 destination ports; invert turns
// them around with bits 1 and 2.
func (v *evaluation) xtPortPairs(b []byte, invert byte, proto uint8) (truth, string) {
	if v.packet.Proto != proto {
		return no, ""
	}
	all := yes
	for i, port := range []uint16{v.packet.SrcPort, v.packet.DstPort} {
		low, high := native.Uint16(b[4*i:]), native.Uint16(b[4*i+2:])
		all = all.and(v.packet.portIn(port, low, high).notIf(invert&(1<<i) != 0))
	}
	return all, whyPort
}

// portIn reports whether a port is in a range; 0 is one that is not known.
func (k *Packet) portIn(port, low, high uint16) truth {
	if low > high {
		return no
	}
	return k.port(port).in(binary.BigEndian.AppendUint16(nil, low), binary.BigEndian.AppendUint16(nil, high))
}

// xtTCP reads struct xt_tcp: ports, u8 option, flag mask, flags, inverted.
func (v *evaluation) xtTCP(b []byte) (truth, string) {
	t, why := v.xtPortPairs(b, b[11], TCP)
	if t == no {
		return no, ""
	}
	if want := b[9]; want != 0 {
		flags, mask := v.tcpFlags()
		f := truthOf(flags&want == b[10])
		if want&^mask != 0 {
			f = maybe
			if (flags^b[10])&want&mask != 0 {
				f = no
			}
		}
		if t = t.and(f.notIf(b[11]&4 != 0)); f == maybe {
			why = "the TCP flags are not known"
		}
	}
	if b[8] != 0 {
		t, why = t.and(maybe), "the TCP options are not known"
	}
	return t, why
}

// xtMultiport reads struct xt_multiport_v1: u8 which (0 source, 1
// destination, 2 either), u8 count, u16 ports[15], u8 range flags[15], u8
// inverted.
func (v *evaluation) xtMultiport(b []byte) (truth, string) {
	switch v.packet.Proto {
	case TCP, UDP, 33, 132, 136:
	default:
		return no, ""
	}
	ports := map[byte][]uint16{0: {v.packet.SrcPort}, 1: {v.packet.DstPort}, 2: {v.packet.SrcPort, v.packet.DstPort}}[b[0]]
	if ports == nil || b[1] > 15 {
		return maybe, ""
	}
	found := no
	for i := 0; i < int(b[1]); i++ {
		low := native.Uint16(b[2+2*i:])
		high := low
		if b[32+i] != 0 && i+1 < int(b[1]) {
			i++
			high = native.Uint16(b[2+2*i:])
		}
		for _, p := range ports {
			found = found.or(v.packet.portIn(p, low, high))
		}
	}
	return found.notIf(b[47] != 0), whyPort
}
