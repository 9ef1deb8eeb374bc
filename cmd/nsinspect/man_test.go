package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestManual makes the manual pages as make man does.
func TestManual(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("go", "run", "-tags", "man", ".", dir).CombinedOutput(); err != nil {
		t.Fatalf("go run -tags man: %v\n%s", err, out)
	}
	want := map[string]string{"nsinspect.1": ".SH EXIT STATUS"}
	for _, c := range newRoot(&app{}).Commands() {
		switch {
		case c.IsAdditionalHelpTopicCommand():
			want["nsinspect-"+c.Name()+".7"] = ".EX" // its examples stay in lines
		case c.IsAvailableCommand():
			want["nsinspect-"+c.Name()+".1"] = ".SH OPTIONS"
		}
	}
	for name, text := range want {
		page, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains(string(page), text) || !strings.Contains(string(page), ".SH SEE ALSO") {
			t.Errorf("%s lacks %q or what to see too:\n%s", name, text, page)
		}
		if strings.HasSuffix(name, ".7") && strings.Contains(string(page), ".SH OPTIONS") {
			t.Errorf("%s, a topic, has options", name)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != len(want) {
		t.Errorf("%d pages, want %d", len(entries), len(want))
	}
}
