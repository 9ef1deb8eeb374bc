package doctor

import (
	"cmp"
	"fmt"
	"net/netip"

	"nsinspect/inspect"
)

// mainPriority is the priority of the rule that looks up the main table.
const mainPriority = 32766

func policyRule(e *exam) {
	e.each(func(b *bridge) {
		if !b.Up() || b.Master != 0 {
			return
		}
		type hit struct {
			rule *inspect.PolicyRule
			to   *inspect.Route // nil: the rule itself refuses
		}
		found := map[hit][]*station{}
		var order []hit
		for _, s := range b.stations {
			for _, f := range families() {
				a := s.on(b, f)
				if !a.IsValid() {
					continue
				}
				rule, r := b.hijacked(a)
				if rule == nil {
					rule = b.refused(a)
				}
				if rule == nil {
					continue
				}
				h := hit{rule, r}
				if found[h] == nil {
					order = append(order, h)
				}
				found[h] = append(found[h], s)
			}
		}
		for _, h := range order {
			e.hijack(b, h.rule, h.to, found[h])
		}
	})
}

// general reports whether a rule takes packets without regard to marks,
// ports, users and the like, which a packet of no special kind does not have.
func general(r *inspect.PolicyRule, f inspect.Family) bool {
	return r.Family == f && !r.Not && r.Mark == 0 && r.Mask == 0 && r.TOS == 0 && r.UIDs == nil && r.IPProto == 0 &&
		r.Sport == nil && r.Dport == nil && !r.L3mdev && r.Oif == "" && r.Priority < mainPriority
}

// hijacked returns the rule that sends packets for a, which come from
// anywhere, not to the bridge, and the route that it finds.
func (b *bridge) hijacked(a netip.Addr) (*inspect.PolicyRule, *inspect.Route) {
	for i := range b.sp.Rules {
		r := &b.sp.Rules[i]
		if !general(r, familyOf(a)) || r.Iif != "" || r.Src.IsValid() && r.Src.Bits() > 0 || r.Dst.IsValid() && !r.Dst.Contains(a) {
			continue
		}
		if refuses(r.Action) {
			return r, nil
		}
		to := b.sp.lookup(r, a)
		switch {
		case to == nil:
		case leaves(to, b.Index):
			return nil, nil
		case to.Type == "local" || to.Type == "throw":
		default:
			return r, to
		}
	}
	return nil, nil
}

// refused returns the rule that refuses packets of a that come in by the
// bridge.
func (b *bridge) refused(a netip.Addr) *inspect.PolicyRule {
	for i := range b.sp.Rules {
		r := &b.sp.Rules[i]
		if general(r, familyOf(a)) && !(r.Dst.IsValid() && r.Dst.Bits() > 0) && (r.Iif == "" || r.Iif == b.Name) &&
			(!r.Src.IsValid() || r.Src.Contains(a)) && refuses(r.Action) {
			return r
		}
	}
	return nil
}

func refuses(action string) bool {
	return action == "blackhole" || action == "unreachable" || action == "prohibit"
}

// lookup returns what a rule finds for an address, nil when it goes on to the
// next.
func (sp *space) lookup(r *inspect.PolicyRule, a netip.Addr) *inspect.Route {
	if r.Action != "lookup" {
		return nil
	}
	to := sp.best(r.Table, a)
	if to != nil && r.SuppressPrefix != nil && to.Dst.Bits() <= int(*r.SuppressPrefix) {
		return nil
	}
	return to
}

func (e *exam) hijack(b *bridge, r *inspect.PolicyRule, to *inspect.Route, list []*station) {
	a, say := list[0].on(b, r.Family), speak(r.Family)
	f := Finding{
		Object: b.object(), Namespaces: concerned(b, list),
		Cause:    fmt.Sprintf("rule \"%s\" refuses packets of %s", ruleText(r), titles(list)),
		Evidence: []Evidence{fact(b.sp.command("%s rule", say.ip), ruleText(r))},
	}
	if to != nil {
		f.Cause = fmt.Sprintf("rule \"%s\" finds \"%s\" before the main table is asked: packets for %s go there", ruleText(r), b.sp.routeText(to), titles(list))
		f.Evidence = append(f.Evidence, fact(b.sp.command("%s route show table %d", say.ip, r.Table), b.sp.routeText(to)))
	}
	f.Evidence = append(f.Evidence, fact("", fmt.Sprintf("%s has %s and hangs on %s", list[0].sp.title, a, b.Name)))
	subnet := b.subnet(a).Masked()
	if r.Priority > 0 && to != nil {
		f.Fix = &Fix{"have the main table asked first for this network", b.sp.command("%s rule add to %s lookup main priority %d", say.ip, subnet, r.Priority-1)}
	} else {
		f.Fix = &Fix{Text: "remove the rule, if nothing else needs it"}
	}
	e.find(f)
}

// ruleText writes a rule as ip-rule(8) lists it.
func ruleText(r *inspect.PolicyRule) string {
	from, to := "all", ""
	if r.Src.IsValid() && r.Src.Bits() > 0 {
		from = prefixText(r.Src)
	}
	if r.Dst.IsValid() && r.Dst.Bits() > 0 {
		to = "to " + prefixText(r.Dst)
	}
	iif := ""
	if r.Iif != "" {
		iif = "iif " + r.Iif
	}
	action := cmp.Or(r.Action, "lookup")
	if action == "lookup" {
		action = fmt.Sprintf("lookup %d", r.Table)
	}
	return trimmed(fmt.Sprintf("%d: from %s", r.Priority, from), to, iif, action)
}

// prefixText writes a prefix as ip(8) does: without the length of a single
// address.
func prefixText(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}
