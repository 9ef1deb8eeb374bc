package graph

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"nsinspect/inspect"
)

// match writes a match of iptables, in the words of nft where it has some,
// else in those of iptables(8). What is not understood stands by its name.
func (w *ruleWriter) match(e *inspect.NFExpr) {
	text := ""
	switch e.Extension {
	case "tcp", "udp":
		if text = xtPorts(e); text != "" {
			w.drop(w.protoAt)
		}
	case "multiport":
		text = w.multiportText(e)
	default:
		text = w.matchText(e)
	}
	if text == "" {
		text = unreadText("match", e)
	}
	w.say("%s", text)
}

// unreadText is an extension of iptables that is not understood.
func unreadText(kind string, e *inspect.NFExpr) string {
	return fmt.Sprintf("xt %s %q (%d bytes not read)", kind, e.Extension, len(e.Info))
}

func (w *ruleWriter) matchText(e *inspect.NFExpr) string {
	b := e.Info
	has := func(n int) bool { return len(b) >= n }
	switch e.Extension {
	case "comment":
		return fmt.Sprintf("comment %q", cString(b))
	case "addrtype":
		if e.Revision == 1 {
			return addrtypeText(b)
		}
	case "conntrack":
		if e.Revision >= 1 && e.Revision <= 3 && has(156) {
			return conntrackText(e, w.v6())
		}
	case "state":
		if has(4) {
			return "ct state " + ctStates(uint16(hostNumber(b)))
		}
	case "mark", "connmark":
		if has(9) {
			return markText(map[string]string{"mark": "meta mark", "connmark": "ct mark"}[e.Extension], b)
		}
	case "limit":
		if has(8) {
			return limitText(hostNumber(b), hostNumber(b[4:]))
		}
	case "icmp", "icmp6":
		if has(4) {
			return icmpText(e)
		}
	case "iprange":
		if has(65) {
			return iprangeText(b, w.v6())
		}
	}
	return matchOfIptables(e)
}

// matchOfIptables writes matches that nft has no words for.
func matchOfIptables(e *inspect.NFExpr) string {
	b := e.Info
	switch {
	case e.Extension == "physdev" && len(b) >= 66:
		return physdevText(b)
	case e.Extension == "owner" && len(b) >= 18:
		return ownerText(b)
	case e.Extension == "pkttype" && len(b) >= 8:
		kinds := []string{"unicast", "broadcast", "multicast", "other"}
		return "meta pkttype " + negation(hostNumber(b[4:]) != 0) + kinds[hostNumber(b)%4]
	case e.Extension == "rpfilter" && len(b) >= 1:
		return "rpfilter" + flagWords(b[0], "loose", "validmark", "accept-local", "invert")
	case e.Extension == "set" && len(b) >= 4: // struct xt_set_info: u16 index, u8 dimensions, u8 flags
		return fmt.Sprintf("match-set of ipset(8) number %d", binary.NativeEndian.Uint16(b))
	}
	return ""
}

// multiportText reads struct xt_multiport_v1: u8 which (source, destination,
// either), u8 count, u16 ports[15], u8 range[15], u8 inverted.
func (w *ruleWriter) multiportText(e *inspect.NFExpr) string {
	b := e.Info
	if e.Revision != 1 || len(b) < 48 || b[0] > 2 || b[1] > 15 {
		return ""
	}
	var list []string
	for i := 0; i < int(b[1]); i++ {
		text := strconv.Itoa(int(binary.NativeEndian.Uint16(b[2+2*i:])))
		if b[32+i] != 0 && i+1 < int(b[1]) {
			i++
			text += "-" + strconv.Itoa(int(binary.NativeEndian.Uint16(b[2+2*i:])))
		}
		list = append(list, text)
	}
	proto := w.proto
	if proto == "" {
		proto = "th"
	} else {
		w.drop(w.protoAt)
	}
	return proto + " " + []string{"sport", "dport", "ports"}[b[0]] + " " + negation(b[47] != 0) + "{ " + strings.Join(list, ", ") + " }"
}
