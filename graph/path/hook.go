package path

import (
	"cmp"
	"net/netip"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// hook runs the rules of a hook. It returns false where the way ends.
func (w *tracer) hook(n *inspect.Network, q filter.Query) bool {
	at := q.In
	if at == nil || q.Hook == "postrouting" {
		at = cmp.Or(q.Out, q.In)
	}
	c := w.tracked(n, &q)
	back := w.reply && !q.Bridge // bridges translate nothing
	if back && (q.Hook == "prerouting" || q.Hook == "output") {
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
	if back && (q.Hook == "postrouting" || q.Hook == "input") {
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
