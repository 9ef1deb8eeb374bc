package doctor

import (
	"net/netip"

	"nsinspect/inspect"
)

// mainTable is RT_TABLE_MAIN of linux/rtnetlink.h.
const mainTable = 254

// hopDead is RTNH_F_DEAD of linux/rtnetlink.h: the kernel does not use it.
const hopDead = 1

// best returns the route of a table for an address: the longest prefix, of
// equals the lowest metric; nil when there is none. It reads what was
// recorded: type of service and multipath weights do not matter here.
func (sp *space) best(table uint32, to netip.Addr) *inspect.Route {
	var found *inspect.Route
	for i := range sp.Routes {
		r := &sp.Routes[i]
		if r.Table != table || !r.Dst.Contains(to) || r.Src.IsValid() && r.Src.Bits() > 0 || dead(r) {
			continue
		}
		if found == nil || r.Dst.Bits() > found.Dst.Bits() || r.Dst.Bits() == found.Dst.Bits() && r.Metric < found.Metric {
			found = r
		}
	}
	return found
}

// dead reports whether no hop of a route is in use.
func dead(r *inspect.Route) bool {
	for _, h := range r.Hops {
		if h.Flags&hopDead == 0 {
			return false
		}
	}
	return len(r.Hops) > 0
}

// leaves reports whether a route leads through an interface.
func leaves(r *inspect.Route, index int) bool {
	for _, h := range r.Hops {
		if h.Oif == index {
			return true
		}
	}
	return false
}

// defaults returns the default routes of the main table.
func (sp *space) defaults(f inspect.Family) (out []*inspect.Route) {
	for i := range sp.Routes {
		r := &sp.Routes[i]
		if r.Family == f && r.Table == mainTable && r.Dst.Bits() == 0 && r.Type == "unicast" {
			out = append(out, r)
		}
	}
	return out
}

// uplink is the interface that the best default route leaves through; nil
// when there is none.
func (sp *space) uplink(f inspect.Family) *link {
	if r := sp.wayOut(f); r != nil {
		return sp.links[r.Hops[0].Oif]
	}
	return nil
}

// wayOut is the best default route; nil when there is none.
func (sp *space) wayOut(f inspect.Family) *inspect.Route {
	var best *inspect.Route
	for _, r := range sp.defaults(f) {
		if !dead(r) && len(r.Hops) > 0 && (best == nil || r.Metric < best.Metric) {
			best = r
		}
	}
	return best
}

// gateways are the default gateways that a station has through its interface.
func (s *station) gateways(f inspect.Family) (out []netip.Addr) {
	for _, r := range s.sp.defaults(f) {
		for _, h := range r.Hops {
			if h.Oif == s.Index && h.Via.IsValid() {
				out = append(out, h.Via)
			}
		}
	}
	return out
}

// has reports whether an interface has an address.
func (l *link) has(a netip.Addr) bool {
	for _, p := range l.Addrs {
		if p.Prefix.Addr() == a {
			return true
		}
	}
	return false
}

// internal reports whether the engine made the network to have no way out.
func (b *bridge) internal() bool { return b.engine != nil && b.engine.Internal }

// routed are the stations of a bridge that send through its address what is
// not for their own network.
func (b *bridge) routed(f inspect.Family) (out []*station) {
	for _, s := range b.stations {
		for _, g := range s.gateways(f) {
			if b.has(g) {
				out = append(out, s)
				break
			}
		}
	}
	return out
}

// routeText writes a route as ip-route(8) does, as far as reports need.
func (sp *space) routeText(r *inspect.Route) string {
	text := r.Dst.String()
	if r.Dst.Bits() == 0 {
		text = "default"
	}
	if r.Type != "unicast" {
		text = r.Type + " " + text
	}
	for _, h := range r.Hops {
		if h.Via.IsValid() {
			text += " via " + h.Via.String()
		}
		if l := sp.links[h.Oif]; l != nil {
			text += " dev " + l.Name
		}
	}
	return text
}
