package path

import (
	"fmt"
	"net/netip"

	"nsinspect/inspect"
)

// child is the macvlan on top of an interface that has an address, nil where
// there is none.
func (w *tracer) child(n *inspect.Network, parent *inspect.Interface, hop netip.Addr) (*inspect.Network, *inspect.Interface) {
	for _, to := range w.all {
		for i := range to.Interfaces {
			c := &to.Interfaces[i]
			if c.Kind != "macvlan" || !c.Up() || !answers(to, c, hop) {
				continue
			}
			if pn, p := w.peer(to, c); pn == n && p == parent {
				return to, c
			}
		}
	}
	return nil, nil
}

// macvlan is a packet that a macvlan sends: to another one on the same parent,
// where both are of mode bridge, else out through the parent. The parent
// itself never sees it.
func (w *tracer) macvlan(n *inspect.Network, out *inspect.Interface, hop netip.Addr) {
	pn, parent := w.peer(n, out)
	if parent == nil {
		w.stop(n, out, InsufficientInfo, Step{Do: "cross", Text: "what " + out.Name + " lies on is in a namespace that could not be read"})
		return
	}
	to, other := w.child(pn, parent, hop)
	switch {
	case other != nil && out.Mode == "bridge" && other.Mode == "bridge":
		w.step(n, out, Step{Do: "cross", Text: fmt.Sprintf("macvlan %s to %s of %s, on %s", out.Name, other.Name, w.title(to), parent.Name), MTU: out.MTU})
		w.receive(to, other, hop)
	case other != nil && out.Mode != "vepa":
		w.stop(n, out, NeighborUnreachable, Step{Do: "cross", Text: fmt.Sprintf("%s (mode %s) and %s of %s (mode %s) do not hear each other",
			out.Name, out.Mode, other.Name, w.title(to), other.Mode)})
	case owns(pn, hop):
		w.stop(n, out, NeighborUnreachable, Step{Do: "cross", Text: fmt.Sprintf(
			"%s is an address of %s, on whose %s %s lies: a macvlan and what it lies on do not hear each other; %[2]s takes a macvlan of its own for that",
			hop, w.title(pn), parent.Name, out.Name)})
	default:
		w.step(n, out, Step{Do: "cross", Text: fmt.Sprintf("macvlan %s to %s of %s", out.Name, parent.Name, w.title(pn)), MTU: out.MTU})
		if w.usable(pn, parent, DeniedOut) {
			w.wire(pn, parent, hop)
		}
	}
}

// deafChild ends the way of a packet for a macvlan that its parent sends
// itself: that goes out, not up.
func (w *tracer) deafChild(n *inspect.Network, out *inspect.Interface, hop netip.Addr) bool {
	to, child := w.child(n, out, hop)
	if child == nil {
		return false
	}
	w.stop(n, out, NeighborUnreachable, Step{Do: "cross", Text: fmt.Sprintf(
		"%s is an address of %s of %s, which lies on %s: a macvlan and what it lies on do not hear each other; %s takes a macvlan of its own for that",
		hop, child.Name, w.title(to), out.Name, w.title(n))})
	return true
}
