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
	r = w.together(results)
	if r.Verdict == Accept {
		w.legacy(&r)
	}
	return r
}

// maxRules is how many rules are looked at for one hook: more than any host
// has, few enough for a file that would have the chains of it run for ever.
const maxRules = 1 << 18

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
	slices.Reverse(out) // of equal ones that which was made last is likely the first
	slices.SortStableFunc(out, w.before)
	return out
}

// before compares the places of two base chains.
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
