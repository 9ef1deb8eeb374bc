package graph

import (
	"net/netip"
	"strconv"

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
