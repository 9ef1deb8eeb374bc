package path

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"nsinspect/graph"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// Options say what packet to follow.
type Options struct {
	// From is the network namespace that sends. With Outside it is the one
	// that the packet arrives at.
	From inspect.ID
	// Outside: the packet comes in through Uplink, or through the interface of
	// the default route where that is 0.
	Outside bool
	Uplink  int
	// Packet has protocol, destination and port. Its source is chosen where
	// it is invalid.
	Packet filter.Packet
	// Routes asks the kernel; nil: reconstruct from the facts.
	Routes Oracle
}

// maxSteps ends the way of a packet that goes on and on.
const maxSteps = 200

// tracer follows one connection.
type tracer struct {
	x    *inspect.Index
	o    *Options
	t    *graph.Topology
	nets map[inspect.ID]*inspect.Network
	all  []*inspect.Network // the same, in their order
	// conns are by namespace the connections that its tracker knows.
	conns  map[inspect.ID][]*connection
	report *Report
	inside []netip.Prefix // the networks that a packet from outside is not from

	// of the leg
	leg    *Leg
	packet filter.Packet
	reply  bool
	conn   map[inspect.ID]*connection // that the packet is of where it is
	seen   map[string]bool
	end    place // where it ended
	outer  int   // how many tunnels the packet is in
}

// place is where a packet is.
type place struct {
	n  *inspect.Network
	in *inspect.Interface // that it came, or goes out, through
}

// Trace follows a packet and, where that arrives, its answer. The error is
// that it is not known what packet to follow.
func Trace(x *inspect.Index, t *graph.Topology, o Options) (*Report, error) {
	w := &tracer{x: x, o: &o, t: t, nets: map[inspect.ID]*inspect.Network{}, conns: map[inspect.ID][]*connection{}}
	s := x.Snapshot()
	for i := range s.Networks {
		if n := &s.Networks[i]; n.Dark == 0 {
			w.nets[n.NS] = n
			w.all = append(w.all, n)
		}
	}
	w.report = &Report{Packet: o.Packet, Reconstructed: o.Routes == nil, Problems: append([]inspect.Problem{}, s.Problems...), Format: 1}
	n := w.nets[o.From]
	if n == nil || !n.Has(inspect.FactNetwork) {
		l := Leg{Steps: []Step{}, Disposition: InsufficientInfo, Reason: fmt.Sprintf("the network namespace net:[%d] could not be read", o.From.Ino)}
		w.report.Forward, w.report.Disposition, w.report.Reason = l, l.Disposition, l.Reason
		return w.report, nil
	}
	w.packet = o.Packet
	w.begin(&w.report.Forward)
	if err := w.start(n); err != nil {
		return nil, err
	}
	r := w.report
	r.Disposition, r.Reason, r.MTU = r.Forward.Disposition, r.Forward.Reason, r.Forward.MTU
	if r.Disposition.Good() {
		w.answer()
	}
	return r, nil
}

func (w *tracer) begin(l *Leg) {
	w.leg, w.seen, w.conn = l, map[string]bool{}, map[inspect.ID]*connection{}
	l.Steps = []Step{}
}

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

// uplink is the interface of the default route, and the next hop.
func uplink(n *inspect.Network, to netip.Addr) (*inspect.Interface, netip.Addr) {
	for i := range n.Routes {
		r := &n.Routes[i]
		if r.Table == 254 && r.Family == familyOf(to) && r.Dst.Bits() == 0 && len(r.Hops) > 0 && r.Type == "unicast" {
			return n.Interface(r.Hops[0].Oif), r.Hops[0].Via
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

// answer follows the answer to where the packet came from.
func (w *tracer) answer() {
	last, end := w.packet, w.end
	if end.n == nil {
		return
	}
	w.packet = turned(last)
	w.packet.Mark, w.packet.MarkUnknown, w.packet.UID, w.packet.ICMPType = 0, false, nil, 0
	if last.Proto == filter.ICMPv6 {
		w.packet.ICMPType = 129
	}
	w.reply = true
	w.report.Reply = &Leg{}
	w.begin(w.report.Reply)
	if w.report.Forward.Disposition == ExitsNetwork {
		w.step(end.n, end.in, Step{Do: "receive", Text: "the answer arrives at " + end.in.Name, MTU: end.in.MTU})
		w.receive(end.n, end.in, w.packet.Dst)
	} else {
		w.send(end.n)
	}
	w.recognised()
	if d := w.leg.Disposition; !d.Good() {
		w.report.Disposition, w.report.Reason = d, "the answer: "+w.leg.Reason
	}
	w.report.MTU = least(w.report.MTU, w.leg.MTU)
}

// recognised ends the way of an answer that arrives but is not from whom the
// packet was sent to, or gets to somebody else: nobody there waits for it.
func (w *tracer) recognised() {
	sent, end := w.report.Packet, w.end
	switch {
	case !w.leg.Disposition.Good():
	case !sameTuple(turned(w.packet), sent):
		text := fmt.Sprintf("the answer is %s: not what the sender of %s waits for", tuple(w.packet), tuple(sent))
		w.stop(end.n, end.in, DeniedIn, Step{Do: "deliver", Text: text})
	case w.leg.Disposition == Accepted && !w.o.Outside && end.n.NS != w.o.From:
		w.stop(end.n, end.in, DeniedIn, Step{Do: "deliver", Text: "the answer gets to " + w.title(end.n) + ", which did not ask"})
	}
}

func least(a, b uint32) uint32 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func (w *tracer) key(n *inspect.Network) string { return netnsKey(n.NS) }

func (w *tracer) step(n *inspect.Network, i *inspect.Interface, s Step) {
	s.Netns = w.key(n)
	if i != nil {
		s.Iface, s.IfName = fmt.Sprintf("%s/%d", s.Netns, i.Index), i.Name
	}
	if s.MTU != 0 && (i == nil || !i.Loopback()) {
		w.leg.MTU = least(w.leg.MTU, s.MTU-min(s.MTU, w.overhead()))
	}
	w.leg.Steps = append(w.leg.Steps, s)
}

// overhead is what vxlan puts around the packet where it is: Ethernet, vxlan,
// UDP and IP headers, RFC 7348.
func (w *tracer) overhead() uint32 {
	one := uint32(14 + 8 + 8 + 20)
	if w.packet.Dst.Is6() {
		one += 20
	}
	return one * uint32(w.outer)
}

// stop ends the leg.
func (w *tracer) stop(n *inspect.Network, i *inspect.Interface, d Disposition, s Step) {
	s.Bad = !d.Good()
	w.step(n, i, s)
	w.leg.Disposition = d
	if s.Bad {
		w.leg.Reason = s.Text
	}
	w.end = place{n, i}
}

// hook runs the rules of a hook. It returns false where the way ends.
func (w *tracer) hook(n *inspect.Network, q filter.Query) bool {
	at := q.In
	if at == nil || q.Hook == "postrouting" {
		at = cmp.Or(q.Out, q.In)
	}
	c := w.tracked(n, &q)
	if w.reply && (q.Hook == "prerouting" || q.Hook == "output") {
		w.undo(n, at, c, true)
	}
	q.Packet, q.Conn, q.RouteType = w.packet, c.Conn, filter.LocalTypes(n)
	q.Lookup, q.Inside = w.lookups(n), w.inside
	if q.Out != nil && !q.OutAddr.IsValid() {
		q.OutAddr = sourceFor(q.Out, w.packet.Dst)
	}
	if q.In != nil {
		q.InAddr = sourceFor(q.In, w.packet.Src)
	}
	r := filter.Run(filter.Rules(n), q)
	switch {
	case r.Verdict.Stops():
		d := DeniedIn
		if q.Hook == "postrouting" || q.Hook == "output" || q.Hook == "egress" {
			d = DeniedOut
		}
		text := q.Hook + ": " + ruleText(r.Rule)
		if r.Reason != "" {
			text += ", " + r.Reason
		}
		w.stop(n, at, d, Step{Do: "filter", Text: text, Rule: r.Rule})
		return false
	case r.Verdict == filter.Unknown:
		text := q.Hook + ": cannot be told: " + r.Reason
		if r.Rule != nil {
			text += ": " + ruleText(r.Rule)
		}
		w.stop(n, at, InsufficientInfo, Step{Do: "filter", Text: text, Rule: r.Rule})
		return false
	}
	if len(r.Chains) > 0 {
		w.step(n, at, Step{Do: "filter", Text: q.Hook + ": passes, " + ruleText(r.Rule), Rule: r.Rule})
	}
	if r.NAT != nil {
		w.translated(n, at, &r)
	}
	w.packet.Mark, w.packet.MarkUnknown = r.Packet.Mark, r.Packet.MarkUnknown
	if c.Conn = r.Conn; !c.Reply {
		c.now = w.packet
	}
	if w.reply && (q.Hook == "postrouting" || q.Hook == "input") {
		w.undo(n, at, c, false)
	}
	return true
}

func ruleText(r *filter.Rule) string {
	if r == nil {
		return "no rules"
	}
	return r.Place().String() + ": " + r.Text
}

// tuple writes addresses and ports.
func tuple(p filter.Packet) string {
	side := func(a netip.Addr, port uint16) string {
		if port == 0 {
			return a.String()
		}
		return netip.AddrPortFrom(a, port).String()
	}
	return side(p.Src, p.SrcPort) + " → " + side(p.Dst, p.DstPort)
}
