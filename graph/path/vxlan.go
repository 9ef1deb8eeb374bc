package path

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// maxOuter is how many tunnels a packet may be in: more is a loop.
const maxOuter = 4

// vxlan follows the packet around a packet through the underlay, and goes on
// where a vxlan of the same id takes it out of there. Where it is not certain
// which way that goes, the packet leaves.
func (w *tracer) vxlan(n *inspect.Network, out *inspect.Interface, hop netip.Addr) {
	under, remote := n, farEnds(n, out, hop)
	if out.LinkNSID != nil {
		id, _, _ := n.Peer(*out.LinkNSID)
		under = w.nets[id]
	}
	known := n.Has(inspect.FactNeighbors) && !out.Vxlan.External
	switch {
	case known && len(remote) == 0:
		w.stop(n, out, NeighborUnreachable, Step{Do: "send", Text: fmt.Sprintf("the forwarding database of vxlan %s has no host to send what is for %s to", out.Name, hop)})
		return
	case under == nil || !known || len(remote) > 1 || remote[0].IsMulticast() || w.outer >= maxOuter:
		w.say(fmt.Sprintf("it is not certain to which host vxlan %s sends what is for %s: not followed any further", out.Name, hop))
		w.exit(n, out, hop)
		return
	}
	w.wrap(n, under, out, remote[0], hop)
}

// wrap follows the packet around the packet, from the namespace under that the
// vxlan was made in.
func (w *tracer) wrap(n, under *inspect.Network, out *inspect.Interface, remote, hop netip.Addr) {
	inner, conn, reply := w.packet, w.conn, w.reply
	w.step(n, out, Step{Do: "send", Text: fmt.Sprintf("vxlan %s (id %d) wraps it up for %s", out.Name, out.Vxlan.ID, remote), MTU: out.MTU})
	local, _ := netip.ParseAddr(out.Local)
	w.packet = filter.Packet{Proto: filter.UDP, Src: local, Dst: remote, DstPort: out.Vxlan.Port}
	w.conn, w.reply = map[inspect.ID]*connection{}, false
	w.outer++
	w.send(under)
	w.outer--
	outer := w.packet
	w.packet, w.conn, w.reply = inner, conn, reply
	if w.leg.Disposition == ExitsNetwork {
		w.end = place{n, out} // where its answer will come out
	}
	if w.leg.Disposition != Accepted {
		return
	}
	to, in := w.unwraps(w.end.n, out, outer)
	if in == nil {
		w.stop(w.end.n, nil, DeniedIn, Step{Do: "receive", Text: fmt.Sprintf("no vxlan there has the id %d and port %d", out.Vxlan.ID, out.Vxlan.Port)})
		return
	}
	w.leg.Disposition = ""
	w.step(to, in, Step{Do: "receive", Text: fmt.Sprintf("vxlan %s (id %d) of %s takes it out", in.Name, in.Vxlan.ID, w.title(to)), MTU: in.MTU})
	if w.usable(to, in, DeniedIn) {
		w.receive(to, in, hop)
	}
}

// unwraps is the vxlan that takes packets which arrive in a namespace.
func (w *tracer) unwraps(under *inspect.Network, from *inspect.Interface, outer filter.Packet) (*inspect.Network, *inspect.Interface) {
	for _, to := range w.all {
		for i := range to.Interfaces {
			l := &to.Interfaces[i]
			if l.Kind != "vxlan" || l.Vxlan == nil || l == from || l.Vxlan.ID != from.Vxlan.ID || l.Vxlan.Port != outer.DstPort || l.Vxlan.External || !l.Up() {
				continue
			}
			socket := to.NS
			if l.LinkNSID != nil {
				socket, _, _ = to.Peer(*l.LinkNSID)
			}
			if socket == under.NS && (l.Local == "" || l.Local == outer.Dst.String()) {
				return to, l
			}
		}
	}
	return nil, nil
}

// farEnds are the hosts that a vxlan sends a packet for the next hop to: the
// one that its forwarding database has for the link layer address, else those
// with the address of zeros, which it sends everything else to.
func farEnds(n *inspect.Network, out *inspect.Interface, hop netip.Addr) (all []netip.Addr) {
	mac := linkAddr(n, out, hop)
	for _, e := range n.Forwarding {
		switch {
		case e.Index != out.Index || !e.Dst.IsValid():
		case e.Address == mac && mac != "":
			return []netip.Addr{e.Dst}
		case e.Address == "00:00:00:00:00:00" && !slices.Contains(all, e.Dst):
			all = append(all, e.Dst)
		}
	}
	return all
}

// linkAddr is the link layer address of a next hop that the neighbours of an
// interface, or of its bridge, have; "" where it is not known.
func linkAddr(n *inspect.Network, out *inspect.Interface, hop netip.Addr) string {
	at := cmp.Or(out.Master, out.Index)
	for _, e := range n.Neighbors {
		if e.Index == at && e.Addr == hop && e.State != "FAILED" {
			return e.Address
		}
	}
	return ""
}
