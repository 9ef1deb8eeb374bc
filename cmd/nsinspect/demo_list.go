package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"nsinspect/enter/demo"
	"nsinspect/inspect"
	"nsinspect/render"
)

// demoList is what nsinspect demo lists.
type demoList struct {
	Experiments []demoEntry `json:"experiments"`
	Format      int         `json:"format"`
}

type demoEntry struct {
	Name  string   `json:"name"`
	Title string   `json:"title"`
	Kinds []string `json:"kinds"`
	Needs string   `json:"needs"`
	Here  bool     `json:"here"`             // this machine can run it now
	Why   string   `json:"reason,omitempty"` // why not, or what is missing for all of it
}

// list tries for each experiment whether it can be run here.
func (o *demoOptions) list(ctx context.Context) error {
	do, err := o.options()
	if err != nil {
		return err
	}
	v := demoList{Format: inspect.Format}
	for _, e := range demo.Experiments() {
		entry := demoEntry{Name: e.Name, Title: e.Title, Kinds: strings.Split(e.Kinds.String(), ", "), Needs: "root or user namespaces", Here: true}
		if e.Name == "user" {
			entry.Needs = "user namespaces"
		}
		if e.Name == "container" {
			entry.Needs = "user namespaces; busybox for a shell"
		}
		if err := demo.Possible(ctx, e, do); err != nil {
			entry.Here, entry.Why = false, err.Error()
		}
		for _, tool := range e.Tools {
			if _, err := exec.LookPath(tool); err != nil && entry.Why == "" {
				entry.Why = "no " + tool + " here"
			}
		}
		v.Experiments = append(v.Experiments, entry)
	}
	return render.Write(o.app.stdout, v, o.parsed, o.renderOptions())
}

func (v demoList) Document() any { return v }

func (v demoList) Targets() []string { return nil }

// Text writes one experiment a line.
func (v demoList) Text(w io.Writer, _ bool, o render.Options) error {
	t := render.Table{Head: []render.Head{{Text: "NAME"}, {Text: "KINDS"}, {Text: "NEEDS"}, {Text: "HERE"}, {Text: "WHAT IT SHOWS"}}}
	for _, e := range v.Experiments {
		kinds, here := strings.Join(e.Kinds, ","), "yes"
		if len(e.Kinds) == len(inspect.Types) {
			kinds = "all"
		}
		if !e.Here {
			here = "no"
		}
		t.Rows = append(t.Rows, []string{e.Name, kinds, e.Needs, here, e.Title})
	}
	t.Style = func(row, column int) render.Style {
		switch {
		case column != 3:
			return render.Plain
		case v.Experiments[row].Here:
			return render.Good
		}
		return render.Bad
	}
	if err := t.Write(w, o); err != nil {
		return err
	}
	return v.reasons(w)
}

// reasons says why some experiments cannot be run here, or only in part.
func (v demoList) reasons(w io.Writer) error {
	names := map[string][]string{}
	var order []string
	for _, e := range v.Experiments {
		if e.Why != "" && names[e.Why] == nil {
			order = append(order, e.Why)
		}
		names[e.Why] = append(names[e.Why], e.Name)
	}
	for _, why := range order {
		if _, err := fmt.Fprintf(w, "%s: %s\n", strings.Join(names[why], ", "), render.Sanitize(why)); err != nil {
			return err
		}
	}
	return nil
}
