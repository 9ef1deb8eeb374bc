package path

import (
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
		if !w.deafChild(n, out, hop) && w.resolved(n, out, hop) {
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
	switch {
	case out.Kind == "macvlan":
		w.macvlan(n, out, hop)
		return
	case out.Kind == "vxlan" && out.Vxlan != nil:
		w.vxlan(n, out, hop)
		return
	case out.Kind != "veth" && out.Kind != "netkit":
		w.exit(n, out, hop)
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

// exit is the end of the way of a packet that leaves what is known.
func (w *tracer) exit(n *inspect.Network, out *inspect.Interface, hop netip.Addr) {
	for _, to := range w.all {
		if out.Kind != "" && to != n && owns(to, hop) {
			w.say(fmt.Sprintf("%s has the address %s: whether the packet gets there through %s, of kind %s, is not followed", w.title(to), hop, out.Name, out.Kind))
			break
		}
	}
	w.stop(n, out, ExitsNetwork, Step{Do: "leave", Text: fmt.Sprintf("leaves through %s to %s", out.Name, hop), MTU: out.MTU})
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
	if to, child := w.child(n, in, hop); child != nil {
		w.step(to, child, Step{Do: "cross", Text: fmt.Sprintf("macvlan %s takes it from %s of %s", child.Name, in.Name, w.title(n)), MTU: child.MTU})
		w.receive(to, child, hop)
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
