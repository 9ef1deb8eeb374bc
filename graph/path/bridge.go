package path

import (
	"cmp"
	"fmt"
	"net/netip"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// bridge is a packet that comes in through a bridge's port.
func (w *tracer) bridge(n *inspect.Network, br, port *inspect.Interface, hop netip.Addr) {
	if !w.usable(n, br, DeniedIn) || !w.forwards(n, port) || !w.bridgeHook(n, "prerouting", br, port, nil) {
		return
	}
	through := "" // the port, where the rules of IP see the packet
	if name, called := w.calls(n, br); called {
		through = port.Name
		before := w.packet.Dst
		if w.again(n, br) || !w.hook(n, filter.Query{Hook: "prerouting", In: br, PhysIn: through}) {
			return
		}
		if w.packet.Dst != before {
			w.bridgeTranslated(n, br, port, name)
			return
		}
	}
	if !answers(n, br, hop) {
		w.flood(n, br, port, hop)
		return
	}
	w.handUp(n, br, port, through)
}

// handUp gives a packet to the IP layer above a bridge.
func (w *tracer) handUp(n *inspect.Network, br, port *inspect.Interface, through string) {
	w.step(n, port, Step{Do: "bridge", Text: fmt.Sprintf("port %s hands it to bridge %s", port.Name, br.Name), MTU: br.MTU})
	switch {
	case !w.bridgeHook(n, "input", br, port, nil):
	case through != "":
		w.routed(n, br, through)
	default:
		w.input(n, br)
	}
}

// bridgeTranslated is a packet whose destination was translated on a bridge:
// the kernel asks for the route, and where that leads back into the bridge
// the packet stays on it, see br_nf_pre_routing_finish() of
// net/bridge/br_netfilter_hooks.c.
func (w *tracer) bridgeTranslated(n *inspect.Network, br, port *inspect.Interface, name string) {
	a, ok := w.route(n, br)
	switch {
	case !ok:
	case a.Type == "unicast" && a.Oif == br.Index:
		w.step(n, port, Step{Do: "bridge", Text: "the route leads back into bridge " + br.Name + ": with " + name + " the packet stays on it"})
		w.flood(n, br, port, cmp.Or(a.Via, w.packet.Dst))
	default:
		w.handUp(n, br, port, port.Name)
	}
}

// forwards checks the state of a port.
func (w *tracer) forwards(n *inspect.Network, port *inspect.Interface) bool {
	if port.Port == nil || port.Port.State == "forwarding" {
		return true
	}
	w.stop(n, port, DeniedIn, Step{Do: "bridge", Text: fmt.Sprintf("port %s of the bridge is %s (STP)", port.Name, port.Port.State)})
	return false
}

// flood finds the port of a bridge behind which the next hop is: a packet for
// nobody known goes to all of them.
func (w *tracer) flood(n *inspect.Network, br, from *inspect.Interface, hop netip.Addr) {
	var outside, other *inspect.Interface
	for i := range n.Interfaces {
		p := &n.Interfaces[i]
		if p.Master != br.Index || p == from && (p.Port == nil || !p.Port.Hairpin) && !w.sentBack(n, p, hop) {
			continue
		}
		to, peer := w.peer(n, p)
		switch {
		case p.Kind != "veth" || peer == nil:
			outside = p
		case has(upper(to, peer), hop):
			w.across(n, br, from, p, hop)
			return
		case answers(to, peer, hop):
			other = p
		}
	}
	if p := cmp.Or(other, outside); p != nil {
		w.across(n, br, from, p, hop)
		return
	}
	w.stop(n, br, NeighborUnreachable, Step{Do: "bridge", Text: fmt.Sprintf("nobody behind bridge %s has the address %s", br.Name, hop)})
}

// sentBack reports whether the next hop is behind a port.
func (w *tracer) sentBack(n *inspect.Network, port *inspect.Interface, hop netip.Addr) bool {
	to, peer := w.peer(n, port)
	return peer != nil && has(upper(to, peer), hop)
}

// upper is the bridge that an interface is in, else the interface.
func upper(n *inspect.Network, i *inspect.Interface) *inspect.Interface {
	return cmp.Or(n.Interface(i.Master), i)
}

// answers reports whether who asks on an interface for the link layer address
// of ip gets an answer: of IPv4 for each address of the namespace, unless
// arp_ignore is set, of IPv6 for those of the interface.
func answers(n *inspect.Network, i *inspect.Interface, ip netip.Addr) bool {
	return has(upper(n, i), ip) || ip.Is4() && owns(n, ip)
}

// across is a packet that a bridge passes on to a port.
func (w *tracer) across(n *inspect.Network, br, from, to *inspect.Interface, hop netip.Addr) {
	if from != nil {
		if from == to && (from.Port == nil || !from.Port.Hairpin) {
			w.stop(n, to, DeniedOut, Step{Do: "bridge", Text: fmt.Sprintf("port %s would have to send it back to where it came from: hairpin is off", to.Name)})
			return
		}
		if from.Port != nil && to.Port != nil && from.Port.Isolated && to.Port.Isolated {
			w.stop(n, to, DeniedOut, Step{Do: "bridge", Text: fmt.Sprintf("ports %s and %s are isolated from each other", from.Name, to.Name)})
			return
		}
		for _, h := range []string{"forward", "postrouting"} {
			if !w.bridgeHook(n, h, br, from, to) {
				return
			}
		}
		if !w.callIPTables(n, br, from, to) {
			return
		}
	}
	if w.moved(n, br, to, hop) {
		return
	}
	w.step(n, to, Step{Do: "bridge", Text: fmt.Sprintf("bridge %s passes it on to port %s", br.Name, to.Name), MTU: br.MTU})
	if w.forwards(n, to) && w.usable(n, to, DeniedOut) {
		w.wire(n, to, hop)
	}
}

// moved reports that the forwarding database has the address of the next hop
// at another port than it is behind.
func (w *tracer) moved(n *inspect.Network, br, to *inspect.Interface, hop netip.Addr) bool {
	_, peer := w.peer(n, to)
	if peer == nil || peer.Address == "" {
		return false
	}
	for _, e := range n.Forwarding {
		if e.Master == br.Index && e.Address == peer.Address && e.Index != to.Index && e.Index != br.Index {
			name := fmt.Sprint(e.Index)
			if i := n.Interface(e.Index); i != nil {
				name = i.Name
			}
			w.stop(n, to, DeniedOut, Step{Do: "bridge", Text: fmt.Sprintf("the forwarding database of %s has %s, which is %s, at port %s", br.Name, peer.Address, hop, name)})
			return true
		}
	}
	return false
}

// bridgeHook runs the rules of family bridge.
func (w *tracer) bridgeHook(n *inspect.Network, hook string, br, from, to *inspect.Interface) bool {
	rs := filter.Rules(n)
	if rs == nil {
		return w.hook(n, filter.Query{Hook: hook, Bridge: true, In: from, Out: to}) // says that they are not known
	}
	for i := range rs.Chains {
		if c := &rs.Chains[i]; c.Family == inspect.NFBridge && c.Hook == hook {
			return w.hook(n, filter.Query{Hook: hook, Bridge: true, In: from, Out: to, PhysIn: br.Name, PhysOut: br.Name})
		}
	}
	return true
}

// calls reports whether a bridge has the rules of IP see what comes in, and by
// which setting.
func (w *tracer) calls(n *inspect.Network, br *inspect.Interface) (name string, called bool) {
	name, bit := "net.bridge.bridge-nf-call-iptables", uint8(1)
	if w.packet.Dst.Is6() {
		name, bit = "net.bridge.bridge-nf-call-ip6tables", 2
	}
	return name, n.Sysctls[name] == "1" || br.Bridge != nil && br.Bridge.NFCall&bit != 0
}

// callIPTables runs the rules of IP for what a bridge passes on.
func (w *tracer) callIPTables(n *inspect.Network, br, from, to *inspect.Interface) bool {
	name, called := w.calls(n, br)
	if !called {
		return true
	}
	w.step(n, from, Step{Do: "bridge", Text: name + " has the rules of IP see what bridge " + br.Name + " passes on"})
	for _, h := range []string{"forward", "postrouting"} {
		if !w.hook(n, filter.Query{Hook: h, In: br, Out: br, PhysIn: from.Name, PhysOut: to.Name, Bridged: true}) {
			return false
		}
	}
	return true
}
