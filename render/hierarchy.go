package render

import (
	"io"
	"strconv"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// UserTree is the view of the user namespaces with what they own.
type UserTree struct {
	*graph.UserTree
	NoHeadings bool
}

// Document returns the tree.
func (v UserTree) Document() any { return v.UserTree }

// Targets returns the words for all namespaces of the tree.
func (v UserTree) Targets() []string {
	var words []string
	for _, l := range v.lines() {
		if l.row != nil {
			words = append(words, l.row.Word())
		}
	}
	return words
}

// treeLine is a line of a tree of namespaces: a namespace or a heading.
type treeLine struct {
	depth int
	row   *graph.Row
	label string // where row is nil
	note  string
}

// Text writes the tree with one namespace a line.
func (v UserTree) Text(w io.Writer, wide bool, o Options) error {
	heads := []Head{{Text: "NAMESPACE"}, {Text: "NPROCS", Right: true}, {Text: "PID", Right: true}, {Text: "USER"}, {Text: "CONTAINER"}}
	if wide {
		heads = append(heads, Head{Text: "MADE BY"}, Head{Text: "DETAIL"})
	}
	t := Table{Head: append(heads, Head{Text: "COMMAND"}), NoHeadings: v.NoHeadings}
	lines := v.lines()
	depths := make([]int, len(lines))
	for i, l := range lines {
		depths[i] = l.depth
	}
	prefixes := Branches(depths, o.ASCII)
	for i, l := range lines {
		t.Rows = append(t.Rows, l.cells(prefixes[i], wide))
	}
	t.Style = func(row, column int) Style {
		switch {
		case lines[row].row == nil:
			return Faint
		case column == 4 && lines[row].row.Container != nil:
			return Name
		}
		return Plain
	}
	return t.Write(w, o)
}

func (l *treeLine) cells(prefix string, wide bool) []string {
	if l.row == nil {
		return []string{prefix + l.label}
	}
	r := l.row
	cells := []string{prefix + nsName(r.Type, r.NS), orUnknown(r.NProcs), cellOf(r.PID), dash(userText(r)), dash(containerText(r))}
	if wide {
		cells = append(cells, dash(l.note), dash(detailText(r)))
	}
	return append(cells, dash(commandText(r)))
}

func cellOf(n *int) string {
	if n == nil {
		return "-"
	}
	return strconv.Itoa(*n)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// lines puts the tree into lines: a user namespace, then what it owns, then
// the user namespaces below it.
func (v UserTree) lines() []treeLine {
	var lines []treeLine
	var add func(n *graph.UserNode, depth int)
	add = func(n *graph.UserNode, depth int) {
		l := treeLine{depth: depth, row: &n.Row}
		if n.OwnerUID != nil {
			l.note = nameAndID(n.OwnerUser, *n.OwnerUID)
		}
		lines = append(lines, l)
		for i := range n.Owns {
			lines = append(lines, treeLine{depth: depth + 1, row: &n.Owns[i]})
		}
		for _, c := range n.Children {
			add(c, depth+1)
		}
	}
	for _, n := range v.Roots {
		add(n, 0)
	}
	if len(v.Unowned) > 0 {
		label := "(owner not known)"
		if !v.OwnersKnown {
			label = "(owners not looked at)"
		}
		lines = append(lines, treeLine{label: label})
		for i := range v.Unowned {
			lines = append(lines, treeLine{depth: 1, row: &v.Unowned[i]})
		}
	}
	return lines
}

// PIDTree is the view of the pid namespaces with their processes.
type PIDTree struct {
	*graph.PIDTree
	NoHeadings bool
}

// Document returns the tree.
func (v PIDTree) Document() any { return v.PIDTree }

// Targets returns the words for the pid namespaces of the tree.
func (v PIDTree) Targets() []string {
	var words []string
	var add func(list []*graph.PIDNode)
	add = func(list []*graph.PIDNode) {
		for _, n := range list {
			words = append(words, n.Word())
			add(n.Children)
		}
	}
	add(v.Roots)
	return words
}

// Text writes the tree with one namespace or process a line.
func (v PIDTree) Text(w io.Writer, _ bool, o Options) error {
	b := pidTable{o: o}
	for _, n := range v.Roots {
		b.node(n, 0)
	}
	if n := len(v.Unplaced) + v.UnplacedKernel; n > 0 {
		b.add(0, Faint, "(pid namespace not known)", strconv.Itoa(n))
		b.kernelThreads(v.UnplacedKernel, 1)
		for i := range v.Unplaced {
			b.process(&v.Unplaced[i], 1)
		}
	}
	prefixes := Branches(b.depths, o.ASCII)
	for i := range b.rows {
		b.rows[i][0] = prefixes[i] + b.rows[i][0]
	}
	t := Table{
		Head: []Head{{Text: "PIDS"}, {Text: "NPROCS", Right: true}, {Text: "USER"}, {Text: "CONTAINER"}, {Text: "COMMAND"}},
		Rows: b.rows, NoHeadings: v.NoHeadings,
		Style: func(row, column int) Style {
			if column == 3 && len(b.rows[row]) > 3 && b.rows[row][3] != "-" {
				return Name
			}
			return b.styles[row]
		},
	}
	return t.Write(w, o)
}

type pidTable struct {
	o      Options
	rows   [][]string
	depths []int
	styles []Style
}

func (b *pidTable) add(depth int, st Style, cells ...string) {
	b.rows, b.depths, b.styles = append(b.rows, cells), append(b.depths, depth), append(b.styles, st)
}

func (b *pidTable) node(n *graph.PIDNode, depth int) {
	r := &n.Row
	b.add(depth, Heading, nsName(r.Type, r.NS), orUnknown(r.NProcs), dash(userText(r)), dash(containerText(r)), dash(commandText(r)))
	b.kernelThreads(n.KernelThreads, depth+1)
	for i := range n.Processes {
		b.process(&n.Processes[i], depth+1)
	}
	for _, c := range n.Children {
		b.node(c, depth+1)
	}
}

func (b *pidTable) kernelThreads(n, depth int) {
	if n > 0 {
		b.add(depth, Faint, "("+count(n, "kernel thread", "kernel threads")+")")
	}
}

func (b *pidTable) process(p *graph.PIDProcess, depth int) {
	pids := strconv.Itoa(p.PID)
	if len(p.PIDs) > 1 {
		pids = pidsText(p.PIDs)
	}
	if b.o.ASCII {
		pids = plainWords.Replace(pids)
	}
	user := "-"
	switch {
	case p.User != nil:
		user = *p.User
	case p.UID != nil:
		user = strconv.FormatUint(uint64(*p.UID), 10)
	}
	command := orDash(p.Command)
	if p.ForChildren != nil {
		command += "  (children go to " + nsName(inspect.PID, *p.ForChildren) + ")"
	}
	b.add(depth, Plain, pids, "", user, containerName(p.Container), command)
}
