package path

import (
	"fmt"
	"slices"

	"nsinspect/graph"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// fate is where a packet was seen last, and what became of it there.
type fate struct {
	outcome Outcome
	visit   *Visit // nil: it was not seen at all
	ruling  *Ruling
}

// prover compares.
type prover struct {
	x *inspect.Index
	t *graph.Topology
	r *Report
	s *Seen
	p *Proof
}

// Prove compares the way that was foretold with what was seen. It sets
// r.Proof.
func Prove(x *inspect.Index, t *graph.Topology, r *Report, s Seen) {
	v := &prover{x: x, t: t, r: r, s: &s, p: &Proof{Agreement: Agrees, Packet: s.Packet, Watched: s.Watched, Answer: s.Answer, Visits: []Visit{}}}
	r.Proof = v.p
	v.notes()
	if s.Absent {
		v.absent()
		return
	}
	v.visits()
	f := v.fate("forward", &r.Forward)
	v.p.Outcome = f.outcome
	v.forward(f)
	if v.p.Agreement == Agrees && r.Forward.Disposition.Good() {
		v.reply()
	}
	if s.Incomplete && (v.p.Agreement != Agrees || f.outcome == Lost) {
		v.p.unsettled = f.outcome == Lost
		v.p.Netns = ""
		v.undecided("%s", v.incomplete())
	}
}

// incomplete says why some of what happened was not seen.
func (v *prover) incomplete() string {
	if v.s.Watched {
		return "there was more to see than could be read: --source says whose packet to follow"
	}
	return "the kernel made more messages than could be read"
}

func (v *prover) notes() {
	for _, text := range v.s.Left {
		v.p.Notes = append(v.p.Notes, "not removed: "+text)
	}
	for id, why := range v.s.Unwatched {
		v.p.Notes = append(v.p.Notes, fmt.Sprintf("%s could not be watched: %s", v.title(netnsKey(id)), why))
	}
	slices.Sort(v.p.Notes)
}

// absent is the proof where no packet came from outside.
func (v *prover) absent() {
	v.p.Outcome, v.p.unsettled = Absent, true
	if v.s.Incomplete {
		v.undecided("%s", v.incomplete())
		return
	}
	v.undecided("no packet came in on any interface within %s: it is stopped before this host (a cloud firewall, a router, the wrong address), or by tc or XDP", v.s.Waited)
	for i, p := range v.s.Strays {
		if i == 0 {
			v.p.Reason += "; seen instead:"
		} else {
			v.p.Reason += ","
		}
		v.p.Reason += " " + tuple(p)
	}
}

func (v *prover) title(key string) string {
	if ns := v.t.Netns(key); ns != nil {
		return ns.Title
	}
	return key
}

func (v *prover) network(id inspect.ID) *inspect.Network {
	nets := v.x.Snapshot().Networks
	for i := range nets {
		if nets[i].NS == id {
			return &nets[i]
		}
	}
	return nil
}

// fate finds out what became of a packet: a leg says in which order it was to
// go through the namespaces.
func (v *prover) fate(way string, l *Leg) fate {
	f := fate{outcome: Lost}
	rank := -1
	for i := range v.p.Visits { // first: of one that a bridge has multiplied, or that was sent again, others may be dropped
		if o := &v.p.Visits[i]; o.Way == way && slices.Contains(o.Hooks, "input") {
			return fate{Delivered, o, nil}
		}
	}
	for i := range v.p.Visits {
		o := &v.p.Visits[i]
		if o.Way != way {
			continue
		}
		for k := range o.Rulings {
			if o.Rulings[k].Verdict == "drop" {
				return fate{Dropped, o, &o.Rulings[k]}
			}
		}
		if n := slices.IndexFunc(l.Steps, func(s Step) bool { return s.Netns == o.Netns }); n >= rank || n < 0 || f.visit == nil {
			rank, f.visit = max(n, rank), o
		}
	}
	switch {
	case f.visit == nil && v.s.Refused != "" && way == "forward":
		f.outcome = Refused
	case f.visit != nil && slices.Contains(f.visit.Hooks, "postrouting") && (v.leads(f.visit, l) || way == "forward" && v.answered()):
		f.outcome = Left
	}
	return f
}

// answered reports whether who the packet was for has answered.
func (v *prover) answered() bool {
	return slices.Contains([]string{"SYN+ACK", "echo reply", "datagram"}, v.s.Answer)
}

// leads reports whether what goes out leaves what is known.
func (v *prover) leads(o *Visit, l *Leg) bool {
	if s := l.last(); s != nil && s.Do == "leave" && s.Netns == o.Netns && s.IfName == o.Out {
		return true
	}
	n := v.network(o.ns)
	if n == nil {
		return false
	}
	for i := range n.Interfaces {
		if k := &n.Interfaces[i]; k.Name == o.Out {
			return k.Kind != "veth" && k.Kind != "bridge" && k.Kind != "netkit" && !k.Loopback()
		}
	}
	return false
}

func (l *Leg) last() *Step {
	if len(l.Steps) == 0 {
		return nil
	}
	return &l.Steps[len(l.Steps)-1]
}

// tell says in words what became of a packet.
func (v *prover) tell(f fate) string {
	if f.visit == nil {
		if v.s.Refused != "" {
			return "the kernel did not send it: " + v.s.Refused
		}
		return "it was not seen anywhere"
	}
	where := v.title(f.visit.Netns)
	switch f.outcome {
	case Dropped:
		return fmt.Sprintf("%s drops it by %s", where, ruleText(&f.ruling.Rule))
	case Delivered:
		return "it is delivered in " + where
	case Left:
		return fmt.Sprintf("it leaves %s through %s", where, f.visit.Out)
	}
	if f.visit.Out != "" && slices.Contains(f.visit.Hooks, "postrouting") {
		return fmt.Sprintf("%s sends it out through %s, and it is not seen beyond", where, f.visit.Out)
	}
	return fmt.Sprintf("it is last seen in %s, which no rule stops it in and where it goes no further", where)
}

func (v *prover) differs(netns, format string, args ...any) {
	v.p.Agreement, v.p.Netns, v.p.Reason = Differs, netns, fmt.Sprintf(format, args...)
}

func (v *prover) undecided(format string, args ...any) {
	v.p.Agreement, v.p.Reason = Undecided, fmt.Sprintf(format, args...)
}

// forward compares the way there.
func (v *prover) forward(f fate) {
	l := &v.r.Forward
	if l.Disposition == InsufficientInfo {
		v.undecided("the way could not be told (%s); %s", l.Reason, v.tell(f))
		return
	}
	v.same(f, l)
}

// same compares what became of a packet with the end of a leg.
func (v *prover) same(f fate, l *Leg) {
	end := l.last()
	switch {
	case end == nil:
		v.undecided("no way was foretold")
	case l.Disposition.Good():
		v.arrives(f, l, end)
	case f.outcome == Dropped && end.Rule != nil:
		if r := f.ruling.Rule; f.visit.Netns != end.Netns || r.Family != end.Rule.Family || r.Table != end.Rule.Table || r.Chain != end.Rule.Chain || r.Handle != end.Rule.Handle {
			v.differs(v.first(f, l), "foretold was: %s: %s; but %s", v.title(end.Netns), end.Text, v.tell(f))
		}
	case f.outcome == Dropped || f.outcome.Good(), end.Rule != nil && !v.blind(end):
		v.differs(v.first(f, l), "foretold was: %s: %s; but %s", v.title(end.Netns), end.Text, v.tell(f))
	case f.outcome == Refused && end.Netns != l.Steps[0].Netns:
		v.differs(l.Steps[0].Netns, "foretold was: %s: %s; but %s", v.title(end.Netns), end.Text, v.tell(f))
	case f.outcome == Lost && f.visit == nil && !v.blind(&l.Steps[0]):
		v.undecided("foretold was: %s: %s; but %s", v.title(end.Netns), end.Text, v.tell(f))
	case f.outcome == Lost && f.visit != nil && !v.near(f.visit, l):
		v.differs(f.visit.Netns, "foretold was: %s: %s; but %s", v.title(end.Netns), end.Text, v.tell(f))
	}
}

// blind reports whether a step is where packets could not be seen, or its rule
// one that the kernel does not tell of: those of the older iptables.
func (v *prover) blind(end *Step) bool {
	if end.Rule != nil && end.Rule.Legacy {
		return true
	}
	for id := range v.s.Unwatched {
		if netnsKey(id) == end.Netns {
			return true
		}
	}
	return false
}

// arrives compares with a leg that ends well.
func (v *prover) arrives(f fate, l *Leg, end *Step) {
	want := Delivered
	if l.Disposition == ExitsNetwork {
		want = Left
	}
	switch {
	case f.outcome == want && f.visit.Netns == end.Netns && (want == Delivered || f.visit.Out == end.IfName):
	case (f.outcome == Lost || f.outcome == Left) && v.blind(end), f.outcome == Lost && len(v.s.Unwatched) > 0:
		v.undecided("%s; not all namespaces of its way could be watched", v.tell(f))
	default:
		v.differs(v.first(f, l), "foretold was: %s: %s; but %s", v.title(end.Netns), end.Text, v.tell(f))
	}
}

// first is the namespace in which the two ways part: where the packet was last
// seen, or where it should have ended and went on.
func (v *prover) first(f fate, l *Leg) string {
	end := l.last().Netns
	if f.visit == nil {
		return l.Steps[0].Netns
	}
	at := func(key string) int { return slices.IndexFunc(l.Steps, func(s Step) bool { return s.Netns == key }) }
	if n := at(f.visit.Netns); n >= 0 && n < at(end) || l.Disposition.Good() {
		return f.visit.Netns
	}
	return end
}

// near reports whether the packet was last seen where the leg ends, or in the
// namespace before that.
func (v *prover) near(o *Visit, l *Leg) bool {
	end := l.last().Netns
	before := ""
	for _, s := range l.Steps {
		if s.Netns != end {
			before = s.Netns
		}
	}
	return o.Netns == end || o.Netns == before
}

// reply compares the way back.
func (v *prover) reply() {
	l := v.r.Reply
	if l == nil {
		return
	}
	f := v.fate("reply", l)
	udp := v.s.Packet.Proto == filter.UDP
	switch {
	case l.Disposition == InsufficientInfo:
	case !l.Disposition.Good() && v.answered():
		end := l.last()
		v.differs(end.Netns, "the answer: foretold was: %s: %s; but it came", v.title(end.Netns), end.Text)
	case f.visit != nil && (v.s.Answer == "" || !l.Disposition.Good()):
		if l.Disposition.Good() && f.outcome.Good() {
			return
		}
		v.same(f, l)
		if v.p.Agreement == Differs {
			v.p.Reason = "the answer: " + v.p.Reason
		}
	case v.s.Answer != "":
	case udp && l.Disposition.Good(): // nobody has to answer
	case v.p.Outcome == Left:
		v.undecided("it left as foretold, but no answer came: what is beyond cannot be seen")
	case udp || !l.Disposition.Good():
		v.undecided("it was delivered as foretold, but nothing was sent back: the way of the answer could not be seen")
	default:
		v.differs(v.r.Forward.last().Netns, "it is delivered in %s as foretold, but that sends no answer", v.title(v.r.Forward.last().Netns))
	}
}
