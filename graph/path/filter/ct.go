package filter

import (
	"encoding/binary"

	"nsinspect/inspect"
)

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
