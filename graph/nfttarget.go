package graph

import (
	"encoding/binary"
	"fmt"
	"net"
	"strings"

	"nsinspect/inspect"
)

// target writes a target of iptables, in the words of nft where it has some.
func (w *ruleWriter) target(e *inspect.NFExpr) {
	text := ""
	switch e.Extension {
	case "REJECT":
		text = w.xtReject(e.Info)
	case "MASQUERADE", "REDIRECT", "SNAT", "DNAT":
		text = w.xtNAT(e)
	default:
		text = targetText(e)
	}
	if text == "" {
		text = unreadText("target", e)
	}
	w.say("%s", text)
}

func targetText(e *inspect.NFExpr) string {
	b := e.Info
	has := func(n int) bool { return len(b) >= n }
	switch {
	case e.Extension == "MARK" && e.Revision == 2 && has(8):
		return setMark("meta mark", hostNumber(b), hostNumber(b[4:]))
	case e.Extension == "CONNMARK" && has(16): // struct xt_connmark_tginfo1: mark, two masks, mode; 2 has a shift before mode
		mode := b[map[bool]int{true: 14, false: 12}[e.Revision == 2]]
		return []string{setMark("ct mark", hostNumber(b), hostNumber(b[4:])), "ct mark set meta mark", "meta mark set ct mark"}[mode%3]
	case e.Extension == "LOG" && has(32): // struct xt_log_info: u8 level, u8 flags, prefix
		return fmt.Sprintf("log prefix %q", cString(b[2:32]))
	case e.Extension == "NFLOG" && has(16): // struct xt_nflog_info: u32 len, u16 group, …, at 12 the prefix
		return fmt.Sprintf("log prefix %q group %d", cString(b[12:]), binary.NativeEndian.Uint16(b[4:]))
	case e.Extension == "NFQUEUE" && has(2):
		return fmt.Sprintf("queue to %d", binary.NativeEndian.Uint16(b))
	case e.Extension == "NOTRACK", e.Extension == "CT" && has(2) && binary.NativeEndian.Uint16(b)&1 != 0:
		return "notrack"
	case e.Extension == "TCPMSS" && has(2):
		if mss := binary.NativeEndian.Uint16(b); mss != 0xffff {
			return fmt.Sprintf("tcp option maxseg size set %d", mss)
		}
		return "tcp option maxseg size set rt mtu"
	}
	return ""
}

// setMark is what MARK and CONNMARK do: mark = mark &^ mask ^ value.
func setMark(what string, value, mask uint32) string {
	if mask == ^uint32(0) {
		return fmt.Sprintf("%s set %#x", what, value)
	}
	return fmt.Sprintf("%s set %s & %#x ^ %#x", what, what, ^mask, value)
}

// xtNAT reads the translating targets: of IPv4 and revision 0 struct
// nf_nat_ipv4_multi_range_compat, else struct nf_nat_range or nf_nat_range2.
func (w *ruleWriter) xtNAT(e *inspect.NFExpr) string {
	const withAddr, withPort = 1, 2
	b, v6 := e.Info, w.v6()
	var flags uint32
	var low, high, ports []byte
	switch {
	case e.Revision == 0 && !v6 && len(b) >= 20:
		flags, low, high, ports = hostNumber(b[4:]), b[8:12], b[12:16], b[16:20]
	case (e.Revision > 0 || v6) && len(b) >= 40:
		flags, low, high, ports = hostNumber(b), b[4:20], b[20:36], b[36:40]
	default:
		return ""
	}
	word, to := strings.ToLower(e.Extension), ""
	if flags&withAddr != 0 {
		from, last := xtAddr(low, v6), xtAddr(high, v6)
		if to = from.String(); from != last {
			to += "-" + last.String()
		}
	}
	if flags&withPort != 0 {
		text := portsText(binary.BigEndian.Uint16(ports), binary.BigEndian.Uint16(ports[2:]))
		if to = net.JoinHostPort(to, text); flags&withAddr == 0 {
			to = ":" + text
		}
	}
	if to == "" {
		return word
	}
	return word + " to " + to
}

// xtReject reads struct ipt_reject_info and ip6t_reject_info: u32, one of
// enum ipt_reject_with or ip6t_reject_with.
func (w *ruleWriter) xtReject(b []byte) string {
	if len(b) < 4 {
		return ""
	}
	family, usual, reset := "icmp", uint32(3), uint32(7)
	names := []string{"net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable", 5: "net-prohibited", 6: "host-prohibited", 8: "admin-prohibited"}
	if w.v6() {
		family, usual, reset = "icmpv6", 4, 6
		names = []string{"no-route", "admin-prohibited", "", "addr-unreachable", "port-unreachable", 7: "policy-fail", 8: "reject-route"}
	}
	switch n := hostNumber(b); {
	case n == usual:
		return "reject"
	case n == reset:
		return "reject with tcp reset"
	case n < uint32(len(names)) && names[n] != "":
		return "reject with " + family + " " + names[n]
	}
	return ""
}
