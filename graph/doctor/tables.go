package doctor

import (
	"fmt"
	"net/netip"
	"strconv"

	"nsinspect/inspect"
)

// full and nearly are the shares of a table, in percent, that are a fault and
// a warning.
const (
	full   = 98
	nearly = 85
)

func tableChecks() []Check {
	return []Check{
		{
			ID: "conntrack-full", Title: "the connection tracking table is nearly full", Severity: Fault,
			About:     fmt.Sprintf("When it is full the kernel drops packets of new connections and logs \"nf_conntrack: table full\". A warning from %d percent, a fault from %d.", nearly, full),
			Reference: "nf_conntrack-sysctl: nf_conntrack_max", Needs: inspect.FactNetwork | inspect.FactNetConf, run: conntrackFull,
		},
		{
			ID: "neighbors-full", Title: "the neighbour table is nearly full", Severity: Fault,
			About: "All network namespaces share one table of IPv4 neighbours and one of IPv6 neighbours, each bounded by gc_thresh3 of the first namespace. Beyond it the kernel logs \"neighbour: arp_cache: neighbor table overflow\" and packets to new neighbours are lost. " +
				"Permanent entries do not count.",
			Reference: "arp(7), gc_thresh3", Needs: inspect.FactNetwork | inspect.FactNeighbors | inspect.FactNetConf, run: neighborsFull,
		},
		{
			ID: "stale-udp", Title: "packets for a published UDP port follow a tracked connection to where the port led before", Severity: Warning,
			About: "The kernel asks the rules once for each connection. A client that sends over UDP without a pause keeps the entry alive that was made before the container was replaced, and never gets to the new one. " +
				"Reported where the answer is expected from an address that nobody has, or from the host itself. Not looked at with more than some 30,000 tracked connections.",
			Reference: "conntrack(8)", Needs: inspect.FactNetwork | inspect.FactNetfilter | inspect.FactNeighbors, run: staleUDP,
		},
	}
}

func staleUDP(e *exam) {
	e.publishers(func(sp *space) {
		for _, d := range sp.dnats() {
			if d.Protocol != "udp" || !d.To.Is4() || d.HostPort == 0 || sp.stationAt(d.To) == nil {
				continue
			}
			right := netip.AddrPortFrom(d.To, d.Port)
			for _, f := range sp.Flows {
				toHost := f.Dst.Port() == d.HostPort && sp.hasAddr(f.Dst.Addr()) && (!d.HostIP.IsValid() || d.HostIP == f.Dst.Addr())
				if !toHost || f.From == right || sp.hasAddr(f.Src.Addr()) || sp.stationAt(f.Src.Addr()) != nil || f.From != f.Dst && e.someoneHas(f.From.Addr()) {
					continue
				}
				e.staleFlow(sp, d, f)
			}
		}
	})
}

// hasAddr reports whether the namespace itself has an address.
func (sp *space) hasAddr(a netip.Addr) bool {
	for _, l := range sp.links {
		if l.has(a) {
			return true
		}
	}
	return false
}

func (e *exam) staleFlow(sp *space, d dnat, f inspect.Flow) {
	e.find(Finding{
		Object: "port " + d.Label() + sp.of(), Namespaces: append(inodes(sp), inodes(sp.stationAt(d.To).sp)...),
		Cause: fmt.Sprintf("packets from %s follow a tracked connection to %s, not the rule to %s:%d", f.Src, f.From, d.To, d.Port),
		Evidence: []Evidence{
			fact(sp.command("conntrack -L -p udp --orig-port-dst %d", f.Dst.Port()), fmt.Sprintf("%s → %s, answered by %s", f.Src, f.Dst, f.From)),
			fact(sp.listing(d.place()), d.Text),
		},
		Fix: &Fix{"forget this connection", sp.command("conntrack -D -p udp --orig-src %s --orig-port-src %d --orig-dst %s --orig-port-dst %d", f.Src.Addr(), f.Src.Port(), f.Dst.Addr(), f.Dst.Port())},
	})
}

// number is a sysctl; ok is false when it is not known or no number.
func (sp *space) number(name string) (n int, ok bool) {
	n, err := strconv.Atoi(sp.Sysctls[name])
	return n, err == nil
}

// level is the severity of a share; "" when there is room enough.
func level(used, limit int) Severity {
	switch {
	case limit <= 0 || used*100 < limit*nearly:
		return ""
	case used*100 < limit*full:
		return Warning
	}
	return Fault
}

func conntrackFull(e *exam) {
	for _, sp := range e.spaces {
		used, ok := sp.number("net.netfilter.nf_conntrack_count")
		limit, too := sp.number("net.netfilter.nf_conntrack_max")
		sev := level(used, limit)
		if !ok || !too || sev == "" {
			continue
		}
		f := Finding{
			Severity: sev, Object: "connection tracking" + sp.of(), Namespaces: sp.everyone(),
			Cause:    fmt.Sprintf("%d of at most %d connections are tracked: new ones will be dropped", used, limit),
			Evidence: []Evidence{fact(sp.command("sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max"), fmt.Sprintf("%d of %d", used, limit))},
			// The limit is the first namespace's, and can be set there only.
			Fix: &Fix{"raise the limit, then look for who opens so many (conntrack -L)", fmt.Sprintf("sysctl -w net.netfilter.nf_conntrack_max=%d", 2*limit)},
		}
		e.find(f)
	}
}

// everyone are the inodes of the namespace and of all who hang on its bridges.
func (sp *space) everyone() []uint64 {
	out := inodes(sp)
	for _, b := range sp.bridges {
		out = append(out, concerned(b, b.stations)...)
	}
	return out
}

func neighborsFull(e *exam) {
	for _, f := range families() {
		e.neighbors(f)
	}
}

func (e *exam) neighbors(f inspect.Family) {
	say := speak(f)
	name := "net." + say.sysctl + ".neigh.default.gc_thresh3"
	var home *space
	limit, used := 0, 0
	for _, sp := range e.spaces {
		// Only the first network namespace has the limit.
		if n, ok := sp.number(name); ok {
			home, limit = sp, n
		}
		for i := range sp.Neighbors {
			if n := &sp.Neighbors[i]; familyOf(n.Addr) == f && n.State != "PERMANENT" && n.State != "NOARP" {
				used++
			}
		}
	}
	sev := level(used, limit)
	if home == nil || sev == "" {
		return
	}
	var all []uint64
	for _, sp := range e.spaces {
		all = append(all, inodes(sp)...)
	}
	e.find(Finding{
		Severity: sev, Object: "neighbour table of " + say.name, Namespaces: all,
		Cause: fmt.Sprintf("%d of at most %d entries are in use, in all network namespaces together", used, limit),
		Evidence: []Evidence{
			fact(home.command("sysctl %s", name), fmt.Sprintf("gc_thresh3 is %d", limit)),
			fact(home.command("%s -s neighbour", say.ip), fmt.Sprintf("%d entries in all namespaces", used)),
		},
		Fix: &Fix{"raise the limit", home.command("sysctl -w %s=%d", name, 4*limit)},
	})
}
