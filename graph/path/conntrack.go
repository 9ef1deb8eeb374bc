package path

import (
	"fmt"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// connection is what the tracker of one namespace knows of the packet and its
// answer.
type connection struct {
	// first is the packet as it came into the namespace, now as it leaves it.
	first, now filter.Packet
	filter.Conn
}

// track finds the connection of a packet that begins its way through a
// namespace, else makes one. A packet that comes back through the loopback
// stays with its connection, whatever it was translated to.
func (w *tracer) track(n *inspect.Network, in *inspect.Interface) *connection {
	if c := w.conn[n.NS]; c != nil && in != nil && in.Loopback() {
		return c
	}
	for _, c := range w.conns[n.NS] {
		back := w.reply && c.State != filter.Invalid && c.State != filter.Untracked && sameTuple(c.now, turned(w.packet))
		if back {
			c.State, c.Reply = filter.Established, true
		}
		if back || sameTuple(c.first, w.packet) && !c.Reply {
			return c
		}
	}
	c := &connection{first: w.packet, now: w.packet}
	c.State, c.Original = filter.New, w.packet
	if w.reply && w.packet.Proto != filter.UDP { // it cannot begin a connection
		c.State = filter.Invalid
	}
	w.conns[n.NS] = append(w.conns[n.NS], c)
	return c
}

// tracked is the connection of the packet at a hook.
func (w *tracer) tracked(n *inspect.Network, q *filter.Query) *connection {
	if w.conn[n.NS] == nil || q.Hook == "prerouting" || q.Hook == "output" {
		w.conn[n.NS] = w.track(n, q.In)
	}
	return w.conn[n.NS]
}

// turned is a packet with source and destination exchanged.
func turned(p filter.Packet) filter.Packet {
	p.Src, p.Dst, p.SrcPort, p.DstPort = p.Dst, p.Src, p.DstPort, p.SrcPort
	p.SrcUnknown, p.DstUnknown = p.DstUnknown, p.SrcUnknown
	return p
}

// sameTuple reports whether two packets are of the same connection and
// direction. A port that is not known may be any.
func sameTuple(a, b filter.Packet) bool {
	port := func(x, y uint16) bool { return x == 0 || y == 0 || x == y }
	return a.Proto == b.Proto && a.Src == b.Src && a.Dst == b.Dst && port(a.SrcPort, b.SrcPort) && port(a.DstPort, b.DstPort)
}

// translated takes over what a rule made of the packet.
func (w *tracer) translated(n *inspect.Network, at *inspect.Interface, r *filter.Result) {
	before, after := w.packet, r.Packet
	w.packet = after
	w.step(n, at, Step{
		Do: "nat", Text: fmt.Sprintf("%s: %s becomes %s", r.Translation, tuple(before), tuple(after)), Rule: r.NAT, Before: &before, After: &after,
	})
}

// undo translates an answer back: its destination where it comes in, its
// source where it goes out.
func (w *tracer) undo(n *inspect.Network, at *inspect.Interface, c *connection, dst bool) {
	if !c.Reply {
		return
	}
	before := w.packet
	if dst && c.first.Src != c.now.Src && w.packet.Dst == c.now.Src {
		w.packet.Dst, w.packet.DstPort, w.packet.DstUnknown = c.first.Src, c.first.SrcPort, c.first.SrcUnknown
	}
	if !dst && w.packet.Src == c.now.Dst {
		w.packet.Src, w.packet.SrcPort, w.packet.SrcUnknown = c.first.Dst, c.first.DstPort, c.first.DstUnknown
	}
	if after := w.packet; after != before {
		w.step(n, at, Step{Do: "nat", Text: fmt.Sprintf("translated back: %s becomes %s", tuple(before), tuple(after)), Before: &before, After: &after})
	}
}
