package render

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// Column is a column that a list of R can have.
type Column[R any] struct {
	Name string // the heading; users may type it in lower case
	Help string // what it shows, in a few words
	// Text is the cell, "" when not known, which is shown as "-".
	Text func(*R) string
	// Compare orders rows by this column; nil orders by Text. Rows whose Text
	// is "" come last anyway.
	Compare func(a, b *R) int
	Right   bool // align right, for numbers
	Style   func(*R) Style
	Show    Show
	// Needs are the facts that the cell shows.
	Needs inspect.Facts
}

// Show says when a column is shown that was not asked for by name.
type Show uint8

// The columns of a table, those of a wide one, and those on request only.
const (
	ShowAlways Show = iota
	ShowWide
	ShowOnRequest
)

// Columns are the columns that a list can have, in the order in which they
// are shown.
type Columns[R any] []Column[R]

// Number returns a column of numbers; get returns nil when one is not known.
func Number[R any, N ~int | ~uint32 | ~uint64](name, help string, get func(*R) *N) Column[R] {
	return Column[R]{
		Name: name, Help: help, Right: true,
		Text: func(r *R) string {
			if n := get(r); n != nil {
				return fmt.Sprint(*n)
			}
			return ""
		},
		Compare: func(a, b *R) int {
			n, m := get(a), get(b)
			if n == nil || m == nil {
				return 0
			}
			return cmp.Compare(*n, *m)
		},
	}
}

// Select returns the columns that spec asks for: names with commas between,
// or "+NAME,…" for more columns than the usual. An empty spec asks for the
// usual, of a wide table where wide is set.
func (cs Columns[R]) Select(spec string, wide bool) (Columns[R], error) {
	var chosen Columns[R]
	more, adds := strings.CutPrefix(spec, "+")
	if adds || spec == "" {
		for _, c := range cs {
			if c.Show == ShowAlways || c.Show == ShowWide && wide {
				chosen = append(chosen, c)
			}
		}
		spec = more
	}
	for name := range strings.SplitSeq(spec, ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), "+")
		if name == "" {
			continue
		}
		c, err := cs.find(name)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(chosen, func(o Column[R]) bool { return o.Name == c.Name }) {
			chosen = append(chosen, *c)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no columns chosen (columns: %s)", cs.names())
	}
	return chosen, nil
}

// Describe lists the columns with what they show, one a line.
func (cs Columns[R]) Describe() string {
	var b strings.Builder
	for _, c := range cs {
		fmt.Fprintf(&b, "  %s %-10s %s\n", map[Show]string{ShowAlways: "*", ShowWide: "+", ShowOnRequest: " "}[c.Show], c.Name, c.Help)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Needs returns the facts that the columns show.
func (cs Columns[R]) Needs() inspect.Facts {
	var f inspect.Facts
	for _, c := range cs {
		f |= c.Needs
	}
	return f
}

func (cs Columns[R]) find(name string) (*Column[R], error) {
	for i := range cs {
		if strings.EqualFold(cs[i].Name, name) {
			return &cs[i], nil
		}
	}
	return nil, fmt.Errorf("unknown column %q (columns: %s)", name, cs.names())
}

func (cs Columns[R]) names() string {
	names := make([]string, len(cs))
	for i, c := range cs {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// unknown is the cell of what is not known or does not exist: a column must
// not vanish for whoever cuts lines into words.
const unknown = "-"

// List is a view of rows under columns.
type List[R any] struct {
	Rows       []R
	Columns    Columns[R] // those to show, see Columns.Select
	NoHeadings bool
	// Depths makes it a tree, drawn before the first column: the depth of each
	// row, see [Branches]. Nil is a plain list.
	Depths []int
	// Doc is the document for JSON, YAML and templates.
	Doc any
	// Target returns the word for a row that can be typed as a TARGET.
	Target func(*R) string
}

// Document returns l.Doc.
func (l *List[R]) Document() any { return l.Doc }

// Targets returns the word for each row.
func (l *List[R]) Targets() []string {
	words := make([]string, len(l.Rows))
	for i := range l.Rows {
		words[i] = l.Target(&l.Rows[i])
	}
	return words
}

// Text writes the list as a table. The columns were chosen before.
func (l *List[R]) Text(w io.Writer, _ bool, o Options) error {
	t := Table{NoHeadings: l.NoHeadings, Rows: make([][]string, len(l.Rows))}
	for i, c := range l.Columns {
		t.Head = append(t.Head, Head{Text: c.Name, Right: c.Right && (i > 0 || l.Depths == nil)})
	}
	var prefixes []string
	if l.Depths != nil {
		prefixes = Branches(l.Depths, o.ASCII)
	}
	cells := make([]string, len(l.Rows)*len(l.Columns))
	for r := range l.Rows {
		row := cells[:len(l.Columns):len(l.Columns)]
		cells = cells[len(l.Columns):]
		for i, c := range l.Columns {
			if row[i] = c.Text(&l.Rows[r]); row[i] == "" {
				row[i] = unknown
			}
		}
		if prefixes != nil {
			row[0] = prefixes[r] + row[0]
		}
		t.Rows[r] = row
	}
	t.Style = func(r, i int) Style {
		style := l.Columns[i].Style
		if style == nil || t.Rows[r][i] == unknown {
			return Plain
		}
		return style(&l.Rows[r])
	}
	return t.Write(w, o)
}
