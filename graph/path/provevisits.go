package path

import (
	"slices"

	"nsinspect/graph"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// visits sorts the events by way and namespace.
func (v *prover) visits() {
	for _, way := range []string{"forward", "reply", "error"} {
		for i := range v.s.Events {
			if e := &v.s.Events[i]; e.Way == way {
				v.event(v.visit(e), e)
			}
		}
	}
}

func (v *prover) visit(e *SeenEvent) *Visit {
	for i := range v.p.Visits {
		if o := &v.p.Visits[i]; o.ns == e.NS && o.Way == e.Way {
			return o
		}
	}
	v.p.Visits = append(v.p.Visits, Visit{Netns: netnsKey(e.NS), Way: e.Way, Hooks: []string{}, Rulings: []Ruling{}, ns: e.NS})
	return &v.p.Visits[len(v.p.Visits)-1]
}

func (v *prover) event(o *Visit, e *SeenEvent) {
	n := v.network(e.NS)
	if e.Own {
		hook := e.Chain
		if e.Family == inspect.NFBridge {
			hook = "bridge " + hook
		}
		if !slices.Contains(o.Hooks, hook) {
			o.Hooks = append(o.Hooks, hook)
		}
		if i := iface(n, e.Iif); i != "" && o.In == "" && e.Family != inspect.NFNetdev {
			o.In = i
		}
		if i := iface(n, e.Oif); i != "" {
			o.Out = i
		}
		return
	}
	if e.Handle == 0 && e.Verdict != "accept" && e.Verdict != "drop" {
		return // the end of a chain that was jumped to
	}
	o.Rulings = append(o.Rulings, Ruling{Rule: ruleSeen(n, e), Verdict: e.Verdict, Jump: e.Jump})
}

func iface(n *inspect.Network, index int) string {
	if n == nil || n.Interface(index) == nil {
		return ""
	}
	return n.Interface(index).Name
}

// ruleSeen names a rule; its text is that of the rules as they were read.
func ruleSeen(n *inspect.Network, e *SeenEvent) filter.Rule {
	r := filter.Rule{Family: e.Family.String(), Table: e.Table, Chain: e.Chain, Handle: e.Handle, Text: "not among the rules that were read"}
	if e.Handle == 0 {
		r.Text = "policy " + e.Verdict
	}
	if n == nil || n.Ruleset == nil || e.Handle == 0 {
		return r
	}
	for i := range n.Ruleset.Rules {
		if o := &n.Ruleset.Rules[i]; o.Handle == e.Handle && o.Table == e.Table && o.Family == e.Family && !o.Legacy {
			r.Text = graph.RuleText(n.Ruleset, o)
		}
	}
	return r
}
