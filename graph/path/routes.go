package path

import (
	"cmp"
	"net/netip"
	"slices"

	"nsinspect/inspect"
)

// reconstruct answers from the recorded rules and routes as the kernel would,
// with what it checks of packets that come in: forwarding and the reverse path.
func reconstruct(n *inspect.Network, q RouteQuery) RouteAnswer {
	a := lookup(n, q)
	if q.Iif == 0 || a.Refused != "" || a.Type == "broadcast" {
		return a
	}
	if a.Type != "local" && !forwarding(n, q) {
		return RouteAnswer{Refused: "EHOSTUNREACH"}
	}
	if strict, loose := reversePath(n, q.Iif); q.Dst.Is4() && (strict || loose) {
		back := lookup(n, RouteQuery{Dst: q.Src, Mark: q.Mark})
		if back.Refused != "" || strict && back.Oif != q.Iif {
			return RouteAnswer{Refused: "EINVAL"}
		}
	}
	return a
}

// lookups returns filter.Query.Lookup of a namespace: what its rules themselves
// ask the routes for.
func (w *tracer) lookups(n *inspect.Network) func(to, from netip.Addr, dev int, mark uint32) (*inspect.Interface, bool) {
	return func(to, from netip.Addr, dev int, mark uint32) (*inspect.Interface, bool) {
		q := RouteQuery{Dst: to, Oif: dev, Mark: mark}
		r, err := w.ask(n, q)
		if q.Src = from; err == nil && bySource(n, to) { // for which the kernel takes only its own addresses
			r = lookup(n, q)
		}
		switch out := n.Interface(r.Oif); {
		case err != nil || r.Ways > 1 && dev == 0:
			return nil, false
		case r.Refused != "" || r.Type != "unicast":
			return nil, true
		case dev != 0:
			return n.Interface(dev), true
		default:
			return out, out != nil
		}
	}
}

// bySource reports whether policy rules look at sources.
func bySource(n *inspect.Network, to netip.Addr) bool {
	return slices.ContainsFunc(n.Rules, func(r inspect.PolicyRule) bool { return r.Family == familyOf(to) && r.Src.IsValid() })
}

// forwarding reports whether packets that come in through an interface are
// passed on.
func forwarding(n *inspect.Network, q RouteQuery) bool {
	for _, c := range n.Conf {
		index := q.Iif
		if q.Dst.Is6() {
			index = inspect.ConfAll
		}
		if c.Family == familyOf(q.Dst) && c.Index == index {
			return c.Forwarding
		}
	}
	return true
}

// reversePath says how the source of packets is checked: the higher of "all"
// and the interface's own counts.
func reversePath(n *inspect.Network, iif int) (strict, loose bool) {
	mode := uint8(0)
	for _, c := range n.Conf {
		if c.RPFilter != nil && (c.Index == iif || c.Index == inspect.ConfAll) {
			mode = max(mode, *c.RPFilter)
		}
	}
	return mode == 1, mode == 2
}

func familyOf(a netip.Addr) inspect.Family {
	if a.Is6() {
		return inspect.FamilyIPv6
	}
	return inspect.FamilyIPv4
}

// defaultRules are what the kernel has from the start.
func defaultRules(f inspect.Family) []inspect.PolicyRule {
	return []inspect.PolicyRule{
		{Family: f, Action: "lookup", Table: 255},
		{Family: f, Priority: 32766, Action: "lookup", Table: 254},
		{Family: f, Priority: 32767, Action: "lookup", Table: 253},
	}
}

// lookup goes through the policy rules to the first table that has a route.
func lookup(n *inspect.Network, q RouteQuery) RouteAnswer {
	f := familyOf(q.Dst)
	var rules []inspect.PolicyRule
	for _, r := range n.Rules {
		if r.Family == f {
			rules = append(rules, r)
		}
	}
	if rules == nil {
		rules = defaultRules(f)
	}
	skip := uint32(0)
	for i := range rules {
		r := &rules[i]
		if r.Priority < skip || !selects(n, r, q) {
			continue
		}
		switch r.Action {
		case "goto":
			skip = r.Goto
		case "blackhole":
			return RouteAnswer{Type: r.Action, Refused: "EINVAL"}
		case "unreachable":
			return RouteAnswer{Type: r.Action, Refused: "ENETUNREACH"}
		case "prohibit":
			return RouteAnswer{Type: r.Action, Refused: "EACCES"}
		case "lookup":
			if a, ok := inTable(n, r, q); ok {
				return a
			}
		}
	}
	return RouteAnswer{Refused: "ENETUNREACH"}
}

// selects reports whether a rule is for the packet. A port that is not known
// is in no range.
func selects(n *inspect.Network, r *inspect.PolicyRule, q RouteQuery) bool {
	iif, oif := "lo", ""
	if i := n.Interface(q.Iif); i != nil {
		iif = i.Name
	}
	if i := n.Interface(q.Oif); i != nil {
		oif = i.Name
	}
	in := func(p uint16, r *[2]uint16) bool { return r == nil || r[0] <= p && p <= r[1] }
	ok := (!r.Src.IsValid() || q.Src.IsValid() && r.Src.Contains(q.Src)) && (!r.Dst.IsValid() || r.Dst.Contains(q.Dst)) &&
		(r.Iif == "" || r.Iif == iif) && (r.Oif == "" || r.Oif == oif) && (q.Mark^r.Mark)&cmp.Or(r.Mask, r.Mark) == 0 &&
		(r.IPProto == 0 || r.IPProto == q.Proto) && in(q.SrcPort, r.Sport) && in(q.DstPort, r.Dport) && !r.L3mdev && r.TOS == 0
	return ok != r.Not
}

// inTable finds the route with the longest prefix, of these the one with the
// lowest metric.
func inTable(n *inspect.Network, r *inspect.PolicyRule, q RouteQuery) (RouteAnswer, bool) {
	var best *inspect.Route
	for i := range n.Routes {
		t := &n.Routes[i]
		if t.Table != r.Table || t.Family != familyOf(q.Dst) || !t.Dst.Contains(q.Dst) || dead(t) || !through(t, q.Oif) {
			continue
		}
		if best == nil || t.Dst.Bits() > best.Dst.Bits() || t.Dst.Bits() == best.Dst.Bits() && t.Metric < best.Metric {
			best = t
		}
	}
	if best == nil || best.Type == "throw" || r.SuppressPrefix != nil && best.Dst.Bits() <= int(*r.SuppressPrefix) {
		return RouteAnswer{}, false
	}
	a := RouteAnswer{Type: best.Type, Table: best.Table, Prefix: best.Dst, Prefsrc: best.Prefsrc, MTU: best.MTU, Ways: len(best.Hops)}
	a.Refused = map[string]string{"blackhole": "EINVAL", "unreachable": "EHOSTUNREACH", "prohibit": "EACCES"}[best.Type]
	if len(best.Hops) > 0 {
		a.Via, a.Oif = best.Hops[0].Via, best.Hops[0].Oif
	}
	if !a.Prefsrc.IsValid() {
		a.Prefsrc = sourceFor(n.Interface(a.Oif), cmp.Or(a.Via, q.Dst))
	}
	return a, true
}

// through reports whether a route leads through an interface; 0 is any.
func through(r *inspect.Route, oif int) bool {
	return oif == 0 || slices.ContainsFunc(r.Hops, func(h inspect.Hop) bool { return h.Oif == oif })
}

func dead(r *inspect.Route) bool {
	return len(r.Hops) > 0 && !slices.ContainsFunc(r.Hops, func(h inspect.Hop) bool { return h.Flags&1 == 0 })
}

// sourceFor is the address that an interface sends from to an address: the
// first in its network, else the first that is global.
func sourceFor(i *inspect.Interface, to netip.Addr) (out netip.Addr) {
	if i == nil {
		return out
	}
	for _, a := range i.Addrs {
		ip := a.Prefix.Addr()
		switch {
		case ip.Is4() != to.Is4() || !usable(a):
		case a.Prefix.Contains(to):
			return ip
		case !out.IsValid() && a.Scope == "global":
			out = ip
		}
	}
	return out
}

// masquerade is the address that packets get which leave through an interface
// to a next hop: one of its global addresses, else the first of another
// interface, as inet_select_addr() of the kernel chooses.
func masquerade(n *inspect.Network, out *inspect.Interface, hop netip.Addr) netip.Addr {
	if a := sourceFor(global(out), hop); a.IsValid() {
		return a
	}
	for i := range n.Interfaces {
		if a := sourceFor(global(&n.Interfaces[i]), hop); a.IsValid() {
			return a
		}
	}
	return netip.Addr{}
}

// global is an interface with its global addresses alone.
func global(i *inspect.Interface) *inspect.Interface {
	return &inspect.Interface{Addrs: slices.DeleteFunc(slices.Clone(i.Addrs), func(a inspect.Addr) bool { return a.Scope != "global" })}
}

// usable reports whether an address is in use: of IPv6 it is not while, or
// because, another host may have it (IFA_F_TENTATIVE without
// IFA_F_OPTIMISTIC, IFA_F_DADFAILED of linux/if_addr.h).
func usable(a inspect.Addr) bool {
	const optimistic, failed, tentative = 0x04, 0x08, 0x40
	return a.Flags&failed == 0 && a.Flags&(tentative|optimistic) != tentative
}

// has reports whether an interface has an address in use.
func has(i *inspect.Interface, ip netip.Addr) bool {
	return slices.ContainsFunc(i.Addrs, func(a inspect.Addr) bool { return a.Prefix.Addr() == ip && usable(a) })
}

// owns reports whether a namespace has an address in use.
func owns(n *inspect.Network, ip netip.Addr) bool {
	for i := range n.Interfaces {
		if has(&n.Interfaces[i], ip) {
			return true
		}
	}
	return false
}
