package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nsinspect/inspect"
)

const bridgeRef = "ip-link(8), bridge(8)"

func bridgeChecks() []Check {
	return []Check{
		{
			ID: "bridge-address", Title: "a bridge has lost the address that is its containers' gateway", Severity: Fault,
			About: "Containers send what leaves their network to the address of the bridge. When a tool that manages interfaces flushes it, they still reach each other and nothing else. " +
				"Reported where every port of a bridge is a veth with a known other end, and nobody on the bridge has the gateway's address.",
			Reference: "ip-address(8)", Needs: inspect.FactNetwork | inspect.FactRoutes, run: bridgeAddress,
		},
		{
			ID: "veth-off-bridge", Title: "the host's end of a container's veth is in no bridge", Severity: Fault,
			About: "The container's gateway is the address of a bridge in the namespace at the other end of its veth, but that end is not a port of the bridge and no route leads to it. " +
				"Networks that route to each veth, as Calico's, have such routes and are not reported.",
			Reference: bridgeRef, Needs: inspect.FactNetwork | inspect.FactRoutes, run: vethOffBridge,
		},
		{
			ID: "link-down", Title: "a bridge, a port of it or a container's interface is turned off", Severity: Fault,
			About:     "A bridge that somebody hangs on, the host's end of a veth or the container's own is administratively down. A bridge without running containers is up and has no carrier: that is no fault.",
			Reference: "ip-link(8)", Needs: inspect.FactNetwork, run: linkDown,
		},
		{
			ID: "port-state", Title: "a bridge does not forward on a port that is up", Severity: Fault,
			About:     "A port with carrier whose state is disabled or blocking passes no frames. In listening and learning, which spanning tree waits in for twice the forward delay, it does not do so yet: that is a warning. Where spanning tree is on, a blocking port may be what keeps a loop from closing: that is a note.",
			Reference: bridgeRef, Needs: inspect.FactNetwork, run: portState,
		},
		{
			ID: "duplicate-mac", Title: "two interfaces on a bridge have the same link layer address", Severity: Fault,
			About:     "The bridge sends frames for the address to whichever of them was heard last, so that each works at times. Seen with --mac-address, copied compose files and cloned virtual machines.",
			Reference: bridgeRef, Needs: inspect.FactNetwork, run: duplicateMAC,
		},
		{
			ID: "duplicate-ip", Title: "two interfaces on a bridge have the same IP address", Severity: Fault,
			About: "Neighbours send to whichever of them answered ARP last. ping works all the same, and connections break. " +
				"Addresses with a prefix of the full length are left out: pairs for high availability hand these over.",
			Reference: "arping(8)", Needs: inspect.FactNetwork, run: duplicateIP,
		},
		{
			ID: "mtu", Title: "containers send larger packets than the uplink takes", Severity: Warning,
			About: "Small packets pass and large ones hang wherever the message \"fragmentation needed\" is lost, so that connections stall after they were set up. " +
				"Reported where a container with a default route through a bridge has an MTU above the uplink's and no rule clamps the segment size of TCP.",
			Reference: "docker network create --opt com.docker.network.driver.mtu", Needs: inspect.FactNetwork | inspect.FactRoutes | inspect.FactNetfilter, run: mtuAboveUplink,
		},
	}
}

// nobodyHas reports whether nobody on a closed bridge has an address: not the
// bridge itself, not one of those who hang on it, and the bridge does not
// answer for others.
func (b *bridge) nobodyHas(a netip.Addr) bool {
	if c := b.sp.conf(familyOf(a), b.Index); !b.closed || b.has(a) || c != nil && c.ProxyNeigh {
		return false
	}
	for _, s := range b.stations {
		if s.has(a) {
			return false
		}
	}
	return true
}

// lost are the gateways that stations send to and nobody has, with these
// stations.
func (b *bridge) lost() (gates []netip.Addr, of map[netip.Addr][]*station) {
	of = map[netip.Addr][]*station{}
	for _, s := range b.stations {
		for _, f := range families() {
			for _, g := range s.gateways(f) {
				if b.nobodyHas(g) {
					if of[g] == nil {
						gates = append(gates, g)
					}
					of[g] = append(of[g], s)
				}
			}
		}
	}
	return gates, of
}

// covers reports whether the bridge has an address in the network of a, which
// is not link-local.
func (b *bridge) covers(a netip.Addr) bool { return b.subnet(a).IsValid() }

// subnet is the address that the bridge has in the network of a, with the
// length of its prefix; invalid where it has none.
func (b *bridge) subnet(a netip.Addr) netip.Prefix {
	for i := range b.Addrs {
		if p := b.Addrs[i].Prefix; p.Contains(a) && !a.IsLinkLocalUnicast() {
			return p
		}
	}
	return netip.Prefix{}
}

func bridgeAddress(e *exam) {
	e.each(func(b *bridge) {
		gates, of := b.lost()
		for _, g := range gates {
			if b.covers(g) {
				continue // the gateway is wrong, not the bridge: see default-route
			}
			s, f := of[g][0], familyOf(g)
			say := speak(f)
			bits := say.usual
			for _, p := range s.addrs(f) {
				if p.Contains(g) {
					bits = p.Bits()
				}
			}
			have := map[inspect.Family]string{inspect.FamilyIPv4: "no IPv4 address", inspect.FamilyIPv6: "no IPv6 address but link-local ones"}[f]
			if l := b.addrs(f); len(l) > 0 {
				have = "only " + l[0].String()
			}
			e.find(Finding{
				Object: b.object(), Namespaces: concerned(b, of[g]),
				Cause: fmt.Sprintf("%s is the default gateway of %s, and nobody has it: the bridge has %s", g, titles(of[g]), have),
				Evidence: []Evidence{
					fact(b.sp.command("ip address show dev %s", word(b.Name)), fmt.Sprintf("%s has %s", b.Name, have)),
					fact(s.sp.command("%s route", say.ip), fmt.Sprintf("%s has default via %s dev %s", s.sp.title, g, s.Name)),
				},
				Fix: &Fix{"give the bridge its address back", b.sp.command("ip address add %s/%d dev %s", g, bits, word(b.Name))},
			})
		}
	})
}

func vethOffBridge(e *exam) {
	for _, sp := range e.spaces {
		for i := range sp.Interfaces {
			l := sp.links[sp.Interfaces[i].Index]
			p := l.peer
			if p == nil || p.sp == sp || p.Master != 0 || p.addressed() || !p.sp.Has(inspect.FactRoutes) {
				continue
			}
			s := &station{link: l, port: p}
			for _, g := range slices.Concat(s.gateways(inspect.FamilyIPv4), s.gateways(inspect.FamilyIPv6)) {
				if b := p.sp.bridgeWith(g); b != nil && !g.IsLinkLocalUnicast() && !p.sp.routesTo(l, p.Index) {
					e.offBridge(s, b, g)
					break
				}
			}
		}
	}
}

// bridgeWith returns the bridge that has an address.
func (sp *space) bridgeWith(a netip.Addr) *bridge {
	for _, b := range sp.bridges {
		if b.has(a) {
			return b
		}
	}
	return nil
}

// routesTo reports whether a route leads to an address of l through port.
func (sp *space) routesTo(l *link, port int) bool {
	for i := range sp.Routes {
		for _, a := range l.Addrs {
			ip := a.Prefix.Addr()
			if r := &sp.Routes[i]; !ip.IsLinkLocalUnicast() && r.Dst.Contains(ip) && leaves(r, port) {
				return true
			}
		}
	}
	return false
}

func (e *exam) offBridge(s *station, b *bridge, g netip.Addr) {
	e.find(Finding{
		Object: "interface " + s.port.name(), Namespaces: append(inodes(b.sp), inodes(s.sp)...),
		Cause: fmt.Sprintf("it is the host's end of %s of %s, whose gateway %s is on %s, but it is not a port of that bridge", s.Name, s.sp.title, g, b.Name),
		Evidence: []Evidence{
			fact(b.sp.command("ip link show dev %s", word(s.port.Name)), s.port.Name+" has no master"),
			fact(b.sp.command("ip address show dev %s", word(b.Name)), fmt.Sprintf("%s has %s", b.Name, g)),
			fact(s.sp.command("%s route", speak(familyOf(g)).ip), fmt.Sprintf("%s has default via %s dev %s", s.sp.title, g, s.Name)),
		},
		Fix: &Fix{"put it back into the bridge", b.sp.command("ip link set dev %s master %s", word(s.port.Name), word(b.Name))},
	})
}

func linkDown(e *exam) {
	e.each(func(b *bridge) {
		if !b.Up() {
			e.isDown(b.link, b.object(), "nobody on it reaches anything: "+titles(b.stations), concerned(b, b.stations))
		}
		for _, s := range b.stations {
			list := concerned(b, []*station{s})
			if !s.port.Up() {
				e.isDown(s.port, "interface "+s.port.name(), fmt.Sprintf("it is the host's end of %s of %s, which has no network", s.Name, s.sp.title), list)
			}
			if !s.Up() && len(s.Addrs) > 0 {
				e.isDown(s.link, "interface "+s.name(), "it has an address and is plugged into "+b.Name, list)
			}
		}
	})
}

func (e *exam) isDown(l *link, object, so string, list []uint64) {
	e.find(Finding{
		Object: object, Namespaces: list, Cause: "it is administratively down; " + so,
		Evidence: []Evidence{fact(l.sp.command("ip link show dev %s", word(l.Name)), fmt.Sprintf("%s lacks the flag UP, state %s", l.Name, l.OperState))},
		Fix:      &Fix{"turn it on", l.sp.command("ip link set dev %s up", word(l.Name))},
	})
}

func portState(e *exam) {
	for _, sp := range e.spaces {
		for _, b := range sp.bridges {
			for _, p := range b.ports {
				if p.Port != nil && p.Port.State != "forwarding" && p.Up() && p.OperState == "UP" && b.Up() && !(p.peer != nil && !p.peer.Up()) {
					e.notForwarding(b, p)
				}
			}
		}
	}
}

func (e *exam) notForwarding(b *bridge, p *link) {
	f := Finding{
		Object: "port " + p.name(), Namespaces: inodes(b.sp),
		Cause: fmt.Sprintf("bridge %s does not forward on it: its state is %s", b.Name, p.Port.State),
		Evidence: []Evidence{
			fact(b.sp.command("bridge -d link show dev %s", word(p.Name)), fmt.Sprintf("%s is up with carrier, state %s", p.Name, p.Port.State)),
		},
		Fix: &Fix{"let it forward", b.sp.command("bridge link set dev %s state forwarding", word(p.Name))},
	}
	if p.peer != nil {
		f.Cause += "; behind it is " + p.peer.name()
		f.Namespaces = append(f.Namespaces, inodes(p.peer.sp)...)
	}
	stp := b.Bridge != nil && b.Bridge.STP
	if stp {
		f.Evidence = append(f.Evidence, fact(b.sp.command("ip -d link show dev %s", word(b.Name)), "spanning tree is on"))
		f.Fix = &Fix{"if no bridges form a loop here, turn spanning tree off", b.sp.command("ip link set dev %s type bridge stp_state 0", word(b.Name))}
	}
	switch p.Port.State {
	case "listening", "learning":
		f.Severity = Warning
	case "blocking":
		if stp { // it may be what keeps a loop from closing
			f.Severity = Note
		}
	}
	e.find(f)
}

func duplicateMAC(e *exam) {
	e.each(func(b *bridge) {
		by := map[string][]*station{}
		var order []string
		for _, s := range b.stations {
			if a := s.Address; a != "" && s.Up() {
				if by[a] == nil {
					order = append(order, a)
				}
				by[a] = append(by[a], s)
			}
		}
		for _, a := range order {
			if len(by[a]) > 1 {
				e.duplicate(b, by[a], "link layer address "+a, "link", nil)
			}
		}
	})
}

func duplicateIP(e *exam) {
	e.each(func(b *bridge) {
		by := map[netip.Addr][]*station{}
		var order []netip.Addr
		for _, s := range b.stations {
			for _, a := range s.Addrs {
				ip := a.Prefix.Addr()
				if a.Prefix.IsSingleIP() || ip.IsLinkLocalUnicast() || !s.Up() || a.Flags&(addrTentative|addrDADFailed) != 0 {
					continue
				}
				if by[ip] == nil {
					order = append(order, ip)
				}
				by[ip] = append(by[ip], s)
			}
		}
		for _, ip := range order {
			switch {
			case b.has(ip):
				e.duplicate(b, by[ip], "address "+ip.String(), "address", b.link)
			case len(by[ip]) > 1:
				e.duplicate(b, by[ip], "address "+ip.String(), "address", nil)
			}
		}
	})
}

// duplicate reports what several on a bridge have, with the bridge itself
// where it has it too.
func (e *exam) duplicate(b *bridge, list []*station, what, show string, too *link) {
	var names []string
	f := Finding{Object: b.object(), Namespaces: concerned(b, list)}
	see := func(l *link) {
		names = append(names, l.name())
		f.Evidence = append(f.Evidence, fact(l.sp.command("ip %s show dev %s", show, word(l.Name)), l.name()+" has "+what))
	}
	if too != nil {
		see(too)
	}
	for _, s := range list {
		see(s.link)
	}
	f.Cause = what + " is there more than once: " + strings.Join(names, ", ")
	f.Fix = &Fix{Text: "recreate all but one of them without an address of your own choice"}
	e.find(f)
}

func mtuAboveUplink(e *exam) {
	e.each(func(b *bridge) {
		for _, f := range families() {
			up := b.sp.uplink(f)
			if up == nil || up.MTU == 0 || b.internal() {
				continue
			}
			large := slices.DeleteFunc(b.routed(f), func(s *station) bool { return s.MTU <= up.MTU })
			if len(large) > 0 {
				e.tooLarge(b, up, large, speak(f))
				return
			}
		}
	})
}

func (e *exam) tooLarge(b *bridge, up *link, large []*station, say dialect) {
	if !e.rulesRead(b.sp) || clamps(b.sp.rules) {
		return
	}
	most := uint32(0)
	for _, s := range large {
		most = max(most, s.MTU)
	}
	e.find(Finding{
		Object: b.object(), Namespaces: concerned(b, large),
		Cause: fmt.Sprintf("%s %s packets of up to %d bytes, the uplink %s takes %d", titles(large), either(len(large), "sends", "send"), most, up.Name, up.MTU),
		Evidence: []Evidence{
			fact(large[0].sp.command("ip link show dev %s", word(large[0].Name)), fmt.Sprintf("%s has mtu %d", large[0].name(), large[0].MTU)),
			fact(b.sp.command("ip link show dev %s", word(up.Name)), fmt.Sprintf("%s has mtu %d", up.Name, up.MTU)),
			fact(b.sp.listRules(), "no rule sets the segment size of TCP"),
		},
		Fix: &Fix{
			"clamp TCP now; for good, create the network with the uplink's MTU",
			b.sp.command("%s -t mangle -A FORWARD -o %s -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu", b.sp.iptables(say), word(up.Name)),
		},
	})
}

// clamps reports whether a rule sets the segment size of TCP.
func clamps(rs *inspect.Ruleset) bool {
	if rs == nil {
		return false
	}
	for i := range rs.Rules {
		for _, x := range rs.Rules[i].Exprs {
			if x.Extension == "TCPMSS" || x.Name == "exthdr" && x.Sreg != 0 {
				return true
			}
		}
	}
	return false
}
