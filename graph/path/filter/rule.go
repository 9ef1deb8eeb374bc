package filter

import (
	"fmt"

	"nsinspect/inspect"
)

// action is what a rule does with a packet that it matches.
type action struct {
	verdict Verdict
	reason  string
	nat     *translation
	jump    string // chain
	leave   bool   // does not come back from there: goto
	back    bool   // return
	// doubt is why the rule may not match; nil when it does.
	doubt *doubt
}

// evaluation is one rule and one packet.
type evaluation struct {
	*walk
	r     *inspect.NFRule
	regs  registers
	doubt *doubt // whether it matches
	here  *doubt // whether the packet comes here
	done  *action
}

// rule runs the expressions of a rule. ok is false when it certainly does not
// match, or does nothing that matters. What it sets that is not certain
// becomes unknown.
func (w *walk) rule(r *inspect.NFRule, here *doubt) (a action, ok bool) {
	v := &evaluation{walk: w, r: r, here: here}
	for i := range r.Exprs {
		t, why := v.expr(&r.Exprs[i])
		if t == no {
			return action{}, false
		}
		if t == maybe && v.doubt == nil {
			v.doubt = &doubt{r, why}
		}
		if v.done != nil {
			v.done.doubt = v.doubt
			return *v.done, true
		}
	}
	return action{}, false
}

// end has the rule end with a verdict.
func (v *evaluation) end(verdict Verdict, reason string) {
	v.done = &action{verdict: verdict, reason: reason}
}

// uncertain reports whether what the rule sets may be not set.
func (v *evaluation) uncertain() bool {
	return v.doubt != nil || v.here != nil || len(v.pending) > 0
}

// expr runs one expression: whether the rule goes on after it, and why that
// is not known.
func (v *evaluation) expr(e *inspect.NFExpr) (truth, string) {
	switch e.Name {
	case "meta", "ct":
		if e.Sreg != 0 {
			v.set(e)
			return yes, ""
		}
		return v.load(e)
	case "fib", "rt", "socket", "payload", "exthdr":
		return v.load(e)
	case "bitwise", "byteorder":
		v.compute(e)
		return yes, ""
	case "immediate":
		if e.Verdict == nil {
			v.regs.store(e.Dreg, known(e.Data), "")
			return yes, ""
		}
		v.verdict(e.Verdict)
		return yes, ""
	case "cmp", "range":
		return v.compare(e)
	case "lookup":
		return v.lookup(e)
	case "match":
		return v.match(e)
	}
	return v.action(e)
}

// verdict ends the rule as the kernel does; continue is none.
func (v *evaluation) verdict(d *inspect.NFVerdict) {
	switch d.Code {
	case "accept":
		v.end(Accept, "")
	case "drop":
		v.end(Drop, "")
	case "return":
		v.done = &action{back: true}
	case "jump", "goto":
		v.done = &action{jump: d.Chain, leave: d.Code == "goto"}
	case "continue", "break":
	case "queue":
		v.end(Unknown, "a program decides, which the packet is queued for")
	case "stolen":
		v.end(Drop, "")
	default:
		v.end(Unknown, fmt.Sprintf("verdict %q is not known", d.Code))
	}
}

// action runs what is no condition.
func (v *evaluation) action(e *inspect.NFExpr) (truth, string) {
	switch e.Name {
	case "counter", "log", "last", "dup", "flow_offload", "notrack":
		if e.Name == "notrack" {
			v.untrack()
		}
		return yes, ""
	case "reject":
		v.end(Reject, rejectWord(e))
	case "nat", "masq", "redir":
		v.translates(e)
	case "target":
		v.target(e)
	case "queue":
		v.end(Unknown, "a program decides, which the packet is queued for")
	case "tproxy", "synproxy", "fwd":
		v.end(Unknown, e.Name+" takes the packet elsewhere")
	case "limit", "quota", "connlimit", "dynset", "objref":
		return maybe, map[string]string{
			"limit": "it depends on a rate", "quota": "it depends on a quota", "connlimit": "it depends on the number of connections",
			"dynset": "it depends on a set that packets change", "objref": "it depends on an object with a state",
		}[e.Name]
	default:
		why := fmt.Sprintf("expression %q is not understood", e.Name)
		v.regs.forget(why)
		return maybe, why
	}
	return yes, ""
}

// rejectWord says how the sender is told.
func rejectWord(e *inspect.NFExpr) string {
	if e.Type == "tcp reset" {
		return "answered with a TCP reset"
	}
	return "answered with an ICMP error"
}

// untrack has the packet not tracked, where that is not too late.
func (v *evaluation) untrack() {
	switch {
	case v.base.Priority >= priorityTrack:
	case v.uncertain():
		v.lose(v.r, "it is not known whether the connection is tracked")
	default:
		v.conn.State = Untracked
	}
}

// set is meta and ct that write.
func (v *evaluation) set(e *inspect.NFExpr) {
	if e.Key != "mark" {
		return // zone, helper, priority and the like change no rule's verdict here
	}
	p, _ := v.regs.load(e.Sreg, 4)
	unknown := v.uncertain() || !p.whole()
	if e.Name == "meta" {
		v.packet.Mark, v.packet.MarkUnknown = hostNumber(p.data), unknown
	} else {
		v.conn.Mark, v.conn.MarkUnknown = hostNumber(p.data), unknown
	}
}
