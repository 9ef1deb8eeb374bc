package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

func netfilterChecks() []Check {
	const facts = inspect.FactNetwork | inspect.FactRoutes | inspect.FactNetfilter
	return []Check{
		{
			ID: "forward-dropped", Title: "Docker's rules are gone, and the policy drops what its containers send", Severity: Fault,
			About: "A new connection of a container to the outside, or its replies, reach the end of the hook forward and the policy drops them. Docker sets that policy and writes rules that let its bridges through; " +
				"a firewall that starts later flushes them. What a rule drops is somebody's choice and not reported.",
			Reference: "docs.docker.com: Packet filtering and firewalls", Needs: facts, run: func(e *exam) { e.dropped(true) },
		},
		{
			ID: "foreign-bridge", Title: "Docker's policy drops packets of a bridge that is not Docker's", Severity: Fault,
			About:     "Docker sets the policy of FORWARD to DROP and lets its own bridges through, not those of LXC, libvirt or a tool of one's own. Reported where Docker's chains are there and the policy, not a rule, drops a new connection to the outside or its replies.",
			Reference: "docs.docker.com: Packet filtering and firewalls, Docker on a router", Needs: facts, run: func(e *exam) { e.dropped(false) },
		},
		{
			ID: "bridge-nf", Title: "packets between two on one bridge are dropped, because bridges call iptables", Severity: Fault,
			About:     "With bridge-nf-call-iptables=1 packets that only cross a bridge pass the hook forward too, and a policy DROP hits them where no rule lets the bridge through.",
			Reference: "ebtables.netfilter.org: bridge-nf", Needs: facts | inspect.FactNetConf, run: bridgeNF,
		},
		{
			ID: "masquerade", Title: "containers leave the host with addresses that nobody can answer", Severity: Fault,
			About: "A packet of a container passes, and leaves through the uplink with its private address, since no rule translates it. Reported for Docker's bridges alone, for other networks may be routed, and not for networks that were made without masquerading. " +
				"Where the engine does not say how a network was made it is a warning, but for docker0.",
			Reference: "iptables-extensions(8), MASQUERADE", Needs: facts, run: masquerade,
		},
		{
			ID: "input-blocked", Title: "the firewall keeps containers from a service that the host has for them", Severity: Warning,
			About:     "A process listens on the very address of a bridge, so for its containers, and the rules of the hook input stop their packets. Services that listen on all addresses are not reported: to keep containers from those is what a firewall is for.",
			Reference: "iptables(8), INPUT", Needs: facts | inspect.FactPorts, run: inputBlocked,
		},
		{
			ID: "iptables-legacy", Title: "rules are in two places: in nf_tables and in tables of the older iptables", Severity: Note,
			About:     "Each packet passes both, and either tool shows only its own. What is in the older tables cannot be read here, so that verdicts are unknown. They may be empty: a look with iptables-legacy makes them.",
			Reference: "xtables-nft(8), xtables-legacy(8)", Needs: inspect.FactNetwork | inspect.FactNetfilter, run: iptablesLegacy,
		},
	}
}

// outside is an address that no container has and no route but the default
// one leads to: one of TEST-NET-2.
func outside() netip.Addr { return netip.AddrFrom4([4]byte{198, 51, 100, 219}) }

// query is a packet at a hook of the namespace: a connection over HTTPS.
func (sp *space) query(hook string, from, to netip.Addr, in, out *link) filter.Query {
	q := filter.Query{
		Hook: hook, Conn: filter.Conn{State: filter.New}, RouteType: filter.LocalTypes(sp.Network),
		Packet: filter.Packet{Proto: filter.TCP, Src: from, Dst: to, SrcPort: 40123, DstPort: 443},
	}
	if in != nil {
		q.In = in.Interface
	}
	if out != nil {
		q.Out = out.Interface
		if l := out.v4(); len(l) > 0 {
			q.OutAddr = l[0].Addr()
		}
	}
	return q
}

// reply is the answer to a forwarded packet on its way back.
func reply(q filter.Query) filter.Query {
	r := q
	r.In, r.Out = q.Out, q.In
	r.Packet.Src, r.Packet.Dst = q.Packet.Dst, q.Packet.Src
	r.Packet.SrcPort, r.Packet.DstPort = q.Packet.DstPort, q.Packet.SrcPort
	r.Conn = filter.Conn{State: filter.Established, Reply: true, Original: q.Packet}
	return r
}

// outward says what the hook forward does with a connection of a station to
// the outside: the worse of the two directions.
func (b *bridge) outward(s *station, a netip.Addr, up *link) filter.Result {
	q := b.sp.query("forward", a, outside(), b.link, up)
	q.PhysIn = s.port.Name
	r := filter.Run(b.sp.Ruleset, q)
	if r.Verdict != filter.Accept {
		return r
	}
	return filter.Run(b.sp.Ruleset, reply(q))
}

// byPolicy reports whether a packet is stopped by the policy of a chain.
func byPolicy(r filter.Result) bool {
	return r.Verdict.Stops() && r.Rule != nil && r.Rule.Handle == 0
}

// exits are the bridges whose containers use it to reach the outside, each
// with one of them, its address and the uplink.
func (w *world) exits(do func(b *bridge, s *station, a netip.Addr, up *link)) {
	w.each(func(b *bridge) {
		up, list := b.sp.uplink(), b.routed()
		if up == nil || up.Index == b.Index || len(list) == 0 || len(list[0].v4()) == 0 || !b.sp.Has(inspect.FactNetfilter) {
			return
		}
		do(b, list[0], list[0].v4()[0].Addr(), up)
	})
}

func (e *exam) dropped(docker bool) {
	e.exits(func(b *bridge, s *station, a netip.Addr, up *link) {
		if b.docker() != docker || !docker && !b.sp.hasChain("DOCKER-USER") {
			return
		}
		r := b.outward(s, a, up)
		if r.Verdict == filter.Unknown {
			e.unknown(b.object(), "what the hook forward does with packets to the outside: "+r.Reason, b.sp)
		}
		if !byPolicy(r) {
			return
		}
		br, out := word(b.Name), word(up.Name)
		f := Finding{
			Object: b.object(), Namespaces: concerned(b, b.stations),
			Cause: fmt.Sprintf("no rule lets packets of %s through, and the policy of chain %s drops them", titles(b.stations), r.Rule.Chain),
			Evidence: []Evidence{
				fact(b.sp.command("nft list chain %s %s %s", r.Rule.Family, word(r.Rule.Table), word(r.Rule.Chain)), fmt.Sprintf("policy drop decides on %s → outside through %s, or on the reply", a, up.Name)),
			},
		}
		if docker {
			f.Fix = &Fix{"let the bridge through as Docker does; restarting Docker writes all its rules anew, but stops containers unless live-restore is on", b.sp.commands(
				fmt.Sprintf("iptables -I FORWARD -o %s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", br),
				fmt.Sprintf("iptables -I FORWARD -i %s -o %s -j ACCEPT", br, out),
				fmt.Sprintf("iptables -I FORWARD -i %s -o %[1]s -j ACCEPT", br))}
		} else {
			f.Fix = &Fix{"let the bridge through where Docker leaves room for it", b.sp.commands(
				fmt.Sprintf("iptables -I DOCKER-USER -i %s -j ACCEPT", br),
				fmt.Sprintf("iptables -I DOCKER-USER -o %s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", br))}
		}
		e.find(f)
	})
}

func (sp *space) hasChain(name string) bool {
	return sp.Ruleset != nil && slices.ContainsFunc(sp.Ruleset.Chains, func(c inspect.NFChain) bool { return c.Name == name })
}

// calls reports whether a bridge passes IPv4 packets through iptables.
func (b *bridge) calls() bool {
	return b.sp.Sysctls["net.bridge.bridge-nf-call-iptables"] == "1" || b.Bridge != nil && b.Bridge.NFCall&1 != 0
}

func bridgeNF(e *exam) {
	e.each(func(b *bridge) {
		s, t := b.pair()
		if s == nil || !b.calls() || !b.sp.Has(inspect.FactNetfilter) {
			return
		}
		q := b.sp.query("forward", s.v4()[0].Addr(), t.v4()[0].Addr(), b.link, b.link)
		q.PhysIn, q.PhysOut, q.Bridged = s.port.Name, t.port.Name, true
		r := filter.Run(b.sp.Ruleset, q)
		if r.Verdict == filter.Accept {
			r = filter.Run(b.sp.Ruleset, crossing(q))
		}
		if r.Verdict == filter.Unknown {
			e.unknown(b.object(), "what the hook forward does with packets that cross the bridge: "+r.Reason, b.sp)
		}
		if !byPolicy(r) || b.blocked() {
			return
		}
		e.find(Finding{
			Object: b.object(), Namespaces: concerned(b, b.stations),
			Cause: fmt.Sprintf("packets that cross it pass iptables, and the policy of chain %s drops them: %s do not reach each other", r.Rule.Chain, titles(b.stations)),
			Evidence: []Evidence{
				fact(b.sp.command("sysctl net.bridge.bridge-nf-call-iptables"), "net.bridge.bridge-nf-call-iptables is 1"),
				fact(b.sp.command("nft list chain %s %s %s", r.Rule.Family, word(r.Rule.Table), word(r.Rule.Chain)), fmt.Sprintf("policy drop decides on %s → %s", s.v4()[0].Addr(), t.v4()[0].Addr())),
			},
			Fix: &Fix{"let packets cross this bridge", b.sp.command("iptables -I FORWARD -i %s -o %[1]s -j ACCEPT", word(b.Name))},
		})
	})
}

// crossing is the answer to a packet that crosses a bridge.
func crossing(q filter.Query) filter.Query {
	r := reply(q)
	r.PhysIn, r.PhysOut = q.PhysOut, q.PhysIn
	return r
}

// pair are two on a bridge that could talk to each other over it.
func (b *bridge) pair() (*station, *station) {
	var first *station
	for _, s := range b.stations {
		if len(s.v4()) == 0 || !b.covers(s.v4()[0].Addr()) || s.port.Port != nil && s.port.Port.Isolated {
			continue
		}
		if first != nil {
			return first, s
		}
		first = s
	}
	return nil, nil
}

// blocked reports whether the policy drops what leaves the bridge too: then
// the other checks say all.
func (b *bridge) blocked() bool {
	up, list := b.sp.uplink(), b.routed()
	return up != nil && len(list) > 0 && len(list[0].v4()) > 0 && (b.docker() || b.sp.hasChain("DOCKER-USER")) &&
		byPolicy(b.outward(list[0], list[0].v4()[0].Addr(), up))
}

func masquerade(e *exam) {
	e.exits(func(b *bridge, s *station, a netip.Addr, up *link) {
		if !b.docker() || b.engine != nil && !b.engine.Masquerades(false) || !a.IsPrivate() || b.outward(s, a, up).Verdict.Stops() {
			return
		}
		q := b.sp.query("postrouting", a, outside(), nil, up)
		r := filter.Run(b.sp.Ruleset, q)
		if r.Verdict == filter.Unknown {
			e.unknown(b.object(), "whether packets to the outside are translated: "+r.Reason, b.sp)
			return
		}
		if r.NAT != nil || r.Verdict != filter.Accept {
			return
		}
		var subnet netip.Prefix
		for _, p := range b.v4() {
			if p.Masked().Contains(a) {
				subnet = p.Masked()
			}
		}
		f := Finding{
			Object: b.object(), Namespaces: concerned(b, b.stations),
			Cause:    fmt.Sprintf("packets of %s leave through %s with their private addresses: nobody can answer", titles(b.stations), up.Name),
			Evidence: []Evidence{fact(b.sp.command("iptables -t nat -S POSTROUTING"), fmt.Sprintf("no rule translates %s → outside through %s", a, up.Name))},
			Fix:      &Fix{"translate as Docker does", b.sp.command("iptables -t nat -A POSTROUTING -s %s ! -o %s -j MASQUERADE", subnet, word(b.Name))},
		}
		if b.Name != "docker0" && b.engine == nil {
			f.Severity = Warning
			f.Cause += ", unless the network was made without masquerading and is routed"
		}
		e.find(f)
	})
}

func inputBlocked(e *exam) {
	e.each(func(b *bridge) {
		if len(b.routed()) == 0 || !b.sp.Has(inspect.FactNetfilter) {
			return
		}
		s := b.routed()[0]
		for i := range b.sp.Sockets {
			k := &b.sp.Sockets[i]
			if !b.has(k.Local.Addr()) || !k.Local.Addr().Is4() || k.State != "LISTEN" && k.State != "UNCONN" || proxies(e.comm(k)) || len(s.v4()) == 0 {
				continue
			}
			q := b.sp.query("input", s.v4()[0].Addr(), k.Local.Addr(), b.link, nil)
			q.Packet.DstPort = k.Local.Port()
			if k.Protocol == "udp" {
				q.Packet.Proto = filter.UDP
			}
			r := filter.Run(b.sp.Ruleset, q)
			switch {
			case r.Verdict == filter.Unknown:
				e.unknown(b.object(), fmt.Sprintf("whether containers reach %s: %s", k.Local, r.Reason), b.sp)
			case r.Verdict.Stops() && r.Rule != nil:
				e.stopped(b, k, r)
			}
		}
	})
}

func (e *exam) stopped(b *bridge, k *inspect.Socket, r filter.Result) {
	who := "a process"
	if c := e.comm(k); c != "" {
		who = fmt.Sprintf("%s (pid %d)", c, k.Holders[0].PID)
	}
	how := fmt.Sprintf("chain %s of %s %s: %s", r.Rule.Chain, r.Rule.Family, r.Rule.Table, r.Rule.Text)
	e.find(Finding{
		Object: fmt.Sprintf("port %s/%s%s", k.Local, k.Protocol, b.sp.of()), Namespaces: concerned(b, b.stations),
		Cause: fmt.Sprintf("%s listens there for containers on %s, and the rules of the hook input stop their packets", who, b.Name),
		Evidence: []Evidence{
			fact(b.sp.command("ss -lntu src %s", k.Local), fmt.Sprintf("%s listens on %s", who, k.Local)),
			fact(b.sp.command("nft -a list chain %s %s %s", r.Rule.Family, word(r.Rule.Table), word(r.Rule.Chain)), strings.TrimSpace(how)),
		},
		Fix: &Fix{"let containers reach it", b.sp.command("iptables -I INPUT -i %s -d %s -p %s --dport %d -j ACCEPT", word(b.Name), k.Local.Addr(), k.Protocol, k.Local.Port())},
	})
}

func iptablesLegacy(e *exam) {
	for _, sp := range e.spaces {
		rs := sp.Ruleset
		if rs == nil || len(rs.Legacy) == 0 || !slices.ContainsFunc(rs.Rules, func(r inspect.NFRule) bool { return slices.Contains([]string{"filter", "nat"}, r.Table) }) {
			continue
		}
		e.find(Finding{
			Object: "rules" + sp.of(), Namespaces: inodes(sp),
			Cause: "nf_tables has rules, and these tables of the older iptables are there too: " + strings.Join(rs.Legacy, "; "),
			Evidence: []Evidence{
				fact(sp.command("iptables-legacy-save"), "tables "+strings.Join(rs.Legacy, "; ")),
				fact(sp.command("iptables-nft-save"), "rules in nf_tables"),
			},
			Fix: &Fix{Text: "write all rules with one of the two (update-alternatives --config iptables), then restart what writes them"},
		})
	}
}
