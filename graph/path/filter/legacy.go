package filter

import (
	"fmt"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// orders are the base chains of the hook in each order in which they may run.
// Of chains with equal priority the kernel runs the one first that was
// registered last. When that was is seen nowhere, so a chain of the older
// iptables is tried at each place among its equals.
func (w *walk) orders() [][]*inspect.NFChain {
	all := [][]*inspect.NFChain{w.bases()}
	for _, c := range all[0] {
		if !c.Legacy {
			continue
		}
		var more [][]*inspect.NFChain
		for _, order := range all {
			more = append(more, w.moved(order, c)...)
		}
		all = more
	}
	return all
}

// moved are the orders with a chain before, among and behind those that may
// run on either side of it.
func (w *walk) moved(order []*inspect.NFChain, c *inspect.NFChain) (out [][]*inspect.NFChain) {
	same := func(o *inspect.NFChain) bool { return w.before(o, c) == 0 }
	rest := slices.DeleteFunc(slices.Clone(order), func(o *inspect.NFChain) bool { return o == c })
	first := slices.IndexFunc(order, same)
	for at := first; at <= len(rest); at++ {
		out = append(out, slices.Insert(slices.Clone(rest), at, c))
		if at == len(rest) || !same(rest[at]) {
			break
		}
	}
	return out
}

// together is the result of all orders: where they do not agree it is unknown.
func together(results []Result) Result {
	r := results[0]
	for i := range results[1:] {
		o := &results[i+1]
		if o.Verdict == r.Verdict && samePacket(&o.Packet, &r.Packet) && o.Conn == r.Conn {
			continue
		}
		if o.Verdict.Stops() && r.Verdict.Stops() {
			continue
		}
		if r.Verdict != Unknown {
			r.Verdict, r.Rule = Unknown, firstRule(r.Rule, o.Rule)
			r.Reason = "rules of the older iptables and of nf_tables have the same priority, and which run first is not known"
		}
	}
	return r
}

func firstRule(a, b *Rule) *Rule {
	if a != nil {
		return a
	}
	return b
}

// samePacket compares what rules see of two packets.
func samePacket(a, b *Packet) bool {
	x, y := *a, *b
	x.UID, y.UID = nil, nil
	return x == y
}

// legacy takes into account the tables of the older iptables that could not
// be read: where they have a chain at the hook, the packet may be stopped there.
func (w *walk) legacy(r *Result) {
	family, tool := "ip: ", "iptables-legacy"
	if w.packet.Dst.Is6() {
		family, tool = "ip6: ", "ip6tables-legacy"
	}
	if w.q.Bridge || w.q.Netdev {
		return
	}
	for _, l := range w.rs.Legacy {
		tables, ok := strings.CutPrefix(l, family)
		for _, t := range strings.Fields(tables) {
			if ok && legacyHook(t, w.q.Hook) {
				r.Verdict, r.Rule = Unknown, nil
				r.Reason = fmt.Sprintf("table %s of the older iptables (%s -t %[1]s -S) is loaded and could not be read", t, tool)
				return
			}
		}
	}
}

// legacyHook reports whether a table of iptables(8) has a chain at a hook.
func legacyHook(table, hook string) bool {
	switch table {
	case "filter", "security":
		return hook == "input" || hook == "forward" || hook == "output"
	case "nat":
		return hook != "forward"
	case "raw":
		return hook == "prerouting" || hook == "output"
	}
	return true
}

// chainWord names a base chain: "ip filter FORWARD", and behind a table of the
// older iptables that it is one.
func chainWord(c *inspect.NFChain) string {
	if c.Legacy {
		return fmt.Sprintf("%s %s %s (legacy)", c.Family, c.Table, c.Name)
	}
	return fmt.Sprintf("%s %s %s", c.Family, c.Table, c.Name)
}
