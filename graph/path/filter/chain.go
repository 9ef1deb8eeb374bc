package filter

import (
	"cmp"

	"nsinspect/inspect"
)

// maxDepth is NFT_JUMP_STACK_SIZE of the kernel.
const maxDepth = 16

// end is where a packet's way through a base chain ends.
type end struct {
	verdict Verdict
	rule    *inspect.NFRule // nil: the policy
	reason  string
	nat     *translation
	doubt   *doubt // not certain: why not
}

// doubt is why it is not certain that a packet gets somewhere.
type doubt struct {
	rule   *inspect.NFRule
	reason string
}

// decide makes one end of where the walk came out and where it may have ended
// before.
func (w *walk) decide(e end) end {
	if w.lost != "" {
		return end{verdict: Unknown, rule: w.lostAt, reason: w.lost}
	}
	for _, p := range w.pending {
		same := p.verdict == e.verdict || p.verdict.Stops() && e.verdict.Stops()
		if !same || !p.nat.same(e.nat) || p.verdict == Unknown {
			out := end{verdict: Unknown, rule: p.rule, reason: p.reason}
			if p.doubt != nil {
				out.rule, out.reason = p.doubt.rule, p.doubt.reason
			}
			if !p.nat.same(e.nat) {
				out.nat = cmp.Or(p.nat, e.nat)
			}
			return out
		}
	}
	return e
}

// flow is what a chain or a rule leads to.
type flow uint8

const (
	flowOn     flow = iota // to the next rule
	flowReturn             // back to the calling chain
	flowEnd                // an end is reached
)

// chain walks a base chain to its end.
func (w *walk) chain(k chainKey) end {
	e, f, back := w.rulesOf(k, 0, nil)
	if f == flowEnd && back == nil {
		return e
	}
	if f == flowEnd {
		w.maybeEnd(e, back)
	}
	policy := end{verdict: Accept}
	if w.base.Policy == "drop" {
		policy.verdict = Drop
	}
	return policy
}

// maybeEnd keeps an end that the packet has reached unless d is so.
func (w *walk) maybeEnd(e end, d *doubt) {
	if e.doubt == nil {
		e.doubt = d
	}
	w.pending = append(w.pending, e)
}

// rulesOf walks the rules of a chain. here is why it is not certain that the
// packet comes through it. back is why it may have left for the calling chain
// before it got to the end that is returned.
func (w *walk) rulesOf(k chainKey, depth int, here *doubt) (e end, f flow, back *doubt) {
	if depth > maxDepth && !k.legacy || depth > maxLegacyDepth {
		w.lose(nil, "chains are nested too deep")
		return end{}, flowEnd, nil
	}
	for _, r := range w.rules[k] {
		if w.left--; w.left < 0 {
			w.lose(r, "there are too many rules")
		}
		if w.lost != "" {
			return end{}, flowEnd, nil
		}
		a, ok := w.rule(r, cmp.Or(back, here))
		if !ok {
			continue
		}
		e, f, left := w.act(k, r, a, depth, cmp.Or(back, here))
		if f != flowOn {
			return e, f, back
		}
		back = cmp.Or(back, left)
	}
	return end{}, flowOn, back
}

// act does what a rule that matches, or may, says. back is why the packet may
// have left the chain.
func (w *walk) act(k chainKey, r *inspect.NFRule, a action, depth int, here *doubt) (e end, f flow, back *doubt) {
	switch {
	case a.jump != "":
		return w.jump(k, r, a, depth, here)
	case a.back && a.doubt == nil:
		return end{}, flowReturn, nil
	case a.back:
		return end{}, flowOn, a.doubt
	}
	e = end{verdict: a.verdict, rule: r, reason: a.reason, nat: a.nat}
	if a.doubt == nil {
		return e, flowEnd, nil
	}
	w.maybeEnd(e, a.doubt)
	return end{}, flowOn, nil
}

func (w *walk) jump(k chainKey, r *inspect.NFRule, a action, depth int, here *doubt) (e end, f flow, back *doubt) {
	target := chainKey{k.family, k.table, a.jump, k.legacy}
	if w.chains[target] == nil {
		w.lose(r, "its chain "+a.jump+" is not known")
		return end{}, flowEnd, nil
	}
	e, f, left := w.rulesOf(target, depth+1, cmp.Or(a.doubt, here))
	if f == flowEnd && a.doubt == nil && left == nil {
		return e, flowEnd, nil
	}
	if f == flowEnd {
		w.maybeEnd(e, cmp.Or(a.doubt, left))
	}
	switch {
	case !a.leave:
		return end{}, flowOn, nil
	case a.doubt == nil:
		return end{}, flowReturn, nil // from a chain that was gone to
	}
	return end{}, flowOn, a.doubt
}

func (w *walk) lose(r *inspect.NFRule, why string) {
	if w.lost == "" {
		w.lost, w.lostAt = why, r
	}
}
