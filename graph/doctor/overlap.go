package doctor

import (
	"fmt"
	"net/netip"
	"slices"

	"nsinspect/inspect"
)

func overlapChecks() []Check {
	return []Check{{
		ID: "network-overlap", Title: "a network of Docker hides a part of the host's own network", Severity: Warning,
		About: "A bridge of Docker and another interface of the host have addresses of networks that overlap, and the host's route for both leads to the bridge: hosts at the other interface are not reached, the gateway or an administrator among them perhaps. " +
			"Docker avoids networks that it sees when it makes its own; a VPN or another address comes later. Where the route leads the other way, see subnet-shadowed. With proxy ARP on the other interface it is meant, and not reported.",
		Reference: "dockerd(8), default-address-pools", Needs: inspect.FactNetwork | inspect.FactRoutes | inspect.FactNetConf, run: networkOverlap,
	}}
}

func networkOverlap(e *exam) {
	for _, sp := range e.spaces {
		for _, b := range sp.bridges {
			if !b.docker() || !b.Up() {
				continue
			}
			for _, f := range families() {
				for _, p := range b.addrs(f) {
					if l, q := sp.rival(b, p, f); l != nil {
						e.overlap(b, p, l, q)
					}
				}
			}
		}
	}
}

// rival returns an interface with an address in a network that overlaps that
// of a bridge, where the route leads to the bridge; nil when there is none.
func (sp *space) rival(b *bridge, p netip.Prefix, f inspect.Family) (*link, netip.Prefix) {
	for i := range sp.Interfaces {
		l := sp.links[sp.Interfaces[i].Index]
		if l.Index == b.Index || l.Master != 0 || l.Loopback() || !l.Up() || l.Kind == "bridge" {
			continue
		}
		if c := sp.conf(f, l.Index); c != nil && c.ProxyNeigh {
			continue
		}
		for _, q := range l.addrs(f) {
			if q.IsSingleIP() || !p.Masked().Overlaps(q) {
				continue
			}
			if r := sp.best(mainTable, inBoth(p, q)); r != nil && leaves(r, b.Index) {
				return l, q
			}
		}
	}
	return nil, netip.Prefix{}
}

// inBoth is an address of two networks that overlap, neither's own.
func inBoth(p, q netip.Prefix) netip.Addr {
	small := p.Masked()
	if q.Bits() > p.Bits() {
		small = q.Masked()
	}
	own := []netip.Addr{small.Addr(), p.Addr(), q.Addr()}
	a := small.Addr()
	for slices.Contains(own, a) && small.Contains(a) {
		a = a.Next()
	}
	return a
}

func (e *exam) overlap(b *bridge, p netip.Prefix, l *link, q netip.Prefix) {
	say := speak(familyOf(p.Addr()))
	e.find(Finding{
		Object: b.object(), Namespaces: concerned(b, b.stations),
		Cause: fmt.Sprintf("its network %s overlaps %s of %s, and the host looks for both on %s: nobody on %[3]s with an address in it is reached", p.Masked(), q.Masked(), l.Name, b.Name),
		Evidence: []Evidence{
			fact(b.sp.command("ip address show dev %s", word(b.Name)), fmt.Sprintf("%s has %s", b.Name, p)),
			fact(b.sp.command("ip address show dev %s", word(l.Name)), fmt.Sprintf("%s has %s", l.Name, q)),
			fact(b.sp.command("%s route get %s", say.ip, inBoth(p, q)), fmt.Sprintf("%s is looked for on %s", inBoth(p, q), b.Name)),
		},
		Fix: &Fix{Text: "make the network anew with another --subnet; for good, keep Docker out of that range with default-address-pools in daemon.json"},
	})
}
