package render

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Mermaid writes a drawing as a flowchart of Mermaid: a subgraph for each
// namespace, a node for each interface. Their names are counted, because
// Mermaid has no quoting for names.
func Mermaid(w io.Writer, v Drawing) error {
	s := sceneOf(v)
	out := bufio.NewWriter(w)
	p := func(format string, args ...any) { fmt.Fprintf(out, format, args...) }
	names := map[string]string{}
	p("flowchart LR\n")
	for i := range s.boxes {
		b := &s.boxes[i]
		names[b.key] = fmt.Sprintf("ns%d", i)
		p("  subgraph ns%d[\"%s\"]\n", i, mermaidLabel(b.label))
		for k, n := range b.nodes {
			names[n.key] = fmt.Sprintf("n%d_%d", i, k)
			p("    %s[\"%s\"]\n", names[n.key], mermaidLabel(n.label))
		}
		if len(b.nodes) == 0 {
			p("    n%d_none[\" \"]\n", i)
		}
		p("  end\n")
	}
	for i, n := range s.loose {
		names[n.key] = fmt.Sprintf("p%d", i)
		p("  p%d([\"%s\"])\n", i, mermaidLabel(n.label))
	}
	for i := range s.lines {
		l := s.lines[i]
		if l.up && l.look == onward {
			l.from, l.to = l.to, l.from // Mermaid has no arrow backwards
		}
		p("  %s %s %s\n", names[l.from], mermaidArrow(&l), names[l.to])
	}
	return out.Flush()
}

func mermaidArrow(l *line) string {
	arrow := "---"
	switch {
	case l.vague:
		arrow = "-.-"
	case l.look == strong:
		arrow = "==="
	case l.look == onward || l.look == open:
		arrow = "-.->"
	}
	if len(l.label) > 0 {
		return fmt.Sprintf("%s|\"%s\"|", arrow, mermaidLabel(l.label))
	}
	return arrow
}

func mermaidLabel(lines []string) string {
	quoted := make([]string, len(lines))
	for i, l := range lines {
		quoted[i] = mermaidEscape(l)
	}
	return strings.Join(quoted, "<br/>")
}

// mermaidEscape writes what could have a meaning, to Mermaid, to Markdown or
// to HTML, as a numeric entity, which Mermaid has as #NN;. Some words have one
// wherever they are in a line: Mermaid looks for "direction TB" and for colours
// of "style" before it looks for quotes. ﬂ and ¶ are what it keeps entities as.
func mermaidEscape(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < unicode.MaxASCII && !mermaidPlain(r) {
			fmt.Fprintf(&b, "#%d;", r)
		} else {
			b.WriteRune(r)
		}
	}
	return strings.NewReplacer("direction", "#100;irection", "style", "#115;tyle", "classDef", "#99;lassDef",
		"ﬂ", "#64258;", "¶", "#182;").Replace(b.String())
}

func mermaidPlain(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(" .,:/+-()", r)
}
