package render

import (
	"fmt"
	"io"

	"nsinspect/graph"
	"nsinspect/graph/path"
)

// Path is what nsinspect trace shows: the way of a packet, step by step.
type Path struct {
	*path.Report
	Topology *graph.Topology
}

// Document returns the report.
func (v Path) Document() any { return v.Report }

// Targets returns the namespaces that the packet goes through.
func (v Path) Targets() (words []string) {
	for _, l := range v.legs() {
		for _, s := range l.Steps {
			if len(words) == 0 || words[len(words)-1] != s.Netns {
				words = append(words, s.Netns)
			}
		}
	}
	return words
}

func (v Path) legs() []*path.Leg {
	if v.Reply == nil {
		return []*path.Leg{&v.Forward}
	}
	return []*path.Leg{&v.Forward, v.Reply}
}

// Keys are the interfaces that the packet goes through, in this order.
func (v Path) Keys() (keys []string) {
	for _, s := range v.Forward.Steps {
		if s.Iface != "" && (len(keys) == 0 || keys[len(keys)-1] != s.Iface) {
			keys = append(keys, s.Iface)
		}
	}
	return keys
}

// Text writes the steps below their namespaces, the answer last. Wide adds
// the hooks where only a policy lets the packet pass.
func (v Path) Text(w io.Writer, wide bool, o Options) error {
	p := func(format string, args ...any) { fmt.Fprintf(w, format, args...) }
	for i, l := range v.legs() {
		if i > 0 {
			p("\nanswer\n")
		}
		v.leg(p, l, wide, o)
	}
	p("\n%s", o.Paint(dispositionStyle(v.Disposition), string(v.Disposition)))
	if v.Reason != "" {
		p(": %s", Sanitize(v.Reason))
	}
	p("\n")
	if v.MTU != 0 {
		p("smallest MTU: %d\n", v.MTU)
	}
	for _, n := range v.Notes {
		p("note: %s\n", Sanitize(n))
	}
	if v.Reconstructed {
		p("routes are reconstructed from the recorded ones, not asked of the kernel\n")
	}
	v.proof(p, wide, o)
	return nil
}

func dispositionStyle(d path.Disposition) Style {
	if d.Good() {
		return Good
	}
	return Bad
}

func (v Path) leg(p func(string, ...any), l *path.Leg, wide bool, o Options) {
	at := ""
	for _, s := range l.Steps {
		if s.Netns != at {
			at = s.Netns
			title := at
			if ns := v.Topology.Netns(at); ns != nil {
				title = ns.Title
			}
			p("%s\n", o.Paint(Name, Sanitize(title)))
		}
		if s.Do == "filter" && !s.Bad && !wide && (s.Rule == nil || s.Rule.Handle == 0) {
			continue
		}
		text := fmt.Sprintf("%-8s %-12s %s", s.Do, Sanitize(s.IfName), Sanitize(s.Text))
		if s.MTU != 0 {
			text += fmt.Sprintf(" (mtu %d)", s.MTU)
		}
		if s.Bad {
			text = o.Paint(Bad, text)
		}
		p("  %s\n", text)
		if s.Do == "nat" && s.Rule != nil {
			p("%24sby %s: %s\n", "", Sanitize(s.Rule.Place().String()), Sanitize(s.Rule.Text))
		}
	}
}
