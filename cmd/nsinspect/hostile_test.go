package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nsinspect/render"
	"nsinspect/render/rendertest"
)

// TestHostileNamesAreHarmless holds that no view of the hostile host has a
// character that a terminal would obey or hide, colours of our own apart.
func TestHostileNamesAreHarmless(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(rendertest.Root(t), "testdata", "golden", "hostile", "*.txt"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d golden files of the hostile host (%v)", len(files), err)
	}
	colour := regexp.MustCompile(`\x1b\[[0-9;]+m`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		plain := colour.ReplaceAllString(string(text), "")
		for i, line := range strings.Split(plain, "\n") {
			if render.Sanitize(line) != line {
				t.Errorf("%s:%d: %q", filepath.Base(file), i+1, line)
			}
		}
	}
}
