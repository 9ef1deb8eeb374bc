package doctor

import (
	"fmt"
	"net/netip"
	"slices"

	"nsinspect/inspect"
)

func addressChecks() []Check {
	return []Check{
		{
			ID: "container-address", Title: "a container has lost the address that its engine gave it", Severity: Fault,
			About: "The engine says which address a container has in each of its networks, and no interface in the container's network namespace has it. Seen when something in the container, or a tool for the host's interfaces, flushed it. " +
				"Of an IPv6 address it is a warning, for a container can be told to do without IPv6.",
			Reference: "docker inspect, NetworkSettings; ip-address(8)", Needs: inspect.FactNetwork | inspect.FactRoutes | inspect.FactLeads, run: containerAddress,
		},
		{
			ID: "duplicate-v6", Title: "the kernel does not use an IPv6 address, because somebody else has it", Severity: Fault,
			About:     "Before it uses an IPv6 address the kernel asks whether it is taken (duplicate address detection). When somebody answers, the address stays on the interface with the flag dadfailed and is not used.",
			Reference: "ip-address(8), dadfailed; RFC 4862", Needs: inspect.FactNetwork, run: dadFailed,
		},
		{
			ID: "gateway-silent", Title: "the gateway of the default route does not answer", Severity: Warning,
			About: "The kernel asked for the link layer address of the gateway, and nobody answered: its entry among the neighbours is FAILED. Nothing that leaves by it arrives, from containers neither. " +
				"It is a warning, for the entry may be of some time ago. The gateways of containers on bridges are looked at by other checks.",
			Reference: "ip-neighbour(8)", Needs: inspect.FactNetwork | inspect.FactRoutes | inspect.FactNeighbors, run: gatewaySilent,
		},
	}
}

func containerAddress(e *exam) {
	list := e.x.Snapshot().Containers
	for i := range list {
		c := &list[i]
		p := e.x.Process(c.PID)
		if p == nil || c.State != "running" {
			continue
		}
		sp := e.byKey[fmt.Sprintf("net:[%d]", p.NS.Of(inspect.Net).Ino)]
		if sp == nil || sp.own || sp.Torn {
			continue
		}
		for k := range c.Networks {
			n := &c.Networks[k]
			for _, a := range []netip.Addr{n.Addr, n.Addr6} {
				if a.IsValid() && !sp.hasAddr(a) {
					e.lacks(sp, c, n, a)
				}
			}
		}
	}
}

// lacks reports a container without one of its addresses.
func (e *exam) lacks(sp *space, c *inspect.Container, n *inspect.ContainerNetwork, a netip.Addr) {
	f := Finding{
		Object: "container " + c.DisplayName(), Namespaces: inodes(sp),
		Cause: fmt.Sprintf("its engine says that it has %s in network %s, and none of its interfaces has", a, n.Name),
		Evidence: []Evidence{
			fact(sp.command("ip address"), "no interface has "+a.String()),
			fact("docker inspect "+word(c.DisplayName()), fmt.Sprintf("%s in network %s", a, n.Name)),
		},
		Fix: &Fix{"restart the container: the engine gives it all its addresses again", restart(e.x, sp)},
	}
	var first []string
	if a.Is6() {
		f.Severity = Warning
		if off := "net.ipv6.conf.all.disable_ipv6"; sp.Sysctls[off] == "1" {
			f.Cause += ": IPv6 is turned off in it"
			f.Evidence = append(f.Evidence, fact(sp.command("sysctl %s", off), off+" is 1"))
			first = []string{"sysctl -w " + off + "=0"}
		}
	}
	if s := e.plugOf(sp, n, a); s != nil {
		f.Namespaces = append(f.Namespaces, inodes(s.bridge.sp)...)
		f.Fix = &Fix{"give it the address back", sp.commands(append(first, s.readdress(a)...)...)}
	}
	e.find(f)
}

// plugOf returns the interface that is to have an address of a network: by its
// link layer address, or the only one; nil when it is not on a bridge with an
// address of the network.
func (w *world) plugOf(sp *space, n *inspect.ContainerNetwork, a netip.Addr) *station {
	var found []*station
	w.each(func(b *bridge) {
		for _, s := range b.stations {
			if s.sp == sp && s.Up() && b.covers(a) && (n.MAC == "" || n.MAC == s.Address) {
				found = append(found, s)
			}
		}
	})
	if len(found) != 1 {
		return nil
	}
	return found[0]
}

// readdress are the commands that give a station an address, and the default
// route that went with it.
func (s *station) readdress(a netip.Addr) []string {
	say, way := speak(familyOf(a)), s.bridge.subnet(a)
	list := []string{fmt.Sprintf("ip address add %s/%d dev %s", a, way.Bits(), word(s.Name))}
	if s.sp.wayOut(familyOf(a)) == nil {
		list = append(list, fmt.Sprintf("%s route add default via %s dev %s", say.ip, way.Addr(), word(s.Name)))
	}
	return list
}

// IFA_F_DADFAILED and IFA_F_TENTATIVE of linux/if_addr.h: the kernel does not
// use the address, or not yet.
const (
	addrDADFailed = 0x08
	addrTentative = 0x40
)

func dadFailed(e *exam) {
	for _, sp := range e.spaces {
		for i := range sp.Interfaces {
			l := sp.links[sp.Interfaces[i].Index]
			for _, a := range l.Addrs {
				if a.Flags&addrDADFailed != 0 {
					e.unused(l, a.Prefix)
				}
			}
		}
	}
}

func (e *exam) unused(l *link, p netip.Prefix) {
	f := Finding{
		Object: "interface " + l.name(), Namespaces: inodes(l.sp),
		Cause:    fmt.Sprintf("the kernel does not use its address %s, for somebody else answers to it", p.Addr()),
		Evidence: []Evidence{fact(l.sp.command("ip -6 address show dev %s dadfailed", word(l.Name)), fmt.Sprintf("%s has the flag dadfailed", p))},
		Fix: &Fix{
			"take the address from the other, or give this one another; then make it anew, so that the kernel asks again",
			l.sp.commands(fmt.Sprintf("ip address del %s dev %s", p, word(l.Name)), fmt.Sprintf("ip address add %s dev %s", p, word(l.Name))),
		},
	}
	for _, sp := range e.spaces {
		for _, o := range sp.links {
			if o != l && o.has(p.Addr()) && !p.Addr().IsLinkLocalUnicast() {
				f.Cause = fmt.Sprintf("the kernel does not use its address %s, for %s has it too", p.Addr(), o.name())
				f.Evidence = append(f.Evidence, fact(sp.command("ip -6 address show dev %s", word(o.Name)), o.name()+" has "+p.Addr().String()))
				f.Namespaces = append(f.Namespaces, inodes(sp)...)
			}
		}
	}
	e.find(f)
}

func gatewaySilent(e *exam) {
	for _, sp := range e.spaces {
		for _, f := range families() {
			r := sp.wayOut(f)
			if r == nil || !r.Hops[0].Via.IsValid() {
				continue
			}
			l, gate := sp.links[r.Hops[0].Oif], r.Hops[0].Via
			if l == nil || l.peer != nil && l.peer.Master != 0 || !l.Up() {
				continue
			}
			failed := slices.ContainsFunc(sp.Neighbors, func(n inspect.Neighbor) bool {
				return n.Index == l.Index && n.Addr == gate && n.State == "FAILED"
			})
			if failed {
				e.silentGateway(sp, l, gate, speak(f))
			}
		}
	}
}

func (e *exam) silentGateway(sp *space, l *link, gate netip.Addr, say dialect) {
	e.find(Finding{
		Object: fmt.Sprintf("default gateway %s%s", gate, sp.of()), Namespaces: sp.everyone(),
		Cause: fmt.Sprintf("nobody answered when the kernel last asked for it on %s: nothing gets beyond the network of that interface", l.Name),
		Evidence: []Evidence{
			fact(sp.command("%s neighbour show %s dev %s", say.ip, gate, word(l.Name)), fmt.Sprintf("%s dev %s FAILED", gate, l.Name)),
			fact(sp.command("%s route show default", say.ip), fmt.Sprintf("default via %s dev %s", gate, l.Name)),
		},
		Fix: &Fix{Text: "look whether the gateway is up, and whether the address, the VLAN and the cable are right; on a virtual machine, whether the cloud lets this link layer address pass"},
	})
}
