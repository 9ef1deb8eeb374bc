package path

import (
	"fmt"
	"net/netip"

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
