package main

import (
	"os"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
	"nsinspect/render/rendertest"
)

// TestFilterHelp runs every expression of the topic.
func TestFilterHelp(t *testing.T) {
	f, err := os.Open(rendertest.Hosts(t)["docker"])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err := inspect.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	rows := graph.Rows(inspect.NewIndex(s))
	tried := 0
	for line := range strings.Lines(filterHelp) {
		expr, ok := strings.CutPrefix(line, "  ")
		if !ok {
			continue
		}
		expr, _, _ = strings.Cut(expr, "   ")
		filter, err := render.NewFilter[graph.Row](strings.TrimSpace(expr))
		if err != nil {
			t.Errorf("%s: %v", expr, err)
			continue
		}
		if _, err := filter.Keep(rows); err != nil {
			t.Errorf("%s: %v", expr, err)
		}
		tried++
	}
	if tried < 9 {
		t.Errorf("only %d expressions found in the topic", tried)
	}
}

// TestTopicsAreListed holds that help topics names every topic.
func TestTopicsAreListed(t *testing.T) {
	for _, topic := range newTopics() {
		if name := topic.Name(); name != "topics" && !strings.Contains(topicsHelp, "\n  "+name+" ") {
			t.Errorf("help topics does not name %q", name)
		}
	}
}

// TestHelpWidth holds that help fits a terminal of 88 columns.
func TestHelpWidth(t *testing.T) {
	root := newRoot(&app{})
	for _, c := range append(root.Commands(), root) {
		for line := range strings.Lines(c.Long + "\n" + c.Example) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 88 {
				t.Errorf("help of %s has a line of %d columns: %s", c.Name(), n, line)
			}
		}
	}
}
