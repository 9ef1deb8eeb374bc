package render

import (
	"io"

	"nsinspect/graph"
)

// Comparison is the view of the namespaces that two targets share.
type Comparison struct {
	*graph.Comparison
	NoHeadings bool
}

// Document returns the comparison.
func (v Comparison) Document() any { return v.Comparison }

// Targets returns the words for the two.
func (v Comparison) Targets() []string { return []string{v.A, v.B} }

// Text writes one kind a line.
func (v Comparison) Text(w io.Writer, _ bool, o Options) error {
	t := Table{
		Head:       []Head{{Text: "KIND"}, {Text: v.NameA, Right: true}, {Text: v.NameB, Right: true}, {Text: "SHARED"}},
		NoHeadings: v.NoHeadings,
	}
	for i := range v.Namespaces {
		n := &v.Namespaces[i]
		t.Rows = append(t.Rows, []string{n.Type.String(), orUnknown(n.A), orUnknown(n.B), sharedWords(n, v.NameA, v.NameB)})
	}
	t.Style = func(row, column int) Style {
		if s := v.Namespaces[row].Shared; column == 3 && s != nil && *s {
			return Heading
		}
		return Plain
	}
	return t.Write(w, o)
}

// sharedWords says whether a namespace is shared, and what follows.
func sharedWords(n *graph.SharedNamespace, a, b string) string {
	isHost := func(p *bool) bool { return p != nil && *p }
	switch {
	case n.Shared == nil:
		return "not known"
	case *n.Shared && isHost(n.HostA):
		return "yes, the host's"
	case *n.Shared:
		return "yes"
	}
	whose := func(name string, host *bool) string {
		if isHost(host) {
			return "the host's"
		}
		return name + "'s"
	}
	switch {
	case n.Relation == graph.AInB:
		return "no, " + a + "'s lies in " + whose(b, n.HostB)
	case n.Relation == graph.BInA:
		return "no, " + b + "'s lies in " + whose(a, n.HostA)
	case isHost(n.HostA):
		return "no, " + a + " has the host's"
	case isHost(n.HostB):
		return "no, " + b + " has the host's"
	}
	return "no"
}

// Changes is the view of what is different in a later snapshot.
type Changes struct{ *graph.Changes }

// Document returns the changes.
func (v Changes) Document() any { return v.Changes }

// Targets returns the words for the namespaces that appeared.
func (v Changes) Targets() []string {
	var words []string
	for i := range v.Namespaces {
		if n := &v.Namespaces[i]; n.Change == "appeared" {
			words = append(words, n.Word())
		}
	}
	return words
}

// between says from when to when, and where.
func (v Changes) between() string {
	later := v.To.At.Sub(v.From.At)
	way := " later"
	if later < 0 {
		way = " earlier"
	}
	from, to := utc(v.From.At), utc(v.To.At)+", "+graph.DurationWords(later.Abs())+way
	if v.From.Hostname == v.To.Hostname {
		return "on " + v.To.Hostname + " from " + from + " to " + to
	}
	return "from " + v.From.Hostname + " at " + from + " to " + v.To.Hostname + " at " + to
}

// Text writes what changed, by sort.
func (v Changes) Text(w io.Writer, _ bool, o Options) error {
	s := newSheet(o)
	s.title("changes", v.between())
	for _, c := range v.Cautions {
		s.b.WriteString("  " + o.Paint(Warning, s.clean("! "+c)) + "\n")
	}
	if v.IsEmpty() {
		s.b.WriteString("  no difference\n")
		return s.writeTo(w)
	}
	if err := v.containers(s); err != nil {
		return err
	}
	if err := v.namespaces(s); err != nil {
		return err
	}
	if err := v.processes(s); err != nil {
		return err
	}
	return s.writeTo(w)
}
