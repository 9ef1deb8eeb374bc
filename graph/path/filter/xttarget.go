package filter

import (
	"fmt"

	"nsinspect/inspect"
)

// target is a target of iptables. Those that end a rule and are not
// understood make the verdict unknown.
func (v *evaluation) target(e *inspect.NFExpr) {
	b := e.Info
	switch e.Extension {
	case "REJECT":
		v.end(Reject, xtRejectWord(b, v.packet.Dst.Is6()))
	case "DNAT", "SNAT", "MASQUERADE", "REDIRECT":
		v.xtTranslates(e)
	case "MARK":
		v.xtMark(e)
	case "CONNMARK":
		v.xtConnmark(e)
	case "NOTRACK":
		v.untrack()
	case "CT":
		if len(b) >= 2 && native.Uint16(b)&1 != 0 {
			v.untrack()
		}
	case "LOG", "NFLOG", "ULOG", "TCPMSS", "TRACE", "CHECKSUM", "CLASSIFY", "DSCP", "TOS", "TTL", "HL", "ECN", "AUDIT",
		"IDLETIMER", "LED", "SET", "CONNSECMARK", "SECMARK", "TEE", "RATEEST", "TCPOPTSTRIP":
		// They go on to the next rule, and change nothing that rules ask for here.
	default:
		v.end(Unknown, fmt.Sprintf("target %q is not understood", e.Extension))
	}
}

// xtMark reads struct xt_mark_tginfo2: u32 mark, u32 mask.
func (v *evaluation) xtMark(e *inspect.NFExpr) {
	if e.Revision != 2 || len(e.Info) < 8 || v.uncertain() {
		v.packet.MarkUnknown = true
		return
	}
	mark, mask := native.Uint32(e.Info), native.Uint32(e.Info[4:])
	v.packet.Mark = v.packet.Mark&^mask ^ mark
	if mask == ^uint32(0) {
		v.packet.MarkUnknown = false
	}
}

// xtConnmark reads struct xt_connmark_tginfo1 and 2: u32 mark, two masks, of
// revision 2 u8 direction and bits of a shift, u8 mode: 0 sets, 1 saves the
// packet's mark, 2 restores it.
func (v *evaluation) xtConnmark(e *inspect.NFExpr) {
	b, at := e.Info, map[uint32]int{1: 12, 2: 14}[e.Revision]
	if at == 0 || len(b) <= at || b[at] > 1 {
		v.packet.MarkUnknown = true
	}
	v.conn.MarkUnknown = true
}

// xtRejectWord reads struct ipt_reject_info and ip6t_reject_info: u32; a TCP
// reset is 7 of IPv4 and 6 of IPv6.
func xtRejectWord(b []byte, v6 bool) string {
	reset := uint32(7)
	if v6 {
		reset = 6
	}
	if hostNumber(b) == reset && len(b) >= 4 {
		return "answered with a TCP reset"
	}
	return "answered with an ICMP error"
}
