package graph

import (
	"net/netip"

	"nsinspect/inspect"
)

// DNAT is a rule that sends packets for a port of the host to one address.
type DNAT struct {
	Rule *inspect.NFRule
	inspect.PublishedPort
	To netip.Addr
	// Text is the rule with its place, as nft lists it, or where the older
	// iptables has it.
	Text string
}

// DNATs finds the rules of a ruleset that translate a destination to one
// address. Rules that take it from a map are not among them.
func DNATs(rs *inspect.Ruleset) (out []DNAT) {
	for _, d := range dnats(rs) {
		r := d.rule
		out = append(out, DNAT{
			Rule: r, PublishedPort: d.published(), To: d.to,
			Text: PlaceOfRule(r).Tell(RuleText(rs, r)),
		})
	}
	return out
}
