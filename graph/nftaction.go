package graph

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"nsinspect/inspect"
)

// action writes what a rule does, and the matches that iptables brought.
func (w *ruleWriter) action(e *inspect.NFExpr) {
	switch e.Name {
	case "counter":
		w.say("counter packets %d bytes %d", e.Packets, e.Bytes)
	case "nat":
		w.say("%s%s to %s", e.Type, w.natFamily(e), w.natTarget(e))
	case "masq":
		w.say("masquerade%s", w.portTarget(e))
	case "redir":
		w.say("redirect%s", w.portTarget(e))
	case "reject":
		w.say("%s", w.rejectText(e))
	case "log":
		if e.Text != "" {
			w.say("log prefix %q", e.Text)
		} else {
			w.say("log")
		}
	case "notrack":
		w.say("notrack")
	case "match":
		w.match(e)
	case "target":
		w.target(e)
	default:
		w.say("[%s]", e.Name)
	}
}

// natFamily is the word that nft needs where the table is of both families.
func (w *ruleWriter) natFamily(e *inspect.NFExpr) string {
	if w.r.Family != inspect.NFInet {
		return ""
	}
	if e.Family == uint32(inspect.NFIPv6) {
		return " ip6"
	}
	return " ip"
}

func (w *ruleWriter) natTarget(e *inspect.NFExpr) string {
	if len(e.Regs) != 4 {
		return "?"
	}
	from, to := w.regs[register(e.Regs[0])], w.regs[register(e.Regs[1])]
	text := from.text
	ip, ok := netip.AddrFromSlice(from.value)
	if ok {
		text = ip.String()
		if last, ok := netip.AddrFromSlice(to.value); ok && e.Regs[1] != 0 && last != ip {
			text += "-" + last.String()
		}
	}
	if e.Regs[2] == 0 {
		return text
	}
	ports := w.portRange(e)
	if ok && ip.Is6() {
		text = "[" + text + "]"
	}
	return text + ":" + ports
}

// portRange are the ports of registers 2 and 3.
func (w *ruleWriter) portRange(e *inspect.NFExpr) string {
	low, high := w.regs[register(e.Regs[2])], w.regs[register(e.Regs[3])]
	if low.value == nil {
		return low.text
	}
	text := strconv.Itoa(int(port(low.value)))
	if e.Regs[3] != 0 && port(high.value) != port(low.value) {
		text += "-" + strconv.Itoa(int(port(high.value)))
	}
	return text
}

func (w *ruleWriter) portTarget(e *inspect.NFExpr) string {
	if len(e.Regs) != 4 || e.Regs[2] == 0 {
		return ""
	}
	return " to :" + w.portRange(e)
}

// rejectText leaves out what is usual: port unreachable.
func (w *ruleWriter) rejectText(e *inspect.NFExpr) string {
	codes := []string{"net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable", 9: "net-prohibited", 10: "host-prohibited", 13: "admin-prohibited"}
	usual := uint32(3)
	switch {
	case e.Type == "tcp reset":
		w.drop(w.protoAt)
		return "reject with tcp reset"
	case e.Type == "icmpx":
		codes, usual = []string{"no-route", "port-unreachable", "host-unreachable", "admin-prohibited"}, 1
	case w.r.Family == inspect.NFIPv6:
		codes, usual = []string{"no-route", "admin-prohibited", 3: "addr-unreachable", 4: "port-unreachable"}, 4
	}
	if e.Code == usual {
		return "reject"
	}
	word := strconv.Itoa(int(e.Code))
	if int(e.Code) < len(codes) && codes[e.Code] != "" {
		word = codes[e.Code]
	}
	kind := e.Type
	if kind == "icmp" && w.r.Family == inspect.NFIPv6 {
		kind = "icmpv6"
	}
	return "reject with " + kind + " " + word
}

// match writes a match of iptables. Those that Docker's rules have are told;
// the others stand by their name.
func (w *ruleWriter) match(e *inspect.NFExpr) {
	text := ""
	switch {
	case e.Extension == "comment":
		name, _, _ := strings.Cut(string(e.Info), "\x00")
		text = fmt.Sprintf("comment %q", name)
	case e.Extension == "addrtype" && e.Revision == 1:
		text = addrtypeText(e.Info)
	case e.Extension == "conntrack" && e.Revision >= 1:
		text = conntrackText(e.Info)
	case e.Extension == "tcp" || e.Extension == "udp":
		if text = xtPorts(e); text != "" {
			w.drop(w.protoAt)
		}
	}
	if text == "" {
		text = fmt.Sprintf("xt match %q", e.Extension)
	}
	w.say("%s", text)
}

// addrtypeText reads struct xt_addrtype_info_v1: u16 source, u16 dest, u32
// flags; a bit for each RTN_*.
func addrtypeText(b []byte) string {
	if len(b) < 8 {
		return ""
	}
	var out []string
	flags := binary.NativeEndian.Uint32(b[4:])
	for i, name := range []string{"saddr", "daddr"} {
		types := binary.NativeEndian.Uint16(b[2*i:])
		if types == 0 {
			continue
		}
		var words []string
		for n := range uint32(12) {
			if types&(1<<n) != 0 {
				words = append(words, routeTypeText(n))
			}
		}
		from := name
		switch {
		case flags&4 != 0:
			from += " . iif"
		case flags&8 != 0:
			from += " . oif"
		}
		op := ""
		if flags&(1<<i) != 0 {
			op = "!= "
		}
		out = append(out, "fib "+from+" type "+op+strings.Join(words, ","))
	}
	return strings.Join(out, " ")
}

// conntrackText reads the state of struct xt_conntrack_mtinfo1 to 3: 136
// bytes of addresses and times, u16 protocol and ports, then u16 match flags,
// invert flags, state mask. Other conditions than the state are not told.
func conntrackText(b []byte) string {
	const flags, inverted, state = 146, 148, 150
	if len(b) < state+2 || binary.NativeEndian.Uint16(b[flags:]) != 1 {
		return ""
	}
	mask := binary.NativeEndian.Uint16(b[state:])
	var words []string
	for _, s := range []struct {
		bit  uint16
		name string
	}{{1, "invalid"}, {8, "new"}, {4, "related"}, {2, "established"}, {1 << 6, "snat"}, {1 << 7, "dnat"}, {1 << 8, "untracked"}} {
		if mask&s.bit != 0 {
			words = append(words, s.name)
			mask &^= s.bit
		}
	}
	if mask != 0 || len(words) == 0 {
		return ""
	}
	op := ""
	if binary.NativeEndian.Uint16(b[inverted:])&1 != 0 {
		op = "!= "
	}
	return "ct state " + op + strings.Join(words, ",")
}

// xtPorts reads struct xt_tcp and xt_udp: u16 source ports, u16 destination
// ports, then for tcp an option and flags, and what is inverted.
func xtPorts(e *inspect.NFExpr) string {
	b := e.Info
	inverted := 11
	if e.Extension == "udp" {
		inverted = 8
	}
	if len(b) <= inverted || e.Extension == "tcp" && (b[8] != 0 || b[9] != 0 || b[10] != 0) {
		return ""
	}
	var out []string
	for i, name := range []string{"sport", "dport"} {
		low, high := binary.NativeEndian.Uint16(b[4*i:]), binary.NativeEndian.Uint16(b[4*i+2:])
		if low == 0 && high == 0xffff {
			continue
		}
		text := strconv.Itoa(int(low))
		if high != low {
			text += "-" + strconv.Itoa(int(high))
		}
		op := ""
		if b[inverted]&(1<<i) != 0 {
			op = "!= "
		}
		out = append(out, e.Extension+" "+name+" "+op+text)
	}
	return strings.Join(out, " ")
}

// target writes a target of iptables.
func (w *ruleWriter) target(e *inspect.NFExpr) {
	switch e.Extension {
	case "MASQUERADE":
		w.say("masquerade")
	case "REJECT":
		w.say("%s", w.xtReject(e.Info))
	case "DNAT", "SNAT":
		d := dnat{rule: w.r}
		d.target(&inspect.NFExpr{Extension: "DNAT", Revision: e.Revision, Info: e.Info})
		if !d.to.IsValid() {
			w.say("xt target %q", e.Extension)
			return
		}
		text := d.to.String()
		if d.toPort != 0 {
			text = net.JoinHostPort(text, strconv.Itoa(int(d.toPort)))
		}
		w.say("%s to %s", strings.ToLower(e.Extension), text)
	default:
		w.say("xt target %q", e.Extension)
	}
}

// xtReject reads struct ipt_reject_info and ip6t_reject_info: u32, one of
// enum ipt_reject_with.
func (w *ruleWriter) xtReject(b []byte) string {
	if len(b) < 4 || w.r.Family != inspect.NFIPv4 {
		return `xt target "REJECT"`
	}
	names := [...]string{"net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable", "", "net-prohibited", "host-prohibited", "", "admin-prohibited"}
	switch n := hostNumber(b); {
	case n == 3:
		return "reject"
	case n == 7:
		return "reject with tcp reset"
	case n < uint32(len(names)) && names[n] != "":
		return "reject with icmp " + names[n]
	}
	return `xt target "REJECT"`
}
