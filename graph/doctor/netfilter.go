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
			About: "A new connection of a container to the outside, or its replies, reach the end of the hook forward and the policy drops them, over IPv4 or IPv6. Docker sets that policy and writes rules that let its bridges through; " +
				"a firewall that starts later flushes them. What a rule drops is somebody's choice and not reported.",
			Reference: "docs.docker.com: Packet filtering and firewalls", Needs: facts, run: func(e *exam) { e.dropped(true) },
		},
		{
			ID: "forward-ruled", Title: "a rule stops what containers send to the outside", Severity: Note,
			About: "A new connection of a container to the outside, or its replies, is dropped or rejected by a rule of the hook forward. Somebody wrote it, so it may be meant; it is told because the container cannot tell. " +
				"Reported for Docker's bridges, not for networks that were made internal.",
			Reference: "nsinspect trace CONTAINER 1.1.1.1:443", Needs: facts, run: ruled,
		},
		{
			ID: "foreign-bridge", Title: "Docker's policy drops packets of a bridge that is not Docker's", Severity: Fault,
			About:     "Docker sets the policy of FORWARD to DROP and lets its own bridges through, not those of LXC, libvirt or a tool of one's own. Reported where Docker's chains are there and the policy, not a rule, drops a new connection to the outside or its replies.",
			Reference: "docs.docker.com: Packet filtering and firewalls, Docker on a router", Needs: facts, run: func(e *exam) { e.dropped(false) },
		},
		{
			ID: "bridge-nf", Title: "packets between two on one bridge are dropped, because bridges call iptables", Severity: Fault,
			About:     "With bridge-nf-call-iptables=1, or bridge-nf-call-ip6tables=1 for IPv6, packets that only cross a bridge pass the hook forward too, and a policy DROP hits them where no rule lets the bridge through.",
			Reference: "ebtables.netfilter.org: bridge-nf", Needs: facts | inspect.FactNetConf, run: bridgeNF,
		},
		{
			ID: "masquerade", Title: "containers leave the host with addresses that nobody can answer", Severity: Fault,
			About: "A packet of a container passes, and leaves through the uplink with its private address, since no rule translates it. Reported for Docker's bridges alone, for other networks may be routed, and not for networks that were made without masquerading. " +
				"Where the engine does not say how a network was made it is a warning, but for docker0; so it is for IPv6 where Docker has no rules at all.",
			Reference: "iptables-extensions(8), MASQUERADE", Needs: facts, run: masquerade,
		},
		{
			ID: "input-blocked", Title: "the firewall keeps containers from a service that the host has for them", Severity: Warning,
			About:     "A process listens on the very address of a bridge, so for its containers, and the rules of the hook input stop their packets. Services that listen on all addresses are not reported: to keep containers from those is what a firewall is for.",
			Reference: "iptables(8), INPUT", Needs: facts | inspect.FactPorts, run: inputBlocked,
		},
		{
			ID: "iptables-legacy", Title: "rules are in two places: in nf_tables and in tables of the older iptables", Severity: Note,
			About:     "Each packet passes both, and either tool shows only its own. Tables of the older iptables that have no rules and drop nothing are not reported: a look with iptables-legacy makes them.",
			Reference: "xtables-nft(8), xtables-legacy(8)", Needs: inspect.FactNetwork | inspect.FactNetfilter, run: iptablesLegacy,
		},
	}
}

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
		q.OutAddr = out.first(familyOf(to))
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

// outward says what the hook forward does with a connection to the outside:
// the worse of the two directions.
func (x *exit) outward() filter.Result {
	q := x.sp.query("forward", x.a, outside(familyOf(x.a)), x.link, x.up)
	q.PhysIn = x.s.port.Name
	r := filter.Run(x.sp.rules, q)
	if r.Verdict != filter.Accept {
		return r
	}
	return filter.Run(x.sp.rules, reply(q))
}

// byPolicy reports whether a packet is stopped by the policy of a chain.
func byPolicy(r filter.Result) bool {
	return r.Verdict.Stops() && r.Rule != nil && r.Rule.Handle == 0
}

// exit is a way of packets from a container over a bridge to the outside.
type exit struct {
	*bridge
	s  *station   // one of those on the bridge
	a  netip.Addr // its address
	up *link
	dialect
}

// exit returns the way out of a bridge, nil where nobody on it has one.
func (b *bridge) exit(f inspect.Family) *exit {
	up, list := b.sp.uplink(f), b.routed(f)
	if up == nil || up.Index == b.Index || b.internal() || len(list) == 0 || !list[0].first(f).IsValid() {
		return nil
	}
	return &exit{b, list[0], list[0].first(f), up, speak(f)}
}

// exits are the bridges whose containers use it to reach the outside, for each
// family in which they do.
func (e *exam) exits(do func(*exit)) {
	e.each(func(b *bridge) {
		for _, f := range families() {
			if x := b.exit(f); x != nil && e.rulesRead(b.sp) {
				do(x)
			}
		}
	})
}

func (e *exam) dropped(docker bool) {
	e.exits(func(x *exit) {
		if x.docker() != docker || !docker && !x.sp.hasChain(x.nf, "DOCKER-USER") {
			return
		}
		r := x.outward()
		if r.Verdict == filter.Unknown {
			e.unknown(x.object(), "what the hook forward does with "+x.packets+" to the outside: "+r.Reason, x.sp)
		}
		if !byPolicy(r) || !docker && !theirs(r) {
			return // a firewall of the host's own, and a bridge that is not Docker's
		}
		f := Finding{
			Object: x.object(), Namespaces: concerned(x.bridge, x.stations),
			Cause: fmt.Sprintf("no rule lets %s of %s through, and the policy of chain %s drops them", x.packets, titles(x.stations), r.Rule.Chain),
			Evidence: []Evidence{
				fact(x.sp.deciding(r), fmt.Sprintf("policy drop decides on %s → outside through %s, or on the reply", x.a, x.up.Name)),
			},
			Fix: x.letThrough(r),
		}
		e.find(f)
	})
}

// ruled tells of rules that stop what leaves Docker's bridges.
func ruled(e *exam) {
	e.exits(func(x *exit) {
		r := x.outward()
		if !x.docker() || !r.Verdict.Stops() || byPolicy(r) || r.Rule == nil {
			return
		}
		e.find(Finding{
			Object: x.object(), Namespaces: concerned(x.bridge, x.stations),
			Cause:    fmt.Sprintf("a rule of chain %s stops %s of %s on their way to the outside, or the replies: %s", r.Rule.Chain, x.packets, titles(x.stations), r.Rule.Text),
			Evidence: []Evidence{fact(x.sp.deciding(r), fmt.Sprintf("rule %d decides on %s → outside through %s, or on the reply", r.Rule.Handle, x.a, x.up.Name))},
			Fix:      &Fix{"if nobody meant it, delete this rule", x.sp.command("%s", r.Rule.Place().Delete())},
		})
	})
}

// letThrough is what lets a bridge through the chain of the hook forward that
// decided.
func (x *exit) letThrough(r filter.Result) *Fix {
	if !theirs(r) {
		chain := fmt.Sprintf("nft insert rule %s %s %s", r.Rule.Family, word(r.Rule.Table), word(r.Rule.Chain))
		return &Fix{"let the bridge through this chain too: a packet must pass every chain, and Docker's rules are in others. For good, write it where the chain comes from, mostly /etc/nftables.conf", x.sp.commands(
			fmt.Sprintf("%s oifname %s ct state established,related accept", chain, nftName(x.Name)),
			fmt.Sprintf("%s iifname %s accept", chain, nftName(x.Name)))}
	}
	br, out, iptables := word(x.Name), word(x.up.Name), x.sp.iptables(x.dialect)
	if !x.docker() {
		return &Fix{"let the bridge through where Docker leaves room for it", x.sp.commands(
			fmt.Sprintf("%s -I DOCKER-USER -i %s -j ACCEPT", iptables, br),
			fmt.Sprintf("%s -I DOCKER-USER -o %s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", iptables, br))}
	}
	list := []string{
		fmt.Sprintf("%s -I FORWARD -o %s -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", iptables, br),
		fmt.Sprintf("%s -I FORWARD -i %s -o %s -j ACCEPT", iptables, br, out),
		fmt.Sprintf("%s -I FORWARD -i %s -o %[2]s -j ACCEPT", iptables, br),
	}
	if slices.ContainsFunc(x.sp.rules.Chains, func(c inspect.NFChain) bool { return c.Family == x.nf && c.Table == "filter" && c.Name == "DOCKER" }) {
		list = append(list, fmt.Sprintf("%s -I FORWARD -o %s -j DOCKER", iptables, br)) // what is published
	}
	return &Fix{"let the bridge through as Docker does; restarting Docker writes all its rules anew, but stops containers unless live-restore is on", x.sp.commands(list...)}
}

// hasChain reports whether a table of IPv4, IPv6 or both has a chain.
func (sp *space) hasChain(f inspect.NFFamily, name string) bool {
	return sp.rules != nil && slices.ContainsFunc(sp.rules.Chains, func(c inspect.NFChain) bool {
		return c.Name == name && (c.Family == f || c.Family == inspect.NFInet)
	})
}

// calls reports whether a bridge passes packets of a family through iptables.
func (b *bridge) calls(f inspect.Family) bool {
	name, bit := "net.bridge.bridge-nf-call-iptables", uint8(1)
	if f == inspect.FamilyIPv6 {
		name, bit = "net.bridge.bridge-nf-call-ip6tables", 2
	}
	return b.sp.Sysctls[name] == "1" || b.Bridge != nil && b.Bridge.NFCall&bit != 0
}

func bridgeNF(e *exam) {
	e.each(func(b *bridge) {
		for _, f := range families() {
			if s, t := b.pair(f); s != nil && b.calls(f) && e.rulesRead(b.sp) {
				e.crosses(b, s, t, f)
			}
		}
	})
}

// crosses says whether packets from s to t, which cross the bridge, are
// dropped on the way.
func (e *exam) crosses(b *bridge, s, t *station, f inspect.Family) {
	from, to, say := s.first(f), t.first(f), speak(f)
	q := b.sp.query("forward", from, to, b.link, b.link)
	q.PhysIn, q.PhysOut, q.Bridged = s.port.Name, t.port.Name, true
	r := filter.Run(b.sp.rules, q)
	if r.Verdict == filter.Accept {
		r = filter.Run(b.sp.rules, crossing(q))
	}
	if r.Verdict == filter.Unknown {
		e.unknown(b.object(), "what the hook forward does with "+say.packets+" that cross the bridge: "+r.Reason, b.sp)
	}
	if !byPolicy(r) || b.blocked(f) {
		return
	}
	e.find(Finding{
		Object: b.object(), Namespaces: concerned(b, b.stations),
		Cause: fmt.Sprintf("%s that cross it pass %s, and the policy of chain %s drops them: %s do not reach each other", say.packets, say.iptables, r.Rule.Chain, titles(b.stations)),
		Evidence: []Evidence{
			fact(b.sp.command("sysctl net.bridge.bridge-nf-call-%s", say.iptables), "net.bridge.bridge-nf-call-"+say.iptables+" is 1"),
			fact(b.sp.deciding(r), fmt.Sprintf("policy drop decides on %s → %s", from, to)),
		},
		Fix: &Fix{"let packets cross this bridge", b.sp.command("%s -I FORWARD -i %s -o %[2]s -j ACCEPT", b.sp.iptables(say), word(b.Name))},
	})
}

// crossing is the answer to a packet that crosses a bridge.
func crossing(q filter.Query) filter.Query {
	r := reply(q)
	r.PhysIn, r.PhysOut = q.PhysOut, q.PhysIn
	return r
}

// pair are two on a bridge that could talk to each other over it.
func (b *bridge) pair(f inspect.Family) (*station, *station) {
	var first *station
	for _, s := range b.stations {
		if a := s.first(f); !a.IsValid() || !b.covers(a) || s.port.Port != nil && s.port.Port.Isolated {
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
func (b *bridge) blocked(f inspect.Family) bool {
	x := b.exit(f)
	return x != nil && (b.docker() || b.sp.hasChain(x.nf, "DOCKER-USER")) && byPolicy(x.outward())
}

func masquerade(e *exam) {
	e.exits(func(x *exit) {
		if !x.docker() || x.engine != nil && !x.engine.Masquerades(x.a.Is6()) || !x.a.IsPrivate() || x.outward().Verdict.Stops() {
			return
		}
		r := filter.Run(x.sp.rules, x.sp.query("postrouting", x.a, outside(familyOf(x.a)), nil, x.up))
		if r.Verdict == filter.Unknown {
			e.unknown(x.object(), "whether "+x.packets+" to the outside are translated: "+r.Reason, x.sp)
			return
		}
		if r.NAT == nil && r.Verdict == filter.Accept {
			e.untranslated(x)
		}
	})
}

func (e *exam) untranslated(x *exit) {
	f := Finding{
		Object: x.object(), Namespaces: concerned(x.bridge, x.stations),
		Cause:    fmt.Sprintf("%s of %s leave through %s with their private addresses: nobody can answer", x.packets, titles(x.stations), x.up.Name),
		Evidence: []Evidence{fact(x.sp.command("%s -t nat -S POSTROUTING", x.sp.iptables(x.dialect)), fmt.Sprintf("no rule translates %s → outside through %s", x.a, x.up.Name))},
		Fix:      &Fix{"translate as Docker does", x.sp.command("%s -t nat -A POSTROUTING -s %s ! -o %s -j MASQUERADE", x.sp.iptables(x.dialect), x.subnet(x.a).Masked(), word(x.Name))},
	}
	switch {
	case x.a.Is6() && !x.sp.hasChain(x.nf, "DOCKER"):
		f.Severity = Warning
		f.Cause += ", unless something beyond translates them"
		f.Fix.Text = "translate as Docker 27 does; older ones do so with \"ip6tables\": true and \"experimental\": true in daemon.json"
	case x.Name != "docker0" && x.engine == nil:
		f.Severity = Warning
		f.Cause += ", unless the network was made without masquerading and is routed"
	}
	e.find(f)
}

func inputBlocked(e *exam) {
	e.each(func(b *bridge) {
		for i := range b.sp.Sockets {
			k := &b.sp.Sockets[i]
			f := familyOf(k.Local.Addr())
			if !b.has(k.Local.Addr()) || k.State != "LISTEN" && k.State != "UNCONN" || proxies(e.comm(k)) {
				continue
			}
			list := b.routed(f)
			if len(list) == 0 || !list[0].first(f).IsValid() || !e.rulesRead(b.sp) {
				continue
			}
			q := b.sp.query("input", list[0].first(f), k.Local.Addr(), b.link, nil)
			q.Packet.DstPort = k.Local.Port()
			if k.Protocol == "udp" {
				q.Packet.Proto = filter.UDP
			}
			r := filter.Run(b.sp.rules, q)
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
			fact(b.sp.deciding(r), strings.TrimSpace(how)),
		},
		Fix: &Fix{"let containers reach it", b.sp.command("%s -I INPUT -i %s -d %s -p %s --dport %d -j ACCEPT", b.sp.iptables(speak(familyOf(k.Local.Addr()))), word(b.Name), k.Local.Addr(), k.Protocol, k.Local.Port())},
	})
}
