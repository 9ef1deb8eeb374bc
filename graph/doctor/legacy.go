package doctor

import (
	"slices"
	"strings"

	"nsinspect/graph"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// listing is the command that lists the chain of a rule that decided.
func (sp *space) listing(p graph.RulePlace) string { return sp.command("%s", p.List()) }

// deciding is the command that lists the chain whose policy or rule decided.
func (sp *space) deciding(r filter.Result) string { return sp.listing(r.Rule.Place()) }

// iptables is the program that changes Docker's rules there: where they are in
// the older tables, the one that the host has by the name iptables may be
// another.
func (sp *space) iptables(say dialect) string {
	if sp.rules == nil {
		return say.iptables
	}
	older, newer := false, false
	for i := range sp.rules.Chains {
		c := &sp.rules.Chains[i]
		switch {
		case c.Family != say.nf:
		case c.Name == "DOCKER":
			return graph.PlaceOfChain(c).Iptables()
		case c.Legacy:
			older = true
		default:
			newer = true
		}
	}
	if older && !newer {
		return say.iptables + "-legacy"
	}
	return say.iptables
}

// listRules is the command that lists all rules.
func (sp *space) listRules() string {
	var older, newer bool
	if sp.rules != nil {
		for i := range sp.rules.Tables {
			older, newer = older || sp.rules.Tables[i].Legacy, newer || !sp.rules.Tables[i].Legacy
		}
	}
	switch {
	case older && newer:
		return sp.commands("nft list ruleset", "iptables-legacy-save")
	case older:
		return sp.command("iptables-legacy-save")
	}
	return sp.command("nft list ruleset")
}

// iptablesLegacy finds rules in both. Tables of the older iptables that have
// none do nothing, and are there for a look alone.
func iptablesLegacy(e *exam) {
	for _, sp := range e.spaces {
		if sp.rules == nil {
			continue
		}
		older := legacyTables(sp.rules)
		if len(older) == 0 || !slices.ContainsFunc(sp.rules.Rules, func(r inspect.NFRule) bool {
			return !r.Legacy && (r.Table == "filter" || r.Table == "nat")
		}) {
			continue
		}
		f := Finding{
			Object: "rules" + sp.of(), Namespaces: inodes(sp),
			Cause: "nf_tables has rules, and these tables of the older iptables have some too: " + strings.Join(older, ", "),
			Fix:   &Fix{Text: "write all rules with one of the two (update-alternatives --config iptables), then restart what writes them"},
		}
		for i, tool := range []string{"iptables-legacy-save", "ip6tables-legacy-save"} {
			tables := slices.DeleteFunc(slices.Clone(older), func(t string) bool { return strings.HasPrefix(t, "ip6 ") != (i == 1) })
			if len(tables) > 0 {
				f.Evidence = append(f.Evidence, fact(sp.command("%s", tool), "rules in "+strings.Join(tables, ", ")))
			}
		}
		f.Evidence = append(f.Evidence, fact(sp.command("nft list ruleset"), "rules in nf_tables"))
		e.find(f)
	}
}

// legacyTables are the tables of the older iptables that do something to
// packets, or may: "ip filter".
func legacyTables(rs *inspect.Ruleset) (out []string) {
	add := func(word string) {
		if !slices.Contains(out, word) {
			out = append(out, word)
		}
	}
	for i := range rs.Chains {
		if c := &rs.Chains[i]; c.Legacy && c.Policy == "drop" {
			add(c.Family.String() + " " + c.Table)
		}
	}
	for i := range rs.Rules {
		if r := &rs.Rules[i]; r.Legacy {
			add(r.Family.String() + " " + r.Table)
		}
	}
	for _, l := range rs.Legacy {
		family, tables, _ := strings.Cut(l, ": ")
		for _, t := range strings.Fields(tables) {
			add(family + " " + t + " (not read)")
		}
	}
	slices.Sort(out)
	return out
}
