package filter

import (
	"fmt"
	"strings"

	"nsinspect/inspect"
)

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
