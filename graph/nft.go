package graph

import (
	"fmt"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// RuleText writes a rule as `nft list ruleset` does. What is not understood
// stands there by its name, in brackets: "[limit]".
func RuleText(rs *inspect.Ruleset, r *inspect.NFRule) string {
	w := &ruleWriter{rs: rs, r: r, regs: map[uint32]operand{}, protoAt: -1, familyAt: -1}
	for i := range r.Exprs {
		w.expr(&r.Exprs[i])
	}
	if r.Comment != "" {
		w.say("comment %q", r.Comment)
	}
	return strings.Join(w.out, " ")
}

// operand is what a register holds.
type operand struct {
	text  string // as nft has it: "ip saddr"
	kind  valueKind
	value inspect.Bytes // of an immediate
	mask  inspect.Bytes // of what it was masked with
	width uint32        // bytes read of the packet; 0 for others
}

// ruleWriter writes one rule. It follows the registers.
type ruleWriter struct {
	rs   *inspect.Ruleset
	r    *inspect.NFRule
	regs map[uint32]operand
	out  []string
	// proto and family are those of the transport and network layer, once a
	// comparison told.
	proto, family string
	// protoAt and familyAt are the places in out of comparisons that what
	// follows may imply, as "tcp dport" implies the protocol; -1 for none.
	protoAt, familyAt int
	low               struct { // the last comparison with a lower end
		text string
		at   int
	}
}

func (w *ruleWriter) say(format string, args ...any) {
	w.out = append(w.out, fmt.Sprintf(format, args...))
}

// drop takes back a comparison that is implied.
func (w *ruleWriter) drop(at int) {
	if at < 0 {
		return
	}
	w.out = slices.Delete(w.out, at, at+1)
	for _, p := range []*int{&w.protoAt, &w.familyAt, &w.low.at} {
		if *p == at {
			*p = -1
		} else if *p > at {
			*p--
		}
	}
}

func (w *ruleWriter) expr(e *inspect.NFExpr) {
	switch e.Name {
	case "meta", "ct", "fib", "rt", "socket", "payload", "exthdr":
		w.load(e)
	case "bitwise":
		o := w.regs[register(e.Sreg)]
		if e.Op == "" {
			o.mask = e.Mask
		} else {
			o.text, o.kind = "("+o.text+" "+e.Op+" "+hexText(e.Data)+")", valueHex
		}
		w.regs[register(e.Dreg)] = o
	case "byteorder":
		w.regs[register(e.Dreg)] = w.regs[register(e.Sreg)]
	case "immediate":
		if e.Verdict != nil {
			w.say("%s", verdictText(e.Verdict))
			return
		}
		w.regs[register(e.Dreg)] = operand{kind: valueImmediate, value: e.Data}
	case "cmp", "range", "lookup":
		w.compare(e)
	default:
		w.action(e)
	}
}

// load puts what an expression reads into a register, or, for those that
// write, says so.
func (w *ruleWriter) load(e *inspect.NFExpr) {
	o := w.operandOf(e)
	if e.Sreg != 0 {
		w.say("%s set %s", o.text, w.valueText(o, w.regs[register(e.Sreg)].value))
		return
	}
	w.regs[register(e.Dreg)] = o
}

func (w *ruleWriter) operandOf(e *inspect.NFExpr) operand {
	switch e.Name {
	case "meta":
		return metaOperand(e.Key)
	case "ct":
		return ctOperand(e)
	case "fib":
		return fibOperand(e)
	case "payload":
		return w.payloadOperand(e)
	case "exthdr":
		return operand{text: fmt.Sprintf("exthdr %s %s @%d,%d", e.Key, e.Type, e.Offset*8, e.Len*8), kind: valueHex}
	}
	return operand{text: e.Name + " " + e.Key, kind: valueHex}
}

func metaOperand(key string) operand {
	switch key {
	case "iifname", "oifname", "ibrname", "obrname":
		return operand{text: key, kind: valueName}
	case "iif", "oif", "iifgroup", "oifgroup", "skuid", "skgid", "length", "cpu":
		return operand{text: "meta " + key, kind: valueNumber}
	case "l4proto":
		return operand{text: "meta l4proto", kind: valueProtocol}
	case "nfproto":
		return operand{text: "meta nfproto", kind: valueFamily}
	}
	return operand{text: "meta " + key, kind: valueHex}
}

func ctOperand(e *inspect.NFExpr) operand {
	text := "ct " + e.Key
	if e.Type != "" {
		text = "ct " + e.Type + " " + e.Key
	}
	switch e.Key {
	case "state":
		return operand{text: text, kind: valueState}
	case "status":
		return operand{text: text, kind: valueStatus}
	case "saddr", "daddr", "ip saddr", "ip daddr", "ip6 saddr", "ip6 daddr":
		return operand{text: text, kind: valueAddress}
	case "proto-src", "proto-dst":
		return operand{text: text, kind: valuePort}
	}
	return operand{text: text, kind: valueHex}
}

// fibOperand is a look-up of the routes: which part of the packet is looked
// up (NFTA_FIB_F_*), and what of the answer is taken.
func fibOperand(e *inspect.NFExpr) operand {
	var from []string
	for i, name := range []string{"saddr", "daddr", "mark", "iif", "oif"} {
		if e.Flags&(1<<i) != 0 {
			from = append(from, name)
		}
	}
	kind := valueHex
	switch e.Key {
	case "type":
		kind = valueRouteType
	case "oifname":
		kind = valueName
	case "oif":
		kind = valueNumber
	}
	return operand{text: "fib " + strings.Join(from, " . ") + " " + e.Key, kind: kind}
}

// payloadOperand names a part of the packet's headers.
func (w *ruleWriter) payloadOperand(e *inspect.NFExpr) operand {
	raw := operand{text: fmt.Sprintf("@%s,%d,%d", map[string]string{"link": "ll", "network": "nh", "transport": "th", "inner": "ih"}[e.Base], e.Offset*8, e.Len*8), kind: valueHex}
	switch e.Base {
	case "network":
		return w.networkOperand(e, raw)
	case "transport":
		name := w.proto
		if name == "" {
			name = "th"
		}
		switch {
		case e.Offset == 0 && e.Len == 2 && name != "icmp":
			w.drop(w.protoAt)
			return operand{text: name + " sport", kind: valuePort}
		case e.Offset == 2 && e.Len == 2 && name != "icmp":
			w.drop(w.protoAt)
			return operand{text: name + " dport", kind: valuePort}
		case e.Offset == 13 && e.Len == 1 && name == "tcp":
			w.drop(w.protoAt)
			return operand{text: "tcp flags", kind: valueTCPFlags}
		case e.Offset == 0 && e.Len == 1 && strings.HasPrefix(name, "icmp"):
			w.drop(w.protoAt)
			return operand{text: name + " type", kind: valueNumber}
		}
	case "link":
		switch {
		case e.Offset == 0 && e.Len == 6:
			return operand{text: "ether daddr", kind: valueMAC}
		case e.Offset == 6 && e.Len == 6:
			return operand{text: "ether saddr", kind: valueMAC}
		}
	}
	return raw
}

// networkOperand names a part of the IP header. An address of which only the
// first bytes are read is a prefix.
func (w *ruleWriter) networkOperand(e *inspect.NFExpr, raw operand) operand {
	name, size, saddr, daddr := "ip", uint32(4), uint32(12), uint32(16)
	if w.v6() {
		name, size, saddr, daddr = "ip6", 16, 8, 24
	}
	switch {
	case e.Offset == saddr && e.Len <= size:
		w.drop(w.familyAt)
		return operand{text: name + " saddr", kind: valueAddress, width: e.Len}
	case e.Offset == daddr && e.Len <= size:
		w.drop(w.familyAt)
		return operand{text: name + " daddr", kind: valueAddress, width: e.Len}
	case name == "ip" && e.Offset == 9 && e.Len == 1:
		w.drop(w.familyAt)
		return operand{text: "ip protocol", kind: valueProtocol}
	case name == "ip6" && e.Offset == 6 && e.Len == 1:
		w.drop(w.familyAt)
		return operand{text: "ip6 nexthdr", kind: valueProtocol}
	}
	return raw
}

func (w *ruleWriter) v6() bool {
	return w.r.Family == inspect.NFIPv6 || w.family == "ipv6"
}

// compare writes a comparison of a register with a value, a range or a set.
func (w *ruleWriter) compare(e *inspect.NFExpr) {
	o := w.regs[register(e.Sreg)]
	switch e.Name {
	case "lookup":
		w.lookup(e, o)
		return
	case "range":
		w.say("%s%s %s-%s", o.text, opText(e.Op), w.valueText(o, e.Data), w.valueText(o, e.To))
		return
	}
	bits := o.kind == valueState || o.kind == valueStatus
	switch {
	case bits && e.Op == "!=" && allZero(e.Data) && o.mask != nil:
		w.say("%s %s", o.text, w.valueText(o, o.mask))
	case o.mask != nil && o.kind == valueAddress:
		w.say("%s%s %s", o.text, opText(e.Op), prefixText(e.Data, o.mask))
	case o.mask != nil && o.kind == valueTCPFlags && len(e.Data) == 1 && len(o.mask) == 1:
		w.say("%s%s %s / %s", o.text, opText(e.Op), tcpFlags(e.Data[0]), tcpFlags(o.mask[0]))
	case o.mask != nil:
		w.say("%s & %s%s %s", o.text, hexText(o.mask), orEqual(e.Op), hexText(e.Data))
	case e.Op == "<=" && w.low.text == o.text && w.low.at == len(w.out)-1:
		// A range is two comparisons.
		w.out[w.low.at] += "-" + w.valueText(o, e.Data)
		w.out[w.low.at] = strings.Replace(w.out[w.low.at], o.text+" >= ", o.text+" ", 1)
	default:
		w.say("%s%s %s", o.text, opText(e.Op), w.valueText(o, e.Data))
	}
	if e.Op == ">=" {
		w.low.text, w.low.at = o.text, len(w.out)-1
	}
	if e.Op != "==" {
		return
	}
	switch o.kind {
	case valueProtocol:
		w.proto, w.protoAt = w.valueText(o, e.Data), len(w.out)-1
	case valueFamily:
		w.family, w.familyAt = w.valueText(o, e.Data), len(w.out)-1
	}
}
