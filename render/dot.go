package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// DOT writes a drawing in the language of Graphviz: a cluster for each
// namespace, a node for each interface.
func DOT(w io.Writer, v Drawing) error {
	s := sceneOf(v)
	out := bufio.NewWriter(w)
	p := func(format string, args ...any) { fmt.Fprintf(out, format, args...) }
	p("graph nsinspect {\n\trankdir=LR ranksep=0.8\n")
	p("\tgraph [fontname=\"sans-serif\" fontsize=11 style=\"rounded,filled\" fillcolor=\"#f6f8fa\" color=\"#8c959f\"]\n")
	p("\tnode [fontname=\"sans-serif\" fontsize=10 shape=box style=filled fillcolor=white color=\"#57606a\"]\n")
	p("\tedge [fontname=\"sans-serif\" fontsize=9 color=\"#57606a\"]\n")
	for i := range s.boxes {
		b := &s.boxes[i]
		p("\tsubgraph %s {\n\t\tlabel=%s%s\n", dotQuote("cluster_"+b.key), dotLabel(b.label), dotBoxStyle(b.look))
		if b.anchor || len(b.nodes) == 0 {
			p("\t\t%s [label=\"\" shape=point]\n", dotQuote(b.key))
		}
		for _, n := range b.nodes {
			p("\t\t%s [label=%s%s]\n", dotQuote(n.key), dotLabel(n.label), dotNodeStyle(n.look)+dotHit(n.hit))
		}
		p("\t}\n")
	}
	for _, n := range s.loose {
		p("\t%s [label=%s shape=ellipse]\n", dotQuote(n.key), dotLabel(n.label))
	}
	for i := range s.lines {
		l := &s.lines[i]
		p("\t%s -- %s [label=%s tooltip=%s%s]\n", dotQuote(l.from), dotQuote(l.to), dotLabel(l.label), dotQuote(l.why), dotLineStyle(l)+dotHit(l.hit))
	}
	p("}\n")
	return out.Flush()
}

// dotHit draws what a packet goes through thick; the last of two attributes of
// the same name counts.
func dotHit(hit bool) string {
	if hit {
		return " penwidth=4 color=\"#bc4c00\""
	}
	return ""
}

func dotBoxStyle(l look) string {
	switch l {
	case own:
		return "\n\t\tfillcolor=\"#ddf4ff\""
	case vague:
		return "\n\t\tstyle=\"rounded,dashed\""
	}
	return ""
}

func dotNodeStyle(l look) string {
	switch l {
	case vague:
		return " style=dashed"
	case outlet:
		return " fillcolor=\"#dafbe1\""
	case bad:
		return " fillcolor=\"#ffebe9\""
	case own:
		return " fillcolor=\"#ddf4ff\""
	}
	return ""
}

func dotLineStyle(l *line) string {
	style := ""
	switch {
	case l.look == strong && l.vague:
		style = " penwidth=2 style=dashed"
	case l.look == strong:
		style = " penwidth=2 tailport=e headport=w" // beside the text of the nodes, not across that
	case l.look == onward:
		style = " style=dashed dir=forward"
		if l.up {
			style = " style=dashed dir=back"
		}
	case l.look == open:
		style = " style=dotted dir=forward color=\"#0969da\" constraint=false"
	case l.vague:
		style = " style=dashed"
	}
	if l.ports {
		style += " fontcolor=\"#0969da\""
	}
	return style
}

// dotLabel joins lines into a label.
func dotLabel(lines []string) string {
	quoted := make([]string, len(lines))
	for i, l := range lines {
		quoted[i] = dotEscape(l)
	}
	return `"` + strings.Join(quoted, `\n`) + `"`
}

// dotQuote quotes text as a string of the DOT language. Text is sanitised
// before: there are no control characters in it.
func dotQuote(s string) string { return `"` + dotEscape(s) + `"` }

// dotEscape escapes what has a meaning in a string or in a label: the quote,
// the backslash of \n and \N, and the ampersand of HTML entities, which
// Graphviz takes in any label.
func dotEscape(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `&`, `&amp;`).Replace(s)
}
