package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"nsinspect/enter/demo"
	"nsinspect/render"
)

// demoView is a report as a document.
type demoView struct{ r *demo.Report }

func (v demoView) Document() any     { return v.r }
func (v demoView) Targets() []string { return nil }

// Text writes the whole report.
func (v demoView) Text(w io.Writer, _ bool, o render.Options) error {
	t := demoText{w, o}
	for _, s := range v.r.Steps {
		if err := t.step(s); err != nil {
			return err
		}
	}
	return t.verdict(v.r)
}

// demoText writes an experiment for people, as it goes on.
type demoText struct {
	out io.Writer
	o   render.Options
}

func (t demoText) printf(format string, args ...any) error {
	_, err := fmt.Fprintf(t.out, format, args...)
	return err
}

// head names the experiment.
func (t demoText) head(e demo.Experiment, without bool) error {
	title := "demo " + e.Name + ": " + e.Title
	if without {
		title += " (control, without it)"
	}
	return t.printf("%s\n", t.o.Paint(render.Heading, title))
}

// indent is that of what belongs to a step.
const indent = "    "

// step writes one step.
func (t demoText) step(s demo.Step) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n", t.o.Paint(render.Heading, fmt.Sprintf("%2d. %s", s.N, render.Sanitize(s.Title))))
	for _, l := range append([]string{s.Call}, s.Same...) {
		word := "same as"
		if l == s.Call {
			word = "call"
		}
		if l != "" {
			fmt.Fprintf(&b, "%s%-9s%s\n", indent, word, t.o.Paint(render.Faint, render.Sanitize(l)))
		}
	}
	where, what := widest(s.Seen)
	for _, f := range s.Seen {
		fmt.Fprintf(&b, "%s%s  %s  %s\n", indent, t.o.Paint(render.Name, pad(f.Where, where)), pad(f.What, what), render.Sanitize(f.Value))
	}
	for line := range strings.Lines(s.View) {
		b.WriteString(indent + strings.TrimRight(render.Sanitize(strings.TrimSuffix(line, "\n")), " ") + "\n")
	}
	if _, err := io.WriteString(t.out, b.String()); err != nil || s.Table == nil {
		return err
	}
	return t.table(s.Table)
}

func (t demoText) table(from *demo.Table) error {
	table := render.Table{}
	for _, h := range from.Head {
		table.Head = append(table.Head, render.Head{Text: strings.ToUpper(h)})
	}
	table.Rows = from.Rows
	return t.indented(&table)
}

// indented writes a table below a step.
func (t demoText) indented(table *render.Table) error {
	var b strings.Builder
	o := t.o
	o.Width = max(o.Width-len(indent), 0)
	if err := table.Write(&b, o); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if err := t.printf("%s%s", indent, line); err != nil {
			return err
		}
	}
	return nil
}

// widest returns how wide the first two columns of facts are.
func widest(seen []demo.Fact) (where, what int) {
	for _, f := range seen {
		where, what = max(where, render.Width(render.Sanitize(f.Where))), max(what, render.Width(render.Sanitize(f.What)))
	}
	return where, what
}

func pad(s string, width int) string {
	s = render.Sanitize(s)
	return s + strings.Repeat(" ", max(width-render.Width(s), 0))
}

// verdict writes the comparison and what follows from it.
func (t demoText) verdict(r *demo.Report) error {
	if err := t.printf("\n%s\n", t.o.Paint(render.Heading, "Verdict, from both sides")); err != nil {
		return err
	}
	if err := t.checks(r); err != nil {
		return err
	}
	style, text := render.Good, r.Text()
	if !r.Verdict {
		style = render.Bad
	}
	if t.o.ASCII {
		text = strings.TrimRight(text, " ✓✗")
	}
	why := ""
	switch {
	case r.Without && r.Expected:
		why = ", as it must be without it"
	case !r.Expected:
		why = ", which is not what should be"
	}
	if err := t.printf("%s%s%s, as %s\n", indent, t.o.Paint(style, text), why, r.As); err != nil {
		return err
	}
	for _, n := range r.Notes {
		if err := t.printf("%snote: %s\n", indent, render.Sanitize(n)); err != nil {
			return err
		}
	}
	return t.kept(r.Kept)
}

func (t demoText) checks(r *demo.Report) error {
	yes, no := "✓", "✗"
	if t.o.ASCII {
		yes, no = "yes", "no"
	}
	property := render.Head{Text: strings.ToUpper(r.Property)}
	table := render.Table{Head: []render.Head{{Text: "FACT"}, {Text: "INSIDE"}, {Text: "OUTSIDE"}, property}}
	sides := slices.ContainsFunc(r.Check, func(c demo.Check) bool { return c.Outside != "" })
	if !sides {
		table.Head = []render.Head{{Text: "FACT"}, {Text: "SEEN"}, property}
	}
	for _, c := range r.Check {
		mark := yes
		if !c.Holds {
			mark = no
		}
		row := []string{c.What, c.Inside, c.Outside, mark}
		if !sides {
			row = []string{c.What, c.Inside, mark}
		}
		table.Rows = append(table.Rows, row)
	}
	table.Style = func(row, column int) render.Style {
		switch {
		case column != len(table.Head)-1:
			return render.Plain
		case r.Check[row].Holds:
			return render.Good
		}
		return render.Bad
	}
	return t.indented(&table)
}

// kept says how to look at what was left running, and how to remove it.
func (t demoText) kept(k *demo.Kept) error {
	if k == nil {
		return nil
	}
	pids := make([]string, len(k.PIDs))
	var b strings.Builder
	fmt.Fprintf(&b, "\nThe lab stays up. Look at it, then remove it:\n")
	for i, pid := range k.PIDs {
		pids[i] = strconv.Itoa(pid)
		fmt.Fprintf(&b, "%snsinspect enter -p %-8d %s\n", indent, pid, k.Names[i])
	}
	fmt.Fprintf(&b, "%snsinspect graph %s\n%skill %s\n", indent, pids[0], indent, strings.Join(pids, " "))
	_, err := io.WriteString(t.out, b.String())
	return err
}
