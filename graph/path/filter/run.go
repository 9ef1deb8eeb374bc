package filter

import (
	"cmp"
	"slices"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// Run says what the rules do with a packet at a hook. A nil ruleset was not
// read: that is [Unknown].
func Run(rs *inspect.Ruleset, q Query) Result {
	r := Result{Verdict: Accept, Packet: q.Packet, Conn: q.Conn}
	if r.Conn.Original.Src == (Packet{}).Src {
		r.Conn.Original = q.Packet
	}
	if rs == nil {
		r.Verdict, r.Reason = Unknown, "the rules of this namespace could not be read"
		return r
	}
	w := &walk{rs: rs, q: &q, packet: r.Packet, conn: r.Conn, left: maxRules}
	w.index()
	orders := w.orders()
	results := make([]Result, len(orders))
	for i, bases := range orders {
		one := *w
		results[i] = r
		one.hook(&results[i], bases)
	}
	r = together(results)
	if r.Verdict == Accept {
		w.legacy(&r)
	}
	return r
}

// maxRules is how many rules are looked at for one hook: more than any host
// has, few enough for a file that would have the chains of it run for ever.
const maxRules = 1 << 18

// maxDepth is NFT_JUMP_STACK_SIZE of the kernel.
const maxDepth = 16

// maxLegacyDepth bounds what the older iptables, which has as deep a stack as
// it has chains, is followed into.
const maxLegacyDepth = 1024

// The priorities at which connections are tracked and translated,
// linux/netfilter_ipv4.h.
const (
	priorityTrack = -200
	priorityDNAT  = -100
	prioritySNAT  = 100
)

type chainKey struct {
	family      inspect.NFFamily
	table, name string
	legacy      bool
}

func keyOf(c *inspect.NFChain) chainKey { return chainKey{c.Family, c.Table, c.Name, c.Legacy} }

// walk is one packet on its way through the chains of a hook.
type walk struct {
	rs     *inspect.Ruleset
	q      *Query
	packet Packet
	conn   Conn
	left   int
	rules  map[chainKey][]*inspect.NFRule
	chains map[chainKey]*inspect.NFChain

	base *inspect.NFChain // that is walked
	// pending are ends that the packet may have had already.
	pending []end
	// lost says why nothing can be told any more; "" when all is well.
	lost   string
	lostAt *inspect.NFRule
}

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

func (w *walk) index() {
	w.rules, w.chains = map[chainKey][]*inspect.NFRule{}, map[chainKey]*inspect.NFChain{}
	for i := range w.rs.Chains {
		c := &w.rs.Chains[i]
		w.chains[keyOf(c)] = c
	}
	for i := range w.rs.Rules {
		r := &w.rs.Rules[i]
		k := chainKey{r.Family, r.Table, r.Chain, r.Legacy}
		w.rules[k] = append(w.rules[k], r)
	}
}

// bases are the base chains of the hook in the order in which they run.
func (w *walk) bases() []*inspect.NFChain {
	dormant := map[chainKey]bool{}
	for i := range w.rs.Tables {
		t := &w.rs.Tables[i]
		dormant[chainKey{t.Family, t.Name, "", t.Legacy}] = t.Flags&1 != 0
	}
	var out []*inspect.NFChain
	for i := range w.rs.Chains {
		c := &w.rs.Chains[i]
		if c.Hook == w.q.Hook && w.serves(c) && !dormant[chainKey{c.Family, c.Table, "", c.Legacy}] {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, w.before)
	return out
}

// before compares the places of two base chains. Of equal ones the order is
// not known between the older iptables and nf_tables.
func (w *walk) before(a, b *inspect.NFChain) int {
	return cmp.Or(cmp.Compare(w.priority(a), w.priority(b)), cmp.Compare(a.Priority, b.Priority))
}

// serves reports whether the packet is of the family of a chain.
func (w *walk) serves(c *inspect.NFChain) bool {
	if w.q.Netdev {
		dev := w.q.In
		if w.q.Hook == "egress" {
			dev = w.q.Out
		}
		return (c.Family == inspect.NFNetdev || c.Family == inspect.NFInet) && slices.Contains(c.Devices, ifaceName(dev))
	}
	switch c.Family {
	case inspect.NFInet:
		return !w.q.Bridge
	case inspect.NFIPv4:
		return !w.q.Bridge && w.packet.Dst.Is4()
	case inspect.NFIPv6:
		return !w.q.Bridge && w.packet.Dst.Is6()
	case inspect.NFBridge:
		return w.q.Bridge
	}
	return false
}

// priority is where a chain really runs: all translation happens at once.
func (w *walk) priority(c *inspect.NFChain) int32 {
	if c.Type != "nat" || w.q.Bridge {
		return c.Priority
	}
	switch c.Hook {
	case "prerouting", "output":
		return priorityDNAT
	}
	return prioritySNAT
}

// hook runs the base chains. One that certainly stops the packet decides, also
// where an earlier one could not be told.
func (w *walk) hook(r *Result, bases []*inspect.NFChain) {
	var open *Result // what could not be told
	translated := false
	for _, c := range bases {
		if c.Type == "nat" && (w.conn.State != New || translated || *w.bound()) {
			continue
		}
		r.Chains = append(r.Chains, chainWord(c))
		w.base, w.pending = c, nil
		e := w.decide(w.chain(keyOf(c)))
		r.Rule, r.Reason, r.Verdict = w.tell(e.rule), e.reason, e.verdict
		if e.verdict.Stops() {
			return
		}
		if e.verdict == Unknown {
			if open == nil {
				copied := *r
				open = &copied
			}
			if e.nat != nil || w.lost != "" {
				break // where it goes from here is not known
			}
			continue
		}
		if e.nat != nil {
			translated = true
			w.translate(e.nat)
			r.NAT, r.Translation = w.tell(e.nat.rule), e.nat.word
		}
	}
	if open != nil {
		r.Verdict, r.Rule, r.Reason = Unknown, open.Rule, open.Reason
	}
	*w.bound() = true
	r.Packet, r.Conn = w.packet, w.conn
}

// bound is what the hook settles: destinations are translated where a packet
// comes in or is made, sources where it is delivered or leaves.
func (w *walk) bound() *bool {
	switch hook := w.q.Hook; {
	case w.q.Bridge || w.q.Netdev || w.conn.State == Untracked:
	case hook == "prerouting" || hook == "output":
		return &w.conn.DstBound
	case hook == "input" || hook == "postrouting":
		return &w.conn.SrcBound
	}
	return new(bool)
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

// tell writes a rule; nil is the policy of the base chain.
func (w *walk) tell(r *inspect.NFRule) *Rule {
	if r == nil {
		if w.base == nil {
			return nil
		}
		policy := cmp.Or(w.base.Policy, "accept")
		return &Rule{Family: w.base.Family.String(), Table: w.base.Table, Chain: w.base.Name, Legacy: w.base.Legacy, Text: "policy " + policy}
	}
	return &Rule{Family: r.Family.String(), Table: r.Table, Chain: r.Chain, Legacy: r.Legacy, Handle: r.Handle, Text: graph.RuleText(w.rs, r)}
}
