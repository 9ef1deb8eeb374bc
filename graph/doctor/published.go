package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nsinspect/graph"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

func publishedChecks() []Check {
	return []Check{
		{
			ID: "published-lost", Title: "a published port leads nowhere, because Docker's rule for it is gone", Severity: Fault,
			About: "Docker says that a port is published, and no rule of the host translates it to the container. A firewall that was started or reloaded after Docker has flushed the table nat. " +
				"Where docker-proxy still listens on the port it is a warning: connections come through, and all seem to come from the host. Not reported where Docker was told to write no rules and docker-proxy does all.",
			Reference: "docs.docker.com: Packet filtering and firewalls", Needs: publishedFacts, run: publishedLost,
		},
		{
			ID: "published-dropped", Title: "a published port is translated, and then dropped by a policy", Severity: Fault,
			About: "What comes for the port goes to the container by Docker's rule, and no rule of the hook forward lets it through: a firewall flushed Docker's rules there, or has a chain of its own with the policy drop. " +
				"What a rule drops is somebody's choice and not reported, nor is it where nothing of the bridge gets through: see forward-dropped.",
			Reference: "docs.docker.com: Packet filtering and firewalls", Needs: publishedFacts, run: publishedDropped,
		},
	}
}

const publishedFacts = inspect.FactNetwork | inspect.FactRoutes | inspect.FactNetfilter | inspect.FactPorts | inspect.FactLeads

// published is a port that Docker says it publishes, with whom it leads to.
type published struct {
	inspect.PublishedPort
	*station
	c  *inspect.Container
	to netip.Addr // of the container
	dialect
	// arrived is what becomes of a packet from outside at the hook prerouting.
	arrived filter.Result
}

// label is the port as in "8080→80/tcp".
func (p *published) label() string { return graph.PortLabel(p.PublishedPort) }

// eachPublished calls do with each port that is published to the outside.
func (e *exam) eachPublished(do func(*published)) {
	list := e.x.Snapshot().Containers
	for i := range list {
		c := &list[i]
		if c.State != "running" || c.Engine != "docker" || len(c.Ports) == 0 {
			continue
		}
		s := e.stationsOf(c)
		for _, port := range c.Ports {
			f := inspect.FamilyIPv4
			if port.HostIP.Is6() {
				f = inspect.FamilyIPv6
			}
			k := slices.IndexFunc(s, func(s *station) bool { return s.first(f).IsValid() && s.bridge.publishes(f) })
			if k < 0 || port.HostIP.IsLoopback() || !e.rulesRead(s[k].bridge.sp) {
				continue
			}
			p := &published{PublishedPort: port, station: s[k], c: c, to: s[k].first(f), dialect: speak(f)}
			if e.arrives(p, f) {
				do(p)
			}
		}
	}
}

// publishes reports whether the engine translates what comes for ports of a
// network's containers.
func (b *bridge) publishes(f inspect.Family) bool {
	return b.docker() && (b.engine == nil || b.engine.Masquerades(f == inspect.FamilyIPv6))
}

// stationsOf are the interfaces of a container on bridges.
func (w *world) stationsOf(c *inspect.Container) (out []*station) {
	p := w.x.Process(c.PID)
	if p == nil {
		return nil
	}
	sp := w.byKey[fmt.Sprintf("net:[%d]", p.NS.Of(inspect.Net).Ino)]
	w.each(func(b *bridge) {
		for _, s := range b.stations {
			if s.sp == sp {
				out = append(out, s)
			}
		}
	})
	return out
}

// arrives has a packet from outside arrive for a port; it reports whether one
// can, and whether it is known what becomes of it.
func (e *exam) arrives(p *published, f inspect.Family) bool {
	sp := p.bridge.sp
	up := sp.uplink(f)
	if up == nil || up.Index == p.bridge.Index {
		return false
	}
	dst := p.HostIP
	if !dst.IsValid() || dst.IsUnspecified() {
		dst = up.first(f)
	}
	if !dst.IsValid() {
		return false
	}
	q := sp.query("prerouting", outside(f), dst, up, nil)
	q.Packet.DstPort, q.Packet.Proto = p.HostPort, filter.TCP
	if p.Protocol == "udp" {
		q.Packet.Proto = filter.UDP
	}
	p.arrived = filter.Run(sp.rules, q)
	if p.arrived.Verdict == filter.Unknown {
		e.unknown("port "+p.label()+sp.of(), "whether a rule leads it to "+p.c.DisplayName()+": "+p.arrived.Reason, sp)
	}
	return p.arrived.Verdict == filter.Accept && p.Protocol != "sctp"
}

// proxied returns the socket of the host that takes what comes for the port.
func (p *published) proxied() *inspect.Socket {
	list := p.bridge.sp.Sockets
	d := dnat{graph.DNAT{PublishedPort: p.PublishedPort, To: p.to}}
	i := slices.IndexFunc(list, func(s inspect.Socket) bool {
		return s.Protocol == p.Protocol && s.Local.Port() == p.HostPort && (s.State == "LISTEN" || s.State == "UNCONN") && d.meets(&s)
	})
	if i < 0 {
		return nil
	}
	return &list[i]
}

// group has the ports of one container in one finding.
func (e *exam) group(ports []*published, make func(*published) *Finding) {
	var last *inspect.Container
	var open *Finding
	var labels, commands []string
	flush := func() {
		if open == nil {
			return
		}
		open.Object = "port " + strings.Join(labels, ", ") + " of " + last.DisplayName()
		if len(commands) > 0 {
			open.Fix.Command = strings.Join(commands, " && ")
		}
		e.find(*open)
	}
	for _, p := range ports {
		f := make(p)
		if open == nil || p.c != last || f.Severity != open.Severity {
			flush()
			open, last, labels, commands = f, p.c, nil, nil
		}
		labels = append(labels, p.label())
		if f.Fix.Command != "" {
			commands = append(commands, f.Fix.Command)
		}
	}
	flush()
}

func publishedLost(e *exam) {
	var ports []*published
	e.eachPublished(func(p *published) {
		if p.arrived.NAT != nil {
			return
		}
		if p.proxied() == nil || p.bridge.sp.hasChain(p.nf, "DOCKER") {
			ports = append(ports, p)
		}
	})
	e.group(ports, (*published).lost)
}

func (p *published) lost() *Finding {
	sp, ip := p.bridge.sp, p.to.String()
	if p.to.Is6() {
		ip = "[" + ip + "]"
	}
	only := ""
	if p.HostIP.IsValid() && !p.HostIP.IsUnspecified() {
		only = "-d " + p.HostIP.String() + " "
	}
	f := &Finding{
		Namespaces: append(inodes(sp), inodes(p.station.sp)...),
		Cause:      "Docker publishes it, and no rule of the host leads it to " + p.to.String() + ": who connects is refused",
		Evidence: []Evidence{
			fact("docker port "+word(p.c.DisplayName()), "Docker publishes "+p.label()),
			fact(sp.command("%s -t nat -S", sp.iptables(p.dialect)), fmt.Sprintf("no rule translates what comes for %d/%s", p.HostPort, p.Protocol)),
		},
		Fix: &Fix{"lead it there until Docker is restarted, which writes all its rules anew (but stops containers, unless live-restore is on)", sp.command(
			"%s -t nat -I PREROUTING %s-p %s --dport %d -m addrtype --dst-type LOCAL -j DNAT --to-destination %s:%d",
			sp.iptables(p.dialect), only, p.Protocol, p.HostPort, ip, p.Port)},
	}
	if s := p.proxied(); s != nil {
		f.Severity = Warning
		f.Cause = "Docker publishes it, and its rule is gone: docker-proxy alone leads it to " + p.to.String() + ", and the container sees the host as the client"
		f.Evidence = append(f.Evidence, fact(sp.command("ss -ltnup sport = %d", p.HostPort), "a process listens on "+s.Local.String()))
	}
	return f
}

func publishedDropped(e *exam) {
	var ports []*published
	stopped := map[*published]filter.Result{}
	e.eachPublished(func(p *published) {
		if p.arrived.NAT == nil {
			return
		}
		sp := p.bridge.sp
		q := sp.query("forward", p.arrived.Packet.Src, p.arrived.Packet.Dst, sp.uplink(familyOf(p.to)), p.bridge.link)
		q.Packet, q.Conn, q.PhysOut = p.arrived.Packet, p.arrived.Conn, p.station.port.Name
		r := filter.Run(sp.rules, q)
		if r.Verdict == filter.Unknown {
			e.unknown("port "+p.label()+sp.of(), "whether the hook forward lets it through: "+r.Reason, sp)
		}
		x := p.bridge.exit(familyOf(p.to))
		if byPolicy(r) && !(x != nil && byPolicy(x.outward())) && p.station.has(p.arrived.Packet.Dst) {
			stopped[p] = r
			ports = append(ports, p)
		}
	})
	e.group(ports, func(p *published) *Finding { return p.dropped(stopped[p]) })
}

func (p *published) dropped(r filter.Result) *Finding {
	sp := p.bridge.sp
	f := &Finding{
		Namespaces: append(inodes(sp), inodes(p.station.sp)...),
		Cause:      fmt.Sprintf("it is led to %s, no rule lets that through, and the policy of chain %s drops it", p.arrived.Packet.Dst, r.Rule.Chain),
		Evidence: []Evidence{
			fact(sp.deciding(r), fmt.Sprintf("policy drop decides on outside → %s:%d", p.arrived.Packet.Dst, p.arrived.Packet.DstPort)),
		},
		Fix: &Fix{Text: "let it through; restarting Docker writes all its rules anew"},
	}
	br := p.bridge.Name
	if theirs(r) {
		f.Fix.Command = sp.command("%s -I FORWARD -d %s ! -i %s -o %[3]s -p %[4]s --dport %[5]d -j ACCEPT",
			sp.iptables(p.dialect), p.arrived.Packet.Dst, word(br), p.Protocol, p.arrived.Packet.DstPort)
	} else {
		f.Fix.Command = sp.command("nft insert rule %s %s %s oifname %s ct status dnat accept", r.Rule.Family, word(r.Rule.Table), word(r.Rule.Chain), nftName(br))
	}
	return f
}

// theirs reports whether what decided is the chain in which iptables and
// Docker write their rules.
func theirs(r filter.Result) bool {
	return r.Rule.Table == "filter" && r.Rule.Chain == "FORWARD" && r.Rule.Family != "inet"
}

// nftName is the name of an interface as a shell hands it to nft(8).
func nftName(name string) string { return word(`"` + name + `"`) }
