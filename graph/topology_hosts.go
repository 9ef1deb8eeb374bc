package graph

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// networks writes the names of the engines' networks beside the bridges, or
// whatever else the containers' interfaces hang on. Which network an
// interface is in its addresses tell.
func (b *topologyBuilder) networks() {
	list := b.x.Snapshot().Containers
	for k := range list {
		c := &list[k]
		p := b.x.Process(c.PID)
		if p == nil {
			continue
		}
		ns := b.t.spaces[netnsKey(p.NS.Of(inspect.Net))]
		if ns == nil || ns.Kind != NetnsContainer {
			continue
		}
		for _, n := range c.Networks {
			if i := ns.byAddress(n.Addr, n.Addr6); i != nil {
				b.nameNetwork(i, &n)
			}
		}
	}
}

// byAddress returns the interface that has one of the addresses.
func (ns *Netns) byAddress(addrs ...netip.Addr) *Iface {
	for _, i := range ns.Interfaces {
		if i.has(addrs...) {
			return i
		}
	}
	return nil
}

// has reports whether the interface has one of the addresses.
func (i *Iface) has(addrs ...netip.Addr) bool {
	return i.facts != nil && slices.ContainsFunc(i.facts.Addrs, func(a inspect.Addr) bool { return slices.Contains(addrs, a.Prefix.Addr()) })
}

// nameNetwork names what i hangs on: the bridge that its peer is a port of,
// or the parent of a macvlan.
func (b *topologyBuilder) nameNetwork(i *Iface, n *inspect.ContainerNetwork) {
	name := n.Name
	i.Network = name
	for _, next := range b.above(i) {
		if next.ns == i.ns {
			continue
		}
		if m := b.masterOf(next); m != nil {
			next = m
		}
		if e := b.engineNetwork(n.ID); e != nil {
			next.engine = e
		}
		if next.Network == "" {
			next.Network = name
		} else if !slices.Contains(strings.Split(next.Network, ", "), name) {
			next.Network += ", " + name
		}
	}
}

// above returns the peer of i and what it lies on.
func (b *topologyBuilder) above(i *Iface) (out []*Iface) {
	if i.facts == nil || i.facts.LinkIndex == 0 || isTunnel(i.facts) {
		return nil
	}
	ns, _ := b.across(i)
	if p := b.t.ifaces[ifaceKey(ns, i.facts.LinkIndex)]; p != nil {
		out = append(out, p)
	}
	return out
}

func (b *topologyBuilder) masterOf(i *Iface) *Iface {
	if i.facts == nil || i.facts.Master == 0 {
		return nil
	}
	return b.t.ifaces[ifaceKey(i.ns, i.facts.Master)]
}

// mainTable is RT_TABLE_MAIN of linux/rtnetlink.h.
const mainTable = 254

// defaults marks the interfaces that default routes of the main table leave
// through, and joins the bridges of the same namespace to them: that is how
// packets of containers reach the world.
func (b *topologyBuilder) defaults() {
	for _, ns := range b.t.Namespaces {
		n := b.nets[ns.Key]
		if n == nil {
			continue
		}
		var first *Iface
		for _, r := range defaultRoutes(n) {
			for _, h := range r.Hops {
				i := b.t.ifaces[ifaceKey(ns, h.Oif)]
				if i == nil {
					continue
				}
				text := "on link"
				if h.Via.IsValid() {
					text = "via " + h.Via.String()
				}
				if !slices.Contains(strings.Split(i.Default, ", "), text) {
					i.Default = strings.TrimPrefix(i.Default+", "+text, ", ")
				}
				if first == nil && r.Family == inspect.FamilyIPv4 {
					first = i
				}
			}
		}
		if first != nil {
			b.routeBridges(ns, first)
		}
	}
}

// defaultRoutes are the default routes of the main tables, the best first.
func defaultRoutes(n *inspect.Network) (out []*inspect.Route) {
	for i := range n.Routes {
		r := &n.Routes[i]
		if r.Table == mainTable && r.Dst.Bits() == 0 && r.Type == "unicast" {
			out = append(out, r)
		}
	}
	slices.SortStableFunc(out, func(a, b *inspect.Route) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(a.Metric, b.Metric))
	})
	return out
}

// routeBridges joins the bridges with an address to the uplink, but those that
// are meant to have no way out.
func (b *topologyBuilder) routeBridges(ns *Netns, uplink *Iface) {
	for _, i := range ns.Interfaces {
		if i.Kind == "bridge" && len(i.Addrs) > 0 && i != uplink && b.masterOf(uplink) != i && !b.closed(i) {
			b.edge(Edge{
				Kind: EdgeRoute, From: i.Key, To: uplink.Key, Label: "routed",
				Evidence: fmt.Sprintf("default route %s dev %s", uplink.Default, uplink.Name),
			})
		}
	}
}
