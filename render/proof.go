package render

import (
	"cmp"
	"fmt"
	"net/netip"
	"strings"

	"nsinspect/graph/path"
	"nsinspect/graph/path/filter"
)

// proof writes what a real packet showed. Wide adds the rules that only led
// on.
func (v Path) proof(print func(string, ...any), wide bool, o Options) {
	r := v.Proof
	if r == nil {
		return
	}
	head := "verified with "
	if r.Watched {
		head = "followed "
	}
	if r.Outcome == path.Absent {
		head = "waited for "
	}
	print("\n%s%s\n", head, sent(r.Packet))
	for i := range r.Visits {
		v.seen(print, &r.Visits[i], wide, o)
	}
	if r.Outcome == path.Absent {
		v.agreement(print, o)
		return
	}
	print("the packet was %s; %s\n", map[path.Outcome]string{
		path.Delivered: "delivered", path.Left: "seen to leave", path.Dropped: "dropped", path.Refused: "not sent", path.Lost: "lost",
	}[r.Outcome], "answer: "+cmp.Or(Sanitize(r.Answer), "none"))
	v.agreement(print, o)
}

func (v Path) agreement(print func(string, ...any), o Options) {
	r, style := v.Proof, Good
	if r.Agreement != path.Agrees {
		style = Bad
	}
	print("%s", o.Paint(style, string(r.Agreement)))
	if r.Reason != "" {
		print(": %s", Sanitize(r.Reason))
	}
	print("\n")
	for _, n := range r.Notes {
		print("note: %s\n", Sanitize(n))
	}
}

func sent(p filter.Packet) string {
	what := map[uint8]string{filter.TCP: "a TCP SYN", filter.UDP: "a datagram"}[p.Proto]
	side := func(a netip.Addr, port uint16) string {
		if !a.IsValid() || port == 0 {
			return a.String()
		}
		return netip.AddrPortFrom(a, port).String()
	}
	text := cmp.Or(what, "an echo request")
	if p.Src.IsValid() {
		text += " from " + side(p.Src, p.SrcPort)
	}
	return text + " to " + side(p.Dst, p.DstPort)
}

func (v Path) seen(print func(string, ...any), s *path.Visit, wide bool, o Options) {
	title := s.Netns
	if ns := v.Topology.Netns(s.Netns); ns != nil {
		title = ns.Title
	}
	way := map[string]string{"reply": "answer in ", "error": "icmp error in "}[s.Way]
	print("%s%s", way, o.Paint(Name, Sanitize(title)))
	if s.In != "" {
		print(" in %s", Sanitize(s.In))
	}
	if s.Out != "" {
		print(" out %s", Sanitize(s.Out))
	}
	print(" (%s)\n", Sanitize(strings.Join(s.Hooks, ", ")))
	for _, k := range s.Rulings {
		if !wide && (s.Way != "forward" && k.Verdict != "drop" || k.Rule.Handle == 0 && k.Verdict == "accept") {
			continue
		}
		verdict := Sanitize(strings.TrimSpace(k.Verdict + " " + k.Jump))
		if verdict == "drop" {
			verdict = o.Paint(Bad, verdict)
		}
		at := ""
		if k.Rule.Handle != 0 {
			at = fmt.Sprintf(" handle %d", k.Rule.Handle)
		}
		print("  %s %s %s%s: %s → %s\n", k.Rule.Family, Sanitize(k.Rule.Table), Sanitize(k.Rule.Chain), at, Sanitize(k.Rule.Text), verdict)
	}
}
