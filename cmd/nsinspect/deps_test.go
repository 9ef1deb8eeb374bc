package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// rooms lists what each room of the house may import of the module and of
// others. A trailing /... covers the packages below. The first match counts.
var rooms = []struct {
	room  string
	allow []string
	why   string
}{
	{"inspect/live/livetest/...", []string{"*"}, "only tests import it"},
	{"inspect/container/dockertest/...", []string{"*"}, "only tests import it"},
	{"render/rendertest/...", []string{"*"}, "only tests import it"},
	{"inspect/live/...", []string{
		"nsinspect/inspect", "nsinspect/inspect/container", "nsinspect/inspect/live/...",
		"golang.org/x/sys/...", "github.com/prometheus/procfs", "github.com/vishvananda/...",
		"github.com/moby/sys/...",
	}, "it reads the host and knows nothing of views"},
	{"inspect/container/...", []string{"nsinspect/inspect", "nsinspect/inspect/container/..."}, "container names are facts, found without the scan"},
	{"inspect", nil, "the model is what every other room stands on: standard library only"},
	{"graph/...", []string{"nsinspect/inspect", "nsinspect/graph/..."}, "conclusions are pure functions of a snapshot"},
	{"render/...", []string{
		"nsinspect/inspect", "nsinspect/graph/...", "nsinspect/render/...", "github.com/olekukonko/tablewriter/...",
		"github.com/clipperhouse/displaywidth",
		"github.com/expr-lang/expr/...", "sigs.k8s.io/yaml",
	}, "views print; they neither read the host nor know a flag"},
	{"enter/demo", []string{
		"nsinspect/inspect", "nsinspect/enter", "golang.org/x/sys/...", "github.com/vishvananda/netlink/...",
	}, "the experiments wire networks and add a rule; facts for their verdicts come through functions"},
	{"enter/...", []string{
		"nsinspect/inspect", "nsinspect/enter/...", "golang.org/x/sys/...", "github.com/moby/sys/...",
	}, "it acts on the host from a plan; how targets are found or shown is not its business"},
	{"cmd/...", []string{"*"}, "it wires the rooms"},
}

// onlyIn names what one room alone may import.
var onlyIn = map[string]struct{ room, why string }{
	"os/exec":                                {"cmd", "facts come from the kernel, not from other programs"},
	"nsinspect/inspect/live":                 {"cmd", "every view also works on a file"},
	"github.com/olekukonko/tablewriter":      {"render", "one file prints tables"},
	"github.com/spf13/cobra/doc":             {"nowhere", "the binary needs no markdown writer; man.go is built with the tag man only"},
	"nsinspect/inspect/live/livetest":        {"nowhere", "it imports testing"},
	"nsinspect/inspect/container/dockertest": {"nowhere", "it imports testing"},
	"nsinspect/render/rendertest":            {"nowhere", "it imports testing"},
}

func TestImportArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}{{range .Imports}} {{.}}{{end}}", "nsinspect/...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], "nsinspect/")
		seen++
		for _, imported := range fields[1:] {
			checkRoom(t, pkg, imported)
			checkOnlyIn(t, pkg, imported)
		}
	}
	if seen < 5 {
		t.Errorf("go list found %d packages: the test looked at nothing", seen)
	}
}

func checkRoom(t *testing.T, pkg, imported string) {
	t.Helper()
	if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") && first != "nsinspect" {
		return // standard library
	}
	for _, r := range rooms {
		if !matches(r.room, pkg) {
			continue
		}
		for _, a := range r.allow {
			if a == "*" || matches(a, imported) {
				return
			}
		}
		t.Errorf("%s must not import %s: %s", pkg, imported, r.why)
		return
	}
	t.Errorf("package %s is in no room of the house", pkg)
}

func checkOnlyIn(t *testing.T, pkg, imported string) {
	t.Helper()
	rule, ok := onlyIn[imported]
	test := slices.ContainsFunc(strings.Split(pkg, "/"), func(dir string) bool { return strings.HasSuffix(dir, "test") })
	if ok && !test && pkg != rule.room && !strings.HasPrefix(pkg, rule.room+"/") {
		t.Errorf("%s must not import %s (only %s may): %s", pkg, imported, rule.room, rule.why)
	}
}

func matches(pattern, name string) bool {
	below, ok := strings.CutSuffix(pattern, "/...")
	return name == below || ok && strings.HasPrefix(name, below+"/")
}
