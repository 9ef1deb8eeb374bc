package render

import (
	"io"
	"strings"

	"nsinspect/graph"
)

// Leaks is the view of the namespaces that no process is in.
type Leaks struct {
	*graph.Leaks
	NoHeadings bool
}

// Document returns the leaks.
func (v Leaks) Document() any { return v.Leaks }

// Targets returns the words for the namespaces.
func (v Leaks) Targets() []string {
	var words []string
	for i := range v.Namespaces {
		words = append(words, nsName(v.Namespaces[i].Type, v.Namespaces[i].NS))
	}
	return words
}

// Text writes one namespace a line, then names without one.
func (v Leaks) Text(w io.Writer, wide bool, o Options) error {
	if len(v.Namespaces) > 0 {
		t := Table{NoHeadings: v.NoHeadings, Head: []Head{{Text: "NAMESPACE"}, {Text: "NAMES"}, {Text: "HELD FOR"}, {Text: "HELD BY"}}}
		for i := range v.Namespaces {
			l := &v.Namespaces[i]
			age := ageWords(l.AtMost)
			if o.ASCII {
				age = strings.ReplaceAll(age, "≤", "<=")
			}
			t.Rows = append(t.Rows, []string{nsName(l.Type, l.NS), dash(strings.Join(l.Names, ",")), dash(age), heldByText(l)})
		}
		if err := t.Write(w, o); err != nil {
			return err
		}
	}
	s := newSheet(o)
	if len(v.Stale) > 0 {
		s.title("names without a namespace", "")
		for _, n := range v.Stale {
			s.line(n.Name, n.Path+" is a plain file or leads nowhere: "+n.Command)
		}
	}
	if len(v.Namespaces)+len(v.Stale) == 0 {
		s.b.WriteString("no namespace is without a process\n")
	}
	s.census(v.Census)
	if s.b.Len() > 0 && len(v.Namespaces) > 0 {
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return s.writeTo(w)
}

// heldByText says all holders in one line.
func heldByText(l *graph.Leak) string {
	var words []string
	for i := range l.Holders {
		if i == 4 {
			words = append(words, "…")
			break
		}
		words = append(words, holderText(&l.Holders[i]))
	}
	if len(words) == 0 {
		if len(l.Candidates) > 0 {
			return "perhaps " + holderText(&l.Candidates[0])
		}
		return "nothing that can be seen"
	}
	return strings.Join(words, "; ")
}
