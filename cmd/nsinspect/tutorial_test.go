package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nsinspect/render/rendertest"
)

// TestTutorialCommands holds that every command line of nsinspect in the
// tutorial is one: the command exists, and its flags do.
func TestTutorialCommands(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(rendertest.Root(t), "docs", "tutorial.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := regexp.MustCompile("(?m)(?:`|\\$ |same as  )(nsinspect [^`\n]+)").FindAllStringSubmatch(string(data), -1)
	if len(lines) < 40 {
		t.Errorf("only %d command lines found", len(lines))
	}
	for _, l := range lines {
		args := strings.Fields(l[1])[1:]
		cmd, rest, err := newRoot(&app{}).Find(args)
		if err != nil || !cmd.HasParent() {
			t.Errorf("%s: no such command (%v)", l[1], err)
			continue
		}
		if err := cmd.ParseFlags(rest); err != nil {
			t.Errorf("%s: %v", l[1], err)
		}
	}
}
