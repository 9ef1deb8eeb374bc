package filter

import (
	"net/netip"

	"nsinspect/inspect"
)

// tableLocal is the table of the kernel's own addresses, RT_TABLE_LOCAL.
const tableLocal = 255

// Rules returns the rules of a network as [Run] wants them: nil where they
// were not, or not all, read.
func Rules(n *inspect.Network) *inspect.Ruleset {
	if n == nil || !n.Has(inspect.FactNetfilter) {
		return nil
	}
	return n.Ruleset
}

// LocalTypes returns [Query.RouteType] of a network: the type of an address
// in its table of local addresses. What is not in there is unicast. Nil where
// routes were not read.
func LocalTypes(n *inspect.Network) func(a netip.Addr, index int) (string, bool) {
	if n == nil || !n.Has(inspect.FactRoutes) {
		return nil
	}
	return func(a netip.Addr, index int) (string, bool) {
		best, word := -1, "unicast"
		switch {
		case a.IsMulticast():
			return "multicast", true
		case a == netip.AddrFrom4([4]byte{255, 255, 255, 255}), a == netip.IPv4Unspecified():
			return "broadcast", true
		}
		for i := range n.Routes {
			r := &n.Routes[i]
			if r.Table != tableLocal || !r.Dst.Contains(a) || r.Dst.Bits() <= best {
				continue
			}
			if index != 0 && (len(r.Hops) == 0 || r.Hops[0].Oif != index) {
				continue
			}
			best, word = r.Dst.Bits(), r.Type
		}
		return word, true
	}
}
