package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestDocsNameWhatExists holds every command and flag that README and docs
// name in code to the command line, and every relative link to a file.
func TestDocsNameWhatExists(t *testing.T) {
	files, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	root, named := newRoot(&app{}), 0
	root.InitDefaultHelpCmd()
	for _, file := range append(files, "../../README.md") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines(string(data)) {
			named++
			checkCommandLine(t, root, filepath.Base(file), line)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)[)#]`).FindAllStringSubmatch(string(data), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), link[1])); err != nil {
				t.Errorf("%s: link: %v", filepath.Base(file), err)
			}
		}
	}
	if named < 30 {
		t.Errorf("only %d command lines found in the docs: the test looked at nothing", named)
	}
}

// commandLines returns what follows "nsinspect" in code spans and at prompts.
func commandLines(text string) []string {
	var lines []string
	for _, m := range regexp.MustCompile("(?m)(?:`|^\\$ (?:sudo )?)nsinspect ([a-z][^`\n]*)").FindAllStringSubmatch(text, -1) {
		line, _, _ := strings.Cut(m[1], " -- ")
		line, _, _ = strings.Cut(line, " | ")
		lines = append(lines, line)
	}
	return lines
}

var flagWord = regexp.MustCompile(`^--?[a-z][a-z-]*`)

func checkCommandLine(t *testing.T, root *cobra.Command, file, line string) {
	t.Helper()
	words := strings.Fields(line)
	cmd, _, err := root.Find(words[:1])
	if err != nil || cmd == root {
		t.Errorf("%s: nsinspect %s: no such command", file, line)
		return
	}
	for _, w := range words[1:] {
		flag := flagWord.FindString(w)
		name := strings.TrimLeft(flag, "-")
		switch {
		case flag == "" || name == "help":
		case strings.HasPrefix(flag, "--") && cmd.Flags().Lookup(name) == nil:
			t.Errorf("%s: nsinspect %s: no flag %s", file, line, flag)
		case !strings.HasPrefix(flag, "--") && len(name) == 1 && cmd.Flags().ShorthandLookup(name) == nil:
			t.Errorf("%s: nsinspect %s: no flag %s", file, line, flag)
		}
	}
}
