package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nsinspect/inspect"
)

func routingChecks() []Check {
	return []Check{
		{
			ID: "ip-forward", Title: "the host does not forward packets of its containers", Severity: Fault,
			About: "A bridge is the gateway of containers, and forwarding is off for packets that come in by it: they reach the host and nothing beyond. " +
				"For IPv6 the setting of all interfaces together counts, or force_forwarding of the bridge. Networks that Docker made internal are not reported. Seen when a tool loads its own sysctl settings after Docker turned forwarding on.",
			Reference: "ip-sysctl: net.ipv4.ip_forward, net.ipv6.conf.all.forwarding", Needs: inspect.FactNetwork | inspect.FactRoutes | inspect.FactNetConf, run: ipForward,
		},
		{
			ID: "subnet-shadowed", Title: "the host sends packets for containers elsewhere", Severity: Fault,
			About: "A route of the main table is more specific than the bridge's own, or comes before it, so that replies to containers leave through a VPN or another interface. " +
				"Reported when it covers the address of a container that runs; an overlap alone is not.",
			Reference: "ip-route(8)", Needs: inspect.FactNetwork | inspect.FactRoutes, run: subnetShadowed,
		},
		{
			ID: "default-route", Title: "a container has no default route, or a wrong one", Severity: Fault,
			About: "Its default gateway is an address that nobody on its bridge has, while the bridge has another one; or it has no default route at all, while others on the bridge have one. " +
				"Where nobody has one the network is an internal one, and nothing is reported.",
			Reference: "ip-route(8)", Needs: inspect.FactNetwork | inspect.FactRoutes, run: defaultRoute,
		},
		{
			ID: "policy-rule", Title: "a rule of the routing policy takes away packets for containers, or of them", Severity: Fault,
			About: "A rule before the main table leads packets for a container to a table that sends them elsewhere, as rules of VPNs do that forget local networks; or it refuses packets that come from the container. " +
				"Rules for marked packets, and rules that send containers' own packets through a VPN, are somebody's choice and not reported.",
			Reference: "ip-rule(8)", Needs: inspect.FactNetwork | inspect.FactRoutes, run: policyRule,
		},
		{
			ID: "rp-filter", Title: "strict reverse path filtering drops replies of a published port", Severity: Fault,
			About: "A container in two networks gets packets for a published port in one and answers through the gateway of the other. With rp_filter=1 on that bridge the host drops the answer, because it would not send to the container's address there. " +
				"The value alone is no finding.",
			Reference: "ip-sysctl: rp_filter", Needs: inspect.FactNetwork | inspect.FactRoutes | inspect.FactNetConf | inspect.FactNetfilter, run: rpFilter,
		},
		{
			ID: "ipv6-accept-ra", Title: "forwarding has turned off router advertisements, and the IPv6 default route is gone", Severity: Fault,
			About: "A host that forwards IPv6 ignores router advertisements unless accept_ra is 2. An address that it learned earlier is still there, the default route has run out. " +
				"Hosts on which a daemon takes the advertisements have accept_ra=0 and are not reported.",
			Reference: "ip-sysctl: accept_ra", Needs: inspect.FactNetwork | inspect.FactRoutes | inspect.FactNetConf, run: acceptRA,
		},
	}
}

func ipForward(e *exam) {
	e.each(func(b *bridge) {
		for _, f := range families() {
			if list := b.routed(f); len(list) > 0 && !b.internal() && b.sp.Has(inspect.FactNetConf) {
				e.forwards(b, list, f)
			}
		}
	})
}

func (e *exam) forwards(b *bridge, list []*station, family inspect.Family) {
	c, all := b.sp.conf(family, b.Index), b.sp.conf(family, inspect.ConfAll)
	if c == nil || all == nil && family == inspect.FamilyIPv6 {
		e.unknown(b.object(), "its forwarding setting is not known", b.sp)
		return
	}
	say := speak(family)
	own := "net." + say.sysctl + ".conf." + b.Name + ".forwarding"
	switch {
	case family == inspect.FamilyIPv6:
		// The setting of an interface only says whether it acts as a router's;
		// of all, whether packets are forwarded, but for force_forwarding.
		if all.Forwarding || b.sp.Sysctls["net.ipv6.conf."+b.Name+".force_forwarding"] == "1" {
			return
		}
	case c.Forwarding:
		return
	}
	f := Finding{
		Object: b.object(), Namespaces: concerned(b, list),
		Cause: fmt.Sprintf("it is the gateway of %s, and forwarding is off for %s that come in by it", titles(list), say.packets),
	}
	if !c.Forwarding {
		f.Evidence = []Evidence{fact(b.sp.command("sysctl %s", word(slashes(own, b.Name))), "forwarding of "+b.Name+" is 0")}
		f.Fix = &Fix{"turn it on for this bridge; then look in /etc/sysctl.d for what turned it off", b.sp.command("sysctl -w %s=1", word(slashes(own, b.Name)))}
	}
	if all != nil && !all.Forwarding {
		name := map[inspect.Family]string{inspect.FamilyIPv4: "net.ipv4.ip_forward", inspect.FamilyIPv6: "net.ipv6.conf.all.forwarding"}[family]
		f.Evidence = append(f.Evidence, fact(b.sp.command("sysctl %s", name), name+" is 0"))
		f.Fix = &Fix{"turn it on; then look in /etc/sysctl.d for what turned it off", b.sp.command("sysctl -w %s=1", name)}
		if family == inspect.FamilyIPv6 {
			f.Fix.Text += ". Where the host has its own IPv6 route from router advertisements, set accept_ra=2 on its uplink first"
		}
	}
	e.find(f)
}

// slashes writes the name of a setting of an interface as sysctl(8) takes it
// where the interface has a dot in its name.
func slashes(name, iface string) string {
	before, after, _ := strings.Cut(name, "."+iface+".")
	return strings.ReplaceAll(before, ".", "/") + "/" + iface + "/" + after
}

func subnetShadowed(e *exam) {
	e.each(func(b *bridge) {
		if !b.Up() || b.Master != 0 || !b.sp.Has(inspect.FactRoutes) {
			return // a bridge that is down has no routes; in a vrf it has a table of its own
		}
		type way struct {
			*inspect.Route // nil: none
			family         inspect.Family
		}
		wrong := map[way][]*station{}
		var order []way
		for _, s := range b.stations {
			for _, a := range s.Addrs {
				to := a.Prefix.Addr()
				if !b.covers(to) {
					continue
				}
				r := b.sp.best(mainTable, to)
				if r != nil && (leaves(r, b.Index) || r.Nexthop != 0 && len(r.Hops) == 0) {
					continue
				}
				k := way{r, familyOf(to)}
				if wrong[k] == nil {
					order = append(order, k)
				}
				wrong[k] = append(wrong[k], s)
			}
		}
		for _, k := range order {
			e.shadowed(b, k.Route, k.family, wrong[k])
		}
	})
}

func (e *exam) shadowed(b *bridge, r *inspect.Route, family inspect.Family, list []*station) {
	a, say := list[0].on(b, family), speak(family)
	subnet := b.subnet(a)
	f := Finding{Object: b.object(), Namespaces: concerned(b, list)}
	f.Evidence = append(f.Evidence, fact(b.sp.command("%s route get %s", say.ip, a), fmt.Sprintf("%s has %s and hangs on %s", list[0].sp.title, a, b.Name)))
	if r == nil || r.Dst.Bits() == 0 {
		f.Cause = fmt.Sprintf("the route to %s dev %s is gone: the host does not find %s", subnet.Masked(), b.Name, titles(list))
		f.Evidence = append(f.Evidence, fact(b.sp.command("%s route", say.ip), "no route to "+subnet.Masked().String()))
		f.Fix = &Fix{"add the route again", b.sp.command("%s route add %s dev %s src %s", say.ip, subnet.Masked(), word(b.Name), subnet.Addr())}
		e.find(f)
		return
	}
	f.Cause = fmt.Sprintf("route \"%s\" comes before the bridge's own to %s: packets for %s go there", b.sp.routeText(r), subnet.Masked(), titles(list))
	f.Evidence = append(f.Evidence, fact(b.sp.command("%s route show to match %s", say.ip, a), b.sp.routeText(r)))
	var cmds []string
	for _, s := range list[:min(len(list), 4)] {
		for _, p := range s.addrs(family) {
			if r.Dst.Contains(p.Addr()) && !r.Dst.IsSingleIP() {
				cmds = append(cmds, fmt.Sprintf("%s route add %s/%d dev %s", say.ip, p.Addr(), say.full, word(b.Name)))
			}
		}
	}
	f.Fix = &Fix{Text: "give the containers routes of their own for now; for good, move one of the two networks to another subnet (default-address-pools in daemon.json)"}
	if len(cmds) > 0 {
		f.Fix.Command = b.sp.commands(cmds...)
	}
	e.find(f)
}

func defaultRoute(e *exam) {
	e.each(func(b *bridge) {
		gates, of := b.lost()
		for _, g := range gates {
			if b.covers(g) {
				for _, s := range of[g] {
					e.wrongGateway(b, s, g)
				}
			}
		}
		for _, f := range families() {
			routed := b.routed(f)
			if len(routed) == 0 {
				continue
			}
			for _, s := range b.stations {
				if s.sp.Has(inspect.FactRoutes) && s.Up() && s.on(b, f).IsValid() && len(s.sp.defaults(f)) == 0 && s.sp.plain(s, f) {
					e.noDefault(b, s, routed, f)
				}
			}
		}
	})
}

// on is the address that a station has in the network of its bridge; invalid
// where it has none.
func (s *station) on(b *bridge, f inspect.Family) netip.Addr {
	for _, p := range s.addrs(f) {
		if b.covers(p.Addr()) {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// plain reports whether s is the only interface with an address, and no
// policy leads to other tables: then a missing default route is no choice.
func (sp *space) plain(s *station, f inspect.Family) bool {
	for _, l := range sp.links {
		if l.Index != s.Index && !l.Loopback() && l.first(f).IsValid() {
			return false
		}
	}
	return !slices.ContainsFunc(sp.Rules, func(r inspect.PolicyRule) bool { return r.Action == "lookup" && (r.Table < 253 || r.Table > 255) })
}

func (e *exam) wrongGateway(b *bridge, s *station, g netip.Addr) {
	right, say := b.subnet(g).Addr(), speak(familyOf(g))
	e.find(Finding{
		Object: "interface " + s.name(), Namespaces: concerned(b, []*station{s}),
		Cause: fmt.Sprintf("its default gateway %s is nobody's; bridge %s has %s", g, b.Name, right),
		Evidence: []Evidence{
			fact(s.sp.command("%s route", say.ip), fmt.Sprintf("default via %s dev %s", g, s.Name)),
			fact(b.sp.command("ip address show dev %s", word(b.Name)), fmt.Sprintf("%s has %s", b.Name, right)),
		},
		Fix: &Fix{"point the route to the bridge", s.sp.command("%s route replace default via %s dev %s", say.ip, right, word(s.Name))},
	})
}

func (e *exam) noDefault(b *bridge, s *station, routed []*station, f inspect.Family) {
	say, gate := speak(f), routed[0].gateways(f)[0]
	for _, g := range routed[0].gateways(f) {
		if b.has(g) {
			gate = g
		}
	}
	e.find(Finding{
		Object: "interface " + s.name(), Namespaces: concerned(b, []*station{s}),
		Cause: fmt.Sprintf("it has no default route for %s, while others on bridge %s have: it reaches its own network only", say.name, b.Name),
		Evidence: []Evidence{
			fact(s.sp.command("%s route", say.ip), "no default route"),
			fact(routed[0].sp.command("%s route", say.ip), fmt.Sprintf("%s has default via %s", routed[0].sp.title, gate)),
		},
		Fix: &Fix{"add the route", s.sp.command("%s route add default via %s dev %s", say.ip, gate, word(s.Name))},
	})
}

// rpFilter looks for published ports whose replies come in by another bridge
// than the one that the container's address is on.
func rpFilter(e *exam) {
	e.publishers(func(sp *space) {
		for _, d := range sp.dnats() {
			s := sp.stationAt(d.To)
			if s == nil || !d.To.Is4() || s.sp.policed(d.To) {
				continue
			}
			out := s.sp.uplink(inspect.FamilyIPv4) // of the container: where its replies leave
			if out == nil || out.Index == s.Index || out.peer == nil || out.peer.sp != sp {
				continue
			}
			in := sp.links[out.peer.Master]
			if in == nil || sp.strict(in.Index) != 1 {
				continue
			}
			if back := sp.best(mainTable, d.To); back == nil || leaves(back, in.Index) {
				continue
			}
			e.asymmetric(s, in, out, d)
		}
	})
}

// policed reports whether a rule of the namespace chooses a table by the
// source address a.
func (sp *space) policed(a netip.Addr) bool {
	return slices.ContainsFunc(sp.Rules, func(r inspect.PolicyRule) bool { return r.Src.IsValid() && r.Src.Contains(a) && r.Src.Bits() > 0 })
}

// strict is rp_filter as it counts: the larger of the interface's and all's.
func (sp *space) strict(index int) uint8 {
	v := uint8(0)
	for _, i := range []int{index, inspect.ConfAll} {
		if c := sp.conf(inspect.FamilyIPv4, i); c != nil && c.RPFilter != nil {
			v = max(v, *c.RPFilter)
		}
	}
	return v
}

func (e *exam) asymmetric(s *station, in, out *link, d dnat) {
	e.find(Finding{
		Object: "container " + s.sp.title, Namespaces: concerned(s.bridge, []*station{s}),
		Cause: fmt.Sprintf("port %s leads to %s on %s, and the answers leave by %s to %s, where strict rp_filter drops them", d.Label(), d.To, s.bridge.Name, out.Name, in.Name),
		Evidence: []Evidence{
			fact(s.bridge.sp.listing(d.place()), d.Text),
			fact(s.sp.command("ip route"), "the default route of "+s.sp.title+" leaves by "+out.Name),
			fact(in.sp.command("sysctl net/ipv4/conf/%s/rp_filter net.ipv4.conf.all.rp_filter", word(in.Name)), "rp_filter of "+in.Name+" is 1, strict"),
		},
		Fix: &Fix{"take any known source on that bridge", in.sp.command("sysctl -w net/ipv4/conf/%s/rp_filter=2", word(in.Name))},
	})
}

// addrPermanent is IFA_F_PERMANENT of linux/if_addr.h: not learned.
const addrPermanent = 0x80

func acceptRA(e *exam) {
	for _, sp := range e.spaces {
		if len(sp.defaults(inspect.FamilyIPv6)) > 0 || !sp.Has(inspect.FactRoutes|inspect.FactNetConf) {
			continue
		}
		for i := range sp.Interfaces {
			l := sp.links[sp.Interfaces[i].Index]
			c := sp.conf(inspect.FamilyIPv6, l.Index)
			name := "net.ipv6.conf." + l.Name + ".accept_ra"
			if c == nil || !c.Forwarding || sp.Sysctls[name] != "1" || !learned(l) {
				continue
			}
			e.find(Finding{
				Object: "interface " + l.name(), Namespaces: inodes(sp),
				Cause: "it has an IPv6 address from router advertisements, which the host ignores since forwarding is on: there is no IPv6 default route",
				Evidence: []Evidence{
					fact(sp.command("sysctl net/ipv6/conf/%s/accept_ra net/ipv6/conf/%[1]s/forwarding", word(l.Name)), "accept_ra is 1, forwarding is 1"),
					fact(sp.command("ip -6 route show default"), "no IPv6 default route"),
				},
				Fix: &Fix{"take advertisements although it forwards", sp.command("sysctl -w net/ipv6/conf/%s/accept_ra=2", word(l.Name))},
			})
		}
	}
}

// learned reports whether an interface has a global IPv6 address that it did
// not get for good.
func learned(l *link) bool {
	return slices.ContainsFunc(l.Addrs, func(a inspect.Addr) bool {
		return a.Prefix.Addr().Is6() && a.Scope == "global" && a.Flags&addrPermanent == 0
	})
}

// trimmed joins words that may be empty.
func trimmed(words ...string) string {
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}
