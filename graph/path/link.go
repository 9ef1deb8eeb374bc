package path

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// transmit sends the packet through an interface to the next hop.
func (w *tracer) transmit(n *inspect.Network, out *inspect.Interface, hop netip.Addr) {
	if !w.usable(n, out, DeniedOut) {
		return
	}
	switch {
	case out.Loopback():
		w.step(n, out, Step{Do: "send", Text: "through " + out.Name})
		w.input(n, out)
	case out.Kind == "bridge":
		w.step(n, out, Step{Do: "send", Text: "through bridge " + out.Name, MTU: out.MTU})
		w.flood(n, out, nil, hop)
	default:
		if w.resolved(n, out, hop) {
			w.wire(n, out, hop)
		}
	}
}

// usable reports whether an interface is up.
func (w *tracer) usable(n *inspect.Network, i *inspect.Interface, d Disposition) bool {
	if !i.Up() {
		w.stop(n, i, d, Step{Do: "send", Text: i.Name + " is down"})
		return false
	}
	if !i.Carrier {
		text := i.Name + " has no carrier"
		if to, peer := w.peer(n, i); i.Kind == "veth" && peer != nil && !peer.Up() {
			text += fmt.Sprintf(": %s of %s, its other end, is down", peer.Name, w.title(to))
		}
		w.stop(n, i, d, Step{Do: "send", Text: text})
		return false
	}
	return true
}

// resolved reports whether the next hop answers, as far as the neighbour
// table says. No entry is no fault.
func (w *tracer) resolved(n *inspect.Network, out *inspect.Interface, hop netip.Addr) bool {
	for _, e := range n.Neighbors {
		if e.Index == out.Index && e.Addr == hop && e.State == "FAILED" && !w.reachable(n, out, hop) {
			w.stop(n, out, NeighborUnreachable, Step{Do: "send", Text: fmt.Sprintf("%s does not answer (neighbour FAILED on %s)", hop, out.Name)})
			return false
		}
	}
	return true
}

// reachable reports whether the other end of a veth has the address: then an
// old failure says nothing.
func (w *tracer) reachable(n *inspect.Network, out *inspect.Interface, hop netip.Addr) bool {
	p, _ := w.peer(n, out)
	return p != nil && owns(p, hop)
}

// wire crosses to the other end of an interface, or leaves the host.
func (w *tracer) wire(n *inspect.Network, out *inspect.Interface, hop netip.Addr) {
	if !w.deviceHook(n, filter.Query{Hook: "egress", Out: out}, out) {
		return
	}
	if out.Kind != "veth" && out.Kind != "netkit" {
		text := fmt.Sprintf("leaves through %s to %s", out.Name, hop)
		w.stop(n, out, ExitsNetwork, Step{Do: "leave", Text: text, MTU: out.MTU})
		return
	}
	to, peer := w.peer(n, out)
	if peer == nil {
		w.stop(n, out, InsufficientInfo, Step{Do: "cross", Text: "the other end of " + out.Name + " is in a namespace that could not be read"})
		return
	}
	w.step(n, out, Step{Do: "cross", Text: fmt.Sprintf("veth %s to %s of %s", out.Name, peer.Name, w.title(to)), MTU: out.MTU})
	if w.usable(to, peer, DeniedIn) {
		w.receive(to, peer, hop)
	}
}

func (w *tracer) title(n *inspect.Network) string {
	if ns := w.t.Netns(w.key(n)); ns != nil {
		return ns.Title
	}
	return w.key(n)
}

// peer is the other end of a veth.
func (w *tracer) peer(n *inspect.Network, i *inspect.Interface) (*inspect.Network, *inspect.Interface) {
	to := n
	if i.LinkNSID != nil {
		id, _, ok := n.Peer(*i.LinkNSID)
		if to = w.nets[id]; !ok || to == nil {
			return nil, nil
		}
	}
	p := to.Interface(i.LinkIndex)
	if p == nil {
		return nil, nil
	}
	return to, p
}

// receive is a packet that comes in through an interface for the next hop.
func (w *tracer) receive(n *inspect.Network, in *inspect.Interface, hop netip.Addr) {
	if !in.Loopback() && len(w.leg.Steps) > maxSteps {
		w.stop(n, in, Loop, Step{Do: "receive", Text: "the packet goes on and on"})
		return
	}
	first := len(w.leg.Steps) == 1 // it comes from outside, where the next hop is not known
	if !w.deviceHook(n, filter.Query{Hook: "ingress", In: in}, in) {
		return
	}
	if br := n.Interface(in.Master); br != nil && br.Kind == "bridge" {
		w.bridge(n, br, in, hop)
		return
	}
	if !owns(n, hop) && !w.proxies(n, in, hop) && !(first && (w.o.Outside || w.reply)) {
		w.stop(n, in, NeighborUnreachable, Step{Do: "receive", Text: fmt.Sprintf("nobody has the address %s there", hop)})
		return
	}
	w.input(n, in)
}

// proxies reports whether the namespace answers for others' addresses.
func (w *tracer) proxies(n *inspect.Network, in *inspect.Interface, hop netip.Addr) bool {
	for _, c := range n.Conf {
		if c.Family == familyOf(hop) && (c.Index == in.Index || c.Index == inspect.ConfAll) && c.ProxyNeigh {
			return true
		}
	}
	for _, e := range n.Neighbors {
		if e.Proxy && e.Addr == hop {
			return true
		}
	}
	return false
}

// bridge is a packet that comes in through a bridge's port.
func (w *tracer) bridge(n *inspect.Network, br, port *inspect.Interface, hop netip.Addr) {
	if !w.usable(n, br, DeniedIn) || !w.forwards(n, port) {
		return
	}
	if !answers(n, br, hop) {
		w.flood(n, br, port, hop)
		return
	}
	w.step(n, port, Step{Do: "bridge", Text: fmt.Sprintf("port %s hands it to bridge %s", port.Name, br.Name), MTU: br.MTU})
	if w.bridgeHook(n, "prerouting", br, port, nil) && w.bridgeHook(n, "input", br, port, nil) {
		w.input(n, br)
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
		if p.Master != br.Index || p == from {
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
		if from.Port != nil && to.Port != nil && from.Port.Isolated && to.Port.Isolated {
			w.stop(n, to, DeniedOut, Step{Do: "bridge", Text: fmt.Sprintf("ports %s and %s are isolated from each other", from.Name, to.Name)})
			return
		}
		for _, h := range []string{"prerouting", "forward", "postrouting"} {
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

// deviceHook runs the rules that an interface has of its own.
func (w *tracer) deviceHook(n *inspect.Network, q filter.Query, i *inspect.Interface) bool {
	rs := filter.Rules(n)
	if rs == nil {
		return true // said by the first hook of IP
	}
	for k := range rs.Chains {
		if c := &rs.Chains[k]; c.Hook == q.Hook && slices.Contains(c.Devices, i.Name) {
			q.Netdev = true
			return w.hook(n, q)
		}
	}
	return true
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

// callIPTables runs the rules of IP for what a bridge passes on, where
// bridge-nf-call-iptables is on.
func (w *tracer) callIPTables(n *inspect.Network, br, from, to *inspect.Interface) bool {
	name, bit := "net.bridge.bridge-nf-call-iptables", uint8(1)
	if w.packet.Dst.Is6() {
		name, bit = "net.bridge.bridge-nf-call-ip6tables", 2
	}
	if n.Sysctls[name] != "1" && (br.Bridge == nil || br.Bridge.NFCall&bit == 0) {
		return true
	}
	w.step(n, from, Step{Do: "bridge", Text: name + " has the rules of IP see what bridge " + br.Name + " passes on"})
	before := w.packet.Dst
	for _, h := range []string{"prerouting", "forward", "postrouting"} {
		q := filter.Query{Hook: h, In: br, Out: br, PhysIn: from.Name, PhysOut: to.Name, Bridged: true}
		if h == "prerouting" {
			q.Out, q.PhysOut, q.Bridged = nil, "", false
		}
		if !w.hook(n, q) {
			return false
		}
	}
	if w.packet.Dst != before {
		w.stop(n, from, InsufficientInfo, Step{Do: "bridge", Text: "the destination was translated on the bridge: it is not known where the packet goes from there"})
		return false
	}
	return true
}
