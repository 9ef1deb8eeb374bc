package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

func dnsChecks() []Check {
	return []Check{
		{
			ID: "container-dns", Title: "a container's name resolution leads nowhere", Severity: Fault,
			About: "In networks other than the default one Docker answers DNS at 127.0.0.11 in the container, on ports of its own choice, and rules in the container's network namespace lead port 53 there. " +
				"When these rules are gone, as after a flush in the wrong namespace, no name resolves.",
			Reference: "docs.docker.com: Networking overview, DNS services", Needs: inspect.FactNetwork | inspect.FactNetfilter | inspect.FactPorts, run: containerDNS,
		},
		{
			ID: "dns-loopback", Title: "a container asks itself for names, and nobody answers there", Severity: Fault,
			About: "All name servers in the resolv.conf that the engine mounted into the container are loopback addresses, as the host's 127.0.0.53 of systemd-resolved, and in the container's network namespace nobody listens there. " +
				"Seen where the host's file is mounted into a container, and with Docker's 127.0.0.11 while Docker is stopped and containers live on. " +
				"Not reported where another name server is named too, or rules in the container lead the question elsewhere. Files that are not mounted into the container by themselves are not looked at.",
			Reference: "resolv.conf(5); docs.docker.com: Networking overview, DNS services",
			Needs:     inspect.FactNetwork | inspect.FactNetfilter | inspect.FactPorts | inspect.FactResolvers, run: dnsLoopback,
		},
	}
}

func containerDNS(e *exam) {
	docker := dockerDNS()
	for _, sp := range e.spaces {
		rs := sp.rules
		if rs != nil && (len(rs.Legacy) > 0 || mentions(rs, docker)) {
			continue
		}
		i := slices.IndexFunc(sp.Sockets, func(s inspect.Socket) bool {
			return s.Local.Addr() == docker && s.Local.Port() != 53 && (s.State == "LISTEN" || s.State == "UNCONN")
		})
		if i < 0 || !e.rulesRead(sp) {
			continue
		}
		s := &sp.Sockets[i]
		e.find(Finding{
			Object: "name resolution of " + sp.title, Namespaces: inodes(sp),
			Cause: "Docker answers DNS at " + s.Local.String() + ", and the rules that lead 127.0.0.11:53 there are gone",
			Evidence: []Evidence{
				fact(sp.command("ss -lntu src 127.0.0.11"), "somebody listens on "+s.Local.String()),
				fact(sp.listRules(), "no rule mentions 127.0.0.11"),
			},
			Fix: &Fix{"restart the container: Docker writes the rules when it starts", restart(e.x, sp)},
		})
	}
}

// dnsLoopback looks at each network namespace from which somebody asks with
// these name servers.
func dnsLoopback(e *exam) {
	told := map[*space]bool{}
	list := e.x.Snapshot().Resolvers
	for i := range list {
		if slices.ContainsFunc(list[i].Nameservers, func(a netip.Addr) bool { return !a.IsLoopback() }) {
			continue
		}
		for _, pid := range e.x.Members(list[i].NS) {
			p := e.x.Process(pid)
			sp := e.byKey[fmt.Sprintf("net:[%d]", p.NS.Of(inspect.Net).Ino)]
			if sp != nil && !told[sp] && sp.Has(inspect.FactPorts) && sp.connected() {
				told[sp] = true
				e.asks(sp, pid, list[i].Nameservers)
			}
		}
	}
}

// connected reports whether a namespace has more than a loopback.
func (sp *space) connected() bool {
	for _, l := range sp.links {
		if !l.Loopback() && l.Up() && l.addressed() {
			return true
		}
	}
	return false
}

// asks reports servers, all of them loopback addresses, of whom none answers.
func (e *exam) asks(sp *space, pid int, servers []netip.Addr) {
	named := "names no name server, which stands for 127.0.0.1"
	if len(servers) > 0 {
		named = "names " + joined(servers)
	} else if servers = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}; sp.uplink(inspect.FamilyIPv4) == nil {
		return // nor has it a way to one
	}
	for _, a := range servers {
		if a == dockerDNS() && slices.ContainsFunc(sp.Sockets, func(s inspect.Socket) bool { return s.Local.Addr() == a }) {
			return // Docker is there: whether questions reach it is container-dns's to say
		}
		switch answered, why := sp.answersDNS(a); {
		case why != "":
			e.unknown("name resolution of "+sp.title, "where questions to "+a.String()+" go: "+why, sp)
			return
		case answered:
			return
		}
	}
	f := Finding{
		Object: "name resolution of " + sp.title, Namespaces: inodes(sp),
		Cause: fmt.Sprintf("its /etc/resolv.conf %s, and nobody listens there in its network namespace", named),
		Evidence: []Evidence{
			fact(fmt.Sprintf("cat /proc/%d/root/etc/resolv.conf", pid), "resolv.conf "+named),
			fact(sp.command("ss -lnup"), "no socket at port 53 of "+joined(servers)),
		},
		Fix: &Fix{Text: "name a server that the container reaches: docker run --dns ADDRESS, or \"dns\" in daemon.json. Where the host's file is mounted, mount /run/systemd/resolve/resolv.conf instead of the stub"},
	}
	if slices.Contains(servers, dockerDNS()) {
		f.Fix = &Fix{"Docker listens there while it runs: start it", "systemctl start docker"}
	}
	e.find(f)
}

// dockerDNS is where Docker answers questions of containers.
func dockerDNS() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 11}) }

// answersDNS reports whether somebody in a namespace gets what is sent over
// UDP to port 53 of a; why says why that cannot be told.
func (sp *space) answersDNS(a netip.Addr) (answered bool, why string) {
	if sp.listens(netip.AddrPortFrom(a, 53)) {
		return true, ""
	}
	lo := sp.loopback()
	q := sp.query("output", a, a, nil, lo)
	q.Packet.Proto, q.Packet.DstPort = filter.UDP, 53
	r := filter.Run(sp.rules, q)
	to := netip.AddrPortFrom(r.Packet.Dst, r.Packet.DstPort)
	switch {
	case r.Verdict == filter.Unknown:
		return false, r.Reason
	case r.NAT == nil:
		return false, ""
	case !to.Addr().IsLoopback():
		return true, "" // led elsewhere: who answers there is not for us to say
	}
	return sp.listens(to), ""
}

func (sp *space) loopback() *link {
	for _, l := range sp.links {
		if l.Loopback() {
			return l
		}
	}
	return nil
}

// listens reports whether a socket of UDP gets what is sent to an address and
// port of the namespace.
func (sp *space) listens(to netip.AddrPort) bool {
	return slices.ContainsFunc(sp.Sockets, func(s inspect.Socket) bool {
		a := s.Local.Addr()
		return s.Protocol == "udp" && s.Local.Port() == to.Port() && (a == to.Addr() || a.IsUnspecified() && (a.Is6() && !s.V6 || a.Is4() == to.Addr().Is4()))
	})
}

// joined are addresses with commas.
func joined(list []netip.Addr) string {
	var out []string
	for _, a := range list {
		out = append(out, a.String())
	}
	return strings.Join(out, ", ")
}

// restart is the command that restarts the container of a namespace.
func restart(x *inspect.Index, sp *space) string {
	if list := x.ContainersOf(sp.NS); len(list) > 0 && list[0].Engine == "docker" {
		return "docker restart " + word(list[0].DisplayName())
	}
	return ""
}

// mentions reports whether a rule has an address in it, or is not read.
func mentions(rs *inspect.Ruleset, a netip.Addr) bool {
	b := a.AsSlice()
	for i := range rs.Rules {
		for _, x := range rs.Rules[i].Exprs {
			if slices.Equal(x.Data, b) || x.Set != "" {
				return true
			}
		}
	}
	return false
}
