package path

import (
	"errors"
	"net/netip"
	"slices"

	"nsinspect/inspect"
)

func (w *tracer) start(n *inspect.Network) error {
	if !w.o.Outside {
		w.send(n)
		w.note()
		return nil
	}
	in := n.Interface(w.o.Uplink)
	gateway := netip.Addr{}
	if in == nil {
		in, gateway = uplink(n, w.packet.Dst)
	}
	if in == nil {
		return errors.New("no default route says through which interface packets from outside come in")
	}
	if !w.packet.Src.IsValid() {
		w.packet.Src = gateway
		if !gateway.IsValid() {
			w.packet.Src = stranger(in, w.packet.Dst)
		}
		w.packet.SrcUnknown, w.inside = true, inside(n, in)
	}
	if !w.packet.Src.IsValid() {
		return errors.New("no address outside is known: say which with --source")
	}
	w.report.Packet = w.packet
	w.step(n, in, Step{Do: "receive", Text: "arrives from outside at " + in.Name, MTU: in.MTU})
	w.receive(n, in, w.packet.Dst)
	w.note()
	return nil
}

// uplink is the interface of the default route, and the next hop. Without such
// a route it is the interface that has the address.
func uplink(n *inspect.Network, to netip.Addr) (*inspect.Interface, netip.Addr) {
	for i := range n.Routes {
		r := &n.Routes[i]
		if r.Table == 254 && r.Family == familyOf(to) && r.Dst.Bits() == 0 && len(r.Hops) > 0 && r.Type == "unicast" {
			return n.Interface(r.Hops[0].Oif), r.Hops[0].Via
		}
	}
	for i := range n.Interfaces {
		if k := &n.Interfaces[i]; !k.Loopback() && slices.ContainsFunc(k.Addrs, func(a inspect.Addr) bool { return a.Prefix.Addr() == to }) {
			return k, netip.Addr{}
		}
	}
	return nil, netip.Addr{}
}

// inside are the networks from which no packet comes in through an uplink:
// those that the routes have elsewhere, unless a part of them is not.
func inside(n *inspect.Network, uplink *inspect.Interface) (out []netip.Prefix) {
	beyond := func(r *inspect.Route) bool { return r.Type == "unicast" && through(r, uplink.Index) }
	for i := range n.Routes {
		r := &n.Routes[i]
		part := func(o inspect.Route) bool {
			return beyond(&o) && r.Dst.Bits() <= o.Dst.Bits() && r.Dst.Contains(o.Dst.Addr())
		}
		if r.Dst.Bits() > 0 && (r.Table == 254 || r.Table == 255) && (r.Type == "unicast" || r.Type == "local") && !beyond(r) && !slices.ContainsFunc(n.Routes, part) {
			out = append(out, r.Dst)
		}
	}
	return out
}

// stranger is an address of the network of an interface that it has not
// itself.
func stranger(i *inspect.Interface, to netip.Addr) netip.Addr {
	for _, a := range i.Addrs {
		if a.Prefix.Addr().Is4() != to.Is4() {
			continue
		}
		if next := a.Prefix.Addr().Next(); a.Prefix.Contains(next) && next != to {
			return next
		}
	}
	return netip.Addr{}
}
