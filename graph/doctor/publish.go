package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// dnat is a rule that publishes a port.
type dnat struct{ graph.DNAT }

// Label is the port as in "8080→80/tcp".
func (d dnat) Label() string { return graph.PortLabel(d.PublishedPort) }

func (d dnat) place() graph.RulePlace { return graph.PlaceOfRule(d.Rule) }

// dnats are the rules of a namespace that publish ports.
func (sp *space) dnats() (out []dnat) {
	for _, d := range graph.DNATs(sp.rules) {
		out = append(out, dnat{d})
	}
	return out
}

// publishers calls do with the namespaces that may publish ports.
func (e *exam) publishers(do func(*space)) {
	for _, sp := range e.spaces {
		hosts := slices.ContainsFunc(sp.bridges, func(b *bridge) bool { return len(b.stations) > 0 })
		if hosts && !e.rulesRead(sp) {
			continue
		}
		do(sp)
	}
}

// stationAt returns who hangs on a bridge of sp with an address, nil when
// nobody does.
func (sp *space) stationAt(a netip.Addr) *station {
	for _, b := range sp.bridges {
		for _, s := range b.stations {
			if s.has(a) {
				return s
			}
		}
	}
	return nil
}

func publishChecks() []Check {
	const facts = inspect.FactNetwork | inspect.FactNetfilter
	return []Check{
		{
			ID: "published-loopback", Title: "a port is published, but its service listens on another address only", Severity: Fault,
			About: "Packets for a published port arrive at the container's address, and the service listens on 127.0.0.1, or on another of its addresses: connections are refused. " +
				"A port at which nobody listens is not reported, nor a container that redirects packets itself, as a service mesh does.",
			Reference: "nsinspect ports", Needs: facts | inspect.FactPorts, run: publishedLoopback,
		},
		{
			ID: "stale-dnat", Title: "a rule sends a published port to an address that nobody has", Severity: Fault,
			About: "A rule that was left behind comes before the right one, or takes the port away from whoever wants it. " +
				"Reported where all who hang on the bridge are known and the neighbour table does not know better.",
			Reference: "iptables-extensions(8), DNAT", Needs: facts | inspect.FactNeighbors, run: staleDNAT,
		},
		{
			ID: "port-taken", Title: "a published port is taken by another process, or a docker-proxy is left over", Severity: Warning,
			About: "A process on the host listens on a port that a rule sends to a container: who connects from outside gets the container, and who connects from within may get either. " +
				"Or docker-proxy holds a port that no container publishes, so that nobody else can have it; this is told only where the engine says what is published.",
			Reference: "nsinspect ports", Needs: facts | inspect.FactPorts | inspect.FactLeads, run: portTaken,
		},
		{
			ID: "published-open", Title: "published ports bypass the host's firewall", Severity: Note,
			About: "The host's firewall drops what it does not know in the hook input. Published ports never pass there: they are translated before and forwarded. " +
				"Nothing is broken, but such a port is open to the world. Not reported where DOCKER-USER has rules, for that is the place to filter.",
			Reference: "docs.docker.com: Packet filtering and firewalls", Needs: facts, run: publishedOpen,
		},
	}
}

func publishedLoopback(e *exam) {
	for _, r := range graph.Ports(e.x, e.topo) {
		sp := e.byKey[r.Netns]
		if r.Reachable == nil || *r.Reachable || sp == nil || !e.rulesRead(sp) || redirects(sp.rules) {
			continue
		}
		f := Finding{
			Object: fmt.Sprintf("port %s of %s", graph.PortLabel(r.Published[0]), sp.title), Namespaces: inodes(sp),
			Cause:    fmt.Sprintf("the service listens on %s only, and packets for the published port arrive at another address", netip.AddrPortFrom(r.Address, r.Port)),
			Evidence: []Evidence{fact(sp.command("ss -ltnup sport = %d", r.Port), fmt.Sprintf("%s listens on %s %s", listener(&r), r.Protocol, netip.AddrPortFrom(r.Address, r.Port)))},
			Fix:      &Fix{Text: "have the service listen on 0.0.0.0 or on the container's address, in its own configuration"},
		}
		e.find(f)
	}
}

// listener names who listens.
func listener(r *graph.PortRow) string {
	if len(r.Processes) == 0 {
		return "somebody"
	}
	p := r.Processes[0]
	if p.Command == nil {
		return fmt.Sprintf("pid %d", p.PID)
	}
	return fmt.Sprintf("%s (pid %d)", *p.Command, p.PID)
}

// redirects reports whether a namespace translates what comes in.
func redirects(rs *inspect.Ruleset) bool {
	return rs != nil && (len(rs.Legacy) > 0 || slices.ContainsFunc(rs.Chains, func(c inspect.NFChain) bool {
		return c.Type == "nat" && c.Hook == "prerouting" && slices.ContainsFunc(rs.Rules, func(r inspect.NFRule) bool {
			return r.Family == c.Family && r.Table == c.Table && r.Chain == c.Name
		})
	}))
}

func staleDNAT(e *exam) {
	e.publishers(func(sp *space) {
		if sp.Torn {
			return
		}
		for _, d := range sp.dnats() {
			for _, b := range sp.bridges {
				if b.covers(d.To) && b.nobodyHas(d.To) && !sp.answers(b, d.To) && !e.someoneHas(d.To) {
					e.stale(b, d)
				}
			}
		}
	})
}

// someoneHas reports whether any known interface has an address, or a
// container is to have it: then what is wrong is where it is plugged in, or
// that the container lost it.
func (w *world) someoneHas(a netip.Addr) bool {
	for _, c := range w.x.Snapshot().Containers {
		if c.State == "running" && slices.ContainsFunc(c.Networks, func(n inspect.ContainerNetwork) bool { return n.Addr == a || n.Addr6 == a }) {
			return true
		}
	}
	for _, sp := range w.spaces {
		for _, l := range sp.links {
			if l.has(a) {
				return true
			}
		}
	}
	return false
}

// answers reports whether the neighbour table has an address that was heard
// of lately.
func (sp *space) answers(b *bridge, a netip.Addr) bool {
	return slices.ContainsFunc(sp.Neighbors, func(n inspect.Neighbor) bool {
		return n.Addr == a && n.Index == b.Index && slices.Contains([]string{"REACHABLE", "DELAY", "PROBE", "PERMANENT"}, n.State)
	})
}

func (e *exam) stale(b *bridge, d dnat) {
	e.find(Finding{
		Object: "port " + d.Label() + b.sp.of(), Namespaces: inodes(b.sp),
		Cause: fmt.Sprintf("a rule sends it to %s, and nobody on bridge %s has that address", d.To, b.Name),
		Evidence: []Evidence{
			fact(b.sp.listing(d.place()), d.Text),
			fact(b.sp.command("bridge link"), fmt.Sprintf("on %s: %s", b.Name, noneOr(titles(b.stations)))),
		},
		Fix: &Fix{"delete this rule", b.sp.command("%s", d.place().Delete())},
	})
}

func noneOr(s string) string {
	if s == "" {
		return "nobody"
	}
	return s
}

// proxies are the programs that listen on behalf of containers.
func proxies(comm string) bool {
	return slices.Contains([]string{"docker-proxy", "dockerd", "rootlessport", "rootlesskit", "conmon", "slirp4netns", "pasta", "systemd"}, comm)
}

func portTaken(e *exam) {
	e.publishers(func(sp *space) {
		list := sp.dnats()
		for i := range sp.Sockets {
			s := &sp.Sockets[i]
			comm := e.comm(s)
			if s.State != "LISTEN" && s.State != "UNCONN" || comm == "" {
				continue
			}
			if comm == "docker-proxy" {
				e.leftover(sp, s, list)
				continue
			}
			for _, d := range list {
				if strings.HasPrefix(d.Rule.Chain, "DOCKER") && d.HostPort == s.Local.Port() && d.Protocol == s.Protocol && d.meets(s) && !proxies(comm) && sp.stationAt(d.To) != nil {
					e.taken(sp, s, comm, d)
					break
				}
			}
		}
	})
}

// meets reports whether a socket takes packets that the rule is for. One of
// IPv6 takes those of IPv4 too, unless it was told not to.
func (d dnat) meets(s *inspect.Socket) bool {
	a := s.Local.Addr()
	if d.To.Is6() && a.Is4() || d.To.Is4() && a.Is6() && (s.V6 || !a.IsUnspecified()) {
		return false
	}
	return !d.HostIP.IsValid() && !a.IsLoopback() || a.IsUnspecified() || d.HostIP == a
}

// comm is the command of who has a socket, "" when not known.
func (w *world) comm(s *inspect.Socket) string {
	for _, h := range s.Holders {
		if p := w.x.Process(h.PID); p != nil && p.Info != nil {
			return p.Info.Comm
		}
	}
	return ""
}

func (e *exam) taken(sp *space, s *inspect.Socket, comm string, d dnat) {
	e.find(Finding{
		Object: "port " + d.Label() + sp.of(), Namespaces: append(inodes(sp), inodes(sp.stationAt(d.To).sp)...),
		Cause: fmt.Sprintf("%s (pid %d) listens on %s, and a rule sends the same port to %s of %s", comm, s.Holders[0].PID, s.Local, d.To, sp.stationAt(d.To).sp.title),
		Evidence: []Evidence{
			fact(sp.command("ss -ltnup sport = %d", s.Local.Port()), fmt.Sprintf("%s listens on %s %s", comm, s.Protocol, s.Local)),
			fact(sp.listing(d.place()), d.Text),
		},
		Fix: &Fix{Text: "give one of the two another port"},
	})
}

// leftover reports a docker-proxy whose port no container publishes.
func (e *exam) leftover(sp *space, s *inspect.Socket, list []dnat) {
	port := s.Local.Port()
	if !sp.engine() || slices.ContainsFunc(list, func(d dnat) bool { return d.HostPort == port && d.Protocol == s.Protocol }) {
		return
	}
	for _, c := range e.x.Snapshot().Containers {
		if slices.ContainsFunc(c.Ports, func(p inspect.PublishedPort) bool { return p.HostPort == port && p.Protocol == s.Protocol }) {
			return
		}
	}
	pid := s.Holders[0].PID
	e.find(Finding{
		Object: fmt.Sprintf("port %d/%s%s", port, s.Protocol, sp.of()), Namespaces: inodes(sp),
		Cause: fmt.Sprintf("docker-proxy (pid %d) holds it, and no container publishes it", pid),
		Evidence: []Evidence{
			fact(sp.command("ss -ltnup sport = %d", port), fmt.Sprintf("docker-proxy listens on %s", s.Local)),
			fact("docker ps --filter publish="+fmt.Sprintf("%d/%s", port, s.Protocol), "no container publishes it"),
		},
		Fix: &Fix{"end this docker-proxy", fmt.Sprintf("kill %d", pid)},
	})
}

// engine reports whether an engine told of containers that hang here.
func (sp *space) engine() bool {
	return slices.ContainsFunc(sp.bridges, func(b *bridge) bool { return b.network != "" })
}

func publishedOpen(e *exam) {
	e.publishers(func(sp *space) {
		wall := inputDrops(sp.rules)
		if wall == nil || filtersUser(sp.rules) {
			return
		}
		var ports []string
		for _, d := range sp.dnats() {
			if label := d.Label(); !d.HostIP.IsValid() && d.To.Is4() && sp.stationAt(d.To) != nil && !slices.Contains(ports, label) {
				ports = append(ports, label)
			}
		}
		if len(ports) == 0 {
			return
		}
		if len(ports) > 6 {
			ports = append(ports[:5], fmt.Sprintf("%d more", len(ports)-5))
		}
		e.find(Finding{
			Object: "published ports" + sp.of(), Namespaces: inodes(sp),
			Cause: fmt.Sprintf("chain %s of %s %s drops by policy, and %s: %s", wall.Name, wall.Family, wall.Table, either(len(ports), "this port does not pass there", "these ports do not pass there"), strings.Join(ports, ", ")),
			Evidence: []Evidence{
				fact(sp.listing(graph.PlaceOfChain(wall)), "hook input, policy drop"),
				fact(sp.command("%s -S DOCKER-USER", sp.iptables(speak(inspect.FamilyIPv4))), "DOCKER-USER filters nothing"),
			},
			Fix: &Fix{Text: "publish on 127.0.0.1 what only the host needs, or filter in DOCKER-USER"},
		})
	})
}

// inputDrops returns the chain of the hook input whose policy is drop.
func inputDrops(rs *inspect.Ruleset) *inspect.NFChain {
	if rs == nil {
		return nil
	}
	for i := range rs.Chains {
		c := &rs.Chains[i]
		if c.Hook == "input" && c.Policy == "drop" && (c.Family == inspect.NFIPv4 || c.Family == inspect.NFInet) {
			return c
		}
	}
	return nil
}

// filtersUser reports whether DOCKER-USER does more than return.
func filtersUser(rs *inspect.Ruleset) bool {
	return slices.ContainsFunc(rs.Rules, func(r inspect.NFRule) bool {
		return r.Chain == "DOCKER-USER" && !(len(r.Exprs) <= 2 && returns(r.Exprs))
	})
}

func returns(list []inspect.NFExpr) bool {
	return slices.ContainsFunc(list, func(x inspect.NFExpr) bool { return x.Verdict != nil && x.Verdict.Code == "return" })
}
