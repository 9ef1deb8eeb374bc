package graph

import (
	"fmt"

	"nsinspect/inspect"
)

// edges adds what the links of all interfaces say.
func (b *topologyBuilder) edges() {
	for _, ns := range append([]*Netns{}, b.t.Namespaces...) {
		for _, i := range append([]*Iface{}, ns.Interfaces...) {
			if i.facts == nil {
				continue // added on the way as the missing end of another
			}
			b.master(i)
			switch {
			case isPair(i.Kind):
				b.peer(i)
			case isTunnel(i.facts):
				b.underlay(i)
			case i.facts.LinkIndex != 0:
				b.lower(i)
			}
			b.servers(i)
		}
	}
}

// isPair reports whether interfaces of this kind come in pairs.
func isPair(kind string) bool { return kind == "veth" || kind == "netkit" || kind == "vxcan" }

// isTunnel reports whether the interface sends through another one that
// IFLA_LINK does not name.
func isTunnel(f *inspect.Interface) bool {
	switch f.Kind {
	case "vxlan", "geneve", "gre", "gretap", "ip6gre", "ip6gretap", "ipip", "sit", "ip6tnl", "vti", "vti6",
		"erspan", "ip6erspan", "wireguard", "xfrm", "gtp", "bareudp", "amt":
		return true
	}
	return false
}

// master adds the edge to the bridge, bond, team or vrf that i is in.
func (b *topologyBuilder) master(i *Iface) {
	if i.facts.Master == 0 {
		return
	}
	m := b.iface(i.ns, i.facts.Master)
	i.Master = m.Name
	b.edge(Edge{
		Kind: EdgePort, From: i.Key, To: m.Key, Label: i.PortState,
		Evidence: fmt.Sprintf("master of %s is ifindex %d", i.Name, m.IfIndex),
	})
}

// across returns the namespace in which the link index of i counts, and in
// words how that is known. Nil: the kernel names none.
func (b *topologyBuilder) across(i *Iface) (ns *Netns, how string) {
	if i.facts.LinkNSID == nil {
		return i.ns, "in the same namespace"
	}
	nsid := *i.facts.LinkNSID
	if nsid < 0 {
		ns = b.unknown(fmt.Sprintf("behind %s of %s", i.Name, i.ns.Title))
		return ns, "in a namespace without number"
	}
	n := b.nets[i.ns.Key]
	id, dark, ok := n.Peer(nsid)
	at := i.ns
	if n.Via != nil {
		// The links of a dark namespace count in the numbers of the one that
		// it was read from.
		at = b.t.spaces[netnsKey(n.Via.NS)]
	}
	switch {
	case ok && dark != 0:
		ns = b.t.spaces[darkKey(dark)]
	case ok:
		ns = b.t.spaces[netnsKey(id)]
	}
	if ns == nil {
		ns = b.unknown(b.nsidOf(at, nsid))
	}
	title := "unknown"
	if at != nil {
		title = at.Title
	}
	return ns, fmt.Sprintf("nsid %d of %s is %s", nsid, title, ns.Title)
}

// peer adds the edge between the two ends of a pair, once for both, and says
// so when only one of them knows of it.
func (b *topologyBuilder) peer(i *Iface) {
	ns, how := b.across(i)
	if i.facts.LinkIndex == 0 {
		if i.facts.LinkNSID == nil {
			return // its other end is gone
		}
		b.edge(Edge{Kind: EdgePeer, From: i.Key, To: ns.Key, Evidence: how, OneSided: true})
		return
	}
	p := b.iface(ns, i.facts.LinkIndex)
	e := Edge{Kind: EdgePeer, From: i.Key, To: p.Key, Evidence: fmt.Sprintf("link of %s is ifindex %d, %s", i.Name, p.IfIndex, how)}
	if b.pointsTo(p, i) {
		if !b.before(i, p) {
			return // the other end adds it
		}
		_, back := b.across(p)
		e.Evidence += fmt.Sprintf("; link of %s is ifindex %d, %s", p.Name, i.IfIndex, back)
	} else {
		e.OneSided = true
		e.Evidence += "; the other end does not say so"
	}
	b.edge(e)
}

// pointsTo reports whether p says that i is its other end.
func (b *topologyBuilder) pointsTo(p, i *Iface) bool {
	if p.facts == nil || !isPair(p.Kind) || p.facts.LinkIndex != i.IfIndex {
		return false
	}
	ns, _ := b.across(p)
	return ns == i.ns
}

// before orders two interfaces: by namespace, then by index.
func (b *topologyBuilder) before(i, p *Iface) bool {
	if i.ns == p.ns {
		return i.IfIndex < p.IfIndex
	}
	return i.ns.order < p.ns.order
}

// lower adds the edge to what i lies on: macvlan, ipvlan, vlan and the like.
func (b *topologyBuilder) lower(i *Iface) {
	ns, how := b.across(i)
	if ns == i.ns && i.facts.LinkIndex == i.IfIndex {
		return
	}
	l := b.iface(ns, i.facts.LinkIndex)
	b.edge(Edge{
		Kind: EdgeLower, From: i.Key, To: l.Key, Label: i.Kind,
		Evidence: fmt.Sprintf("link of %s is ifindex %d, %s", i.Name, l.IfIndex, how), OneSided: l.Missing,
	})
}

// underlay adds the edge from a tunnel to what it sends through: an interface
// or, where it is bound to none, the namespace that it was made in.
func (b *topologyBuilder) underlay(i *Iface) {
	if i.facts.Lower == 0 && i.facts.LinkNSID == nil {
		return
	}
	ns, how := b.across(i)
	to := ns.Key
	if i.facts.Lower != 0 {
		to = b.iface(ns, i.facts.Lower).Key
	}
	b.edge(Edge{
		Kind: EdgeUnderlay, From: i.Key, To: to, Label: i.Detail,
		Evidence: fmt.Sprintf("%s sends through ifindex %d, %s", i.Name, i.facts.Lower, how),
	})
}

// servers adds the processes that serve a tun or tap.
func (b *topologyBuilder) servers(i *Iface) {
	if i.facts.Tun == nil {
		return
	}
	for _, f := range i.facts.Tun.Servers {
		s := Server{Key: fmt.Sprintf("pid:%d", f.PID), PID: f.PID}
		if p := b.x.Process(f.PID); p != nil {
			s.Netns = netnsKey(p.NS.Of(inspect.Net))
			if p.Info != nil {
				s.Command = p.Info.Comm
			}
		}
		b.t.Servers = append(b.t.Servers, s)
		i.Servers = append(i.Servers, s)
		b.edge(Edge{
			Kind: EdgeServes, From: s.Key, To: i.Key, Label: i.facts.Tun.Mode,
			Evidence: fmt.Sprintf("pid %d has it open as fd %d", f.PID, f.FD),
		})
	}
}
