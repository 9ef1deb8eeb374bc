package doctor

import (
	"fmt"
	"net/netip"
	"slices"

	"nsinspect/graph"
	"nsinspect/inspect"
)

func macvlanChecks() []Check {
	return []Check{
		{
			ID: "macvlan-parent", Title: "the interface that a macvlan lies on is down", Severity: Fault,
			About:     "A container with a macvlan sends through an interface of the host. When that is turned off or has no carrier, the container has no network.",
			Reference: "ip-link(8), macvlan", Needs: inspect.FactNetwork, run: macvlanParent,
		},
		{
			ID: "macvlan-host", Title: "a host and its containers on a macvlan do not reach each other", Severity: Note,
			About:     "The kernel does not deliver between a macvlan and the interface that it lies on. Reported where both have addresses in one network, and the host has no macvlan of its own there.",
			Reference: "docs.docker.com: Macvlan network driver", Needs: inspect.FactNetwork, run: macvlanHost,
		},
	}
}

// lower are the macvlans with the interfaces that they lie on, in another
// namespace.
func (w *world) lower() (out [][2]*link) {
	for i := range w.topo.Edges {
		e := &w.topo.Edges[i]
		if e.Kind != graph.EdgeLower {
			continue
		}
		child, parent := w.linkOf(e.From), w.linkOf(e.To)
		if child != nil && parent != nil && slices.Contains([]string{"macvlan", "macvtap", "ipvlan"}, child.Kind) {
			out = append(out, [2]*link{child, parent})
		}
	}
	return out
}

func macvlanParent(e *exam) {
	for _, pair := range e.lower() {
		child, parent := pair[0], pair[1]
		if !child.Up() || parent.Up() && parent.Carrier {
			continue
		}
		f := Finding{
			Object: "interface " + parent.name(), Namespaces: append(inodes(parent.sp), inodes(child.sp)...),
			Cause:    fmt.Sprintf("%s %s lies on it, and it is administratively down", child.Kind, child.name()),
			Evidence: []Evidence{fact(parent.sp.command("ip link show dev %s", word(parent.Name)), fmt.Sprintf("%s lacks the flag UP, state %s", parent.Name, parent.OperState))},
			Fix:      &Fix{"turn it on", parent.sp.command("ip link set dev %s up", word(parent.Name))},
		}
		if parent.Up() {
			f.Cause = fmt.Sprintf("%s %s lies on it, and it has no carrier", child.Kind, child.name())
			f.Evidence[0].Fact = fmt.Sprintf("%s is up, state %s", parent.Name, parent.OperState)
			f.Fix = &Fix{Text: "look at the cable, the switch or the other end"}
		}
		e.find(f)
	}
}

func macvlanHost(e *exam) {
	pairs := e.lower()
	var told []*link
	for _, pair := range pairs {
		child, parent := pair[0], pair[1]
		own := slices.ContainsFunc(pairs, func(p [2]*link) bool { return p[1] == parent && p[0].sp == parent.sp })
		if child.sp == parent.sp || own || slices.Contains(told, parent) || !sameNet(child, parent) {
			continue
		}
		told = append(told, parent)
		e.find(Finding{
			Object: "interface " + parent.name(), Namespaces: append(inodes(parent.sp), inodes(child.sp)...),
			Cause: fmt.Sprintf("%s %s lies on it: the two do not reach each other, by design of the kernel", child.Kind, child.name()),
			Evidence: []Evidence{
				fact(child.sp.command("ip -d address show dev %s", word(child.Name)), fmt.Sprintf("%s has %s", child.name(), meeting(child, parent))),
				fact(parent.sp.command("ip address show dev %s", word(parent.Name)), fmt.Sprintf("%s has %s", parent.Name, meeting(parent, child))),
			},
			Fix: &Fix{Text: "where they must, give the host a macvlan of its own on " + parent.Name + " and a route over it"},
		})
	}
}

// sameNet reports whether two interfaces have addresses of one network.
func sameNet(a, b *link) bool { return meeting(a, b).IsValid() }

// meeting is the address of a that is in a network of b's; invalid where there
// is none.
func meeting(a, b *link) netip.Prefix {
	for _, f := range families() {
		for _, p := range a.addrs(f) {
			for _, q := range b.addrs(f) {
				if p.Masked() == q.Masked() {
					return p
				}
			}
		}
	}
	return netip.Prefix{}
}
