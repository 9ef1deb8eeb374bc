package doctor

import (
	"net/netip"
	"slices"

	"nsinspect/inspect"
)

func dnsChecks() []Check {
	return []Check{{
		ID: "container-dns", Title: "a container's name resolution leads nowhere", Severity: Fault,
		About: "In networks other than the default one Docker answers DNS at 127.0.0.11 in the container, on ports of its own choice, and rules in the container's network namespace lead port 53 there. " +
			"When these rules are gone, as after a flush in the wrong namespace, no name resolves.",
		Reference: "docs.docker.com: Networking overview, DNS services", Needs: inspect.FactNetwork | inspect.FactNetfilter | inspect.FactPorts, run: containerDNS,
	}}
}

func containerDNS(e *exam) {
	docker := netip.MustParseAddr("127.0.0.11")
	for _, sp := range e.spaces {
		rs := sp.Ruleset
		if rs == nil || !sp.Has(inspect.FactNetfilter) || len(rs.Legacy) > 0 || mentions(rs, docker) {
			continue
		}
		i := slices.IndexFunc(sp.Sockets, func(s inspect.Socket) bool {
			return s.Local.Addr() == docker && s.Local.Port() != 53 && (s.State == "LISTEN" || s.State == "UNCONN")
		})
		if i < 0 {
			continue
		}
		s := &sp.Sockets[i]
		e.find(Finding{
			Object: "name resolution of " + sp.title, Namespaces: inodes(sp),
			Cause: "Docker answers DNS at " + s.Local.String() + ", and the rules that lead 127.0.0.11:53 there are gone",
			Evidence: []Evidence{
				fact(sp.command("ss -lntu src 127.0.0.11"), "somebody listens on "+s.Local.String()),
				fact(sp.command("nft list ruleset"), "no rule mentions 127.0.0.11"),
			},
			Fix: &Fix{"restart the container: Docker writes the rules when it starts", restart(e.x, sp)},
		})
	}
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
