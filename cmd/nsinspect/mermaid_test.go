package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nsinspect/inspect"
)

// TestMermaidIsPlain holds that a drawing has nothing in it but its own
// syntax: no name of the host can end a label or begin a directive.
func TestMermaidIsPlain(t *testing.T) {
	for _, d := range mermaidDrawings(t) {
		for line := range strings.Lines(d) {
			line = strings.TrimRight(line, "\n")
			if n := strings.Count(line, `"`); n != 0 && n != 2 {
				t.Errorf("%d quotes in %q", n, line)
			}
			_, label, _ := strings.Cut(line, `"`)
			label, _, _ = strings.Cut(label, `"`)
			if strings.ContainsAny(strings.ReplaceAll(label, "<br/>", ""), "<>`%{}[]|&\\") {
				t.Errorf("label %q", label)
			}
		}
	}
}

// TestMermaidParses holds every drawing against Mermaid's own parser: it must
// read the nodes, groups and lines that were written, with their labels, and
// nothing else.
func TestMermaidParses(t *testing.T) {
	dir := mermaidParser(t)
	drawings := mermaidDrawings(t)
	in, err := json.Marshal(drawings)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "read.mjs")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var read []flowchart
	if err := json.Unmarshal(out, &read); err != nil || len(read) != len(drawings) {
		t.Fatalf("%v: %s", err, out)
	}
	for i, d := range drawings {
		if diff := cmp.Diff(writtenFlowchart(d), read[i]); diff != "" {
			t.Errorf("written (-) and read by Mermaid (+):\n%s\nof\n%s", diff, d)
		}
	}
}

// flowchart is what Mermaid reads.
type flowchart struct {
	Error  string   `json:"error"`
	Type   string   `json:"type"`
	Nodes  []string `json:"nodes"` // their labels
	Groups []string `json:"groups"`
	Edges  []string `json:"edges"`
}

// writtenFlowchart takes the lines of a drawing for what they are meant as.
func writtenFlowchart(text string) flowchart {
	f := flowchart{Type: "flowchart-v2", Nodes: []string{}, Groups: []string{}, Edges: []string{}}
	entity := regexp.MustCompile(`#(\d+);`)
	for line := range strings.Lines(text) {
		_, label, _ := strings.Cut(line, `"`)
		label, _, _ = strings.Cut(label, `"`)
		label = strings.TrimSpace(entity.ReplaceAllStringFunc(strings.ReplaceAll(label, "<br/>", "<br>"), func(s string) string {
			n, _ := strconv.Atoi(s[1 : len(s)-1])
			return string(rune(n))
		}))
		switch words := strings.Fields(line); {
		case words[0] == "flowchart" || words[0] == "end":
		case words[0] == "subgraph":
			f.Groups = append(f.Groups, label)
		case strings.ContainsAny(words[0], "[("):
			f.Nodes = append(f.Nodes, label)
		default:
			f.Edges = append(f.Edges, label)
		}
	}
	return f
}

// mermaidDrawings are those of testdata/hosts, and one with names that mean
// something to Mermaid, Markdown, HTML or a terminal.
func mermaidDrawings(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, d := range drawings {
		all = append(all, draw(t, d.host, "--type", d.typ, "--mermaid"))
	}
	names := []string{
		"end", "graph TD", "flowchart", "subgraph a", "style n0_0 fill:#f00", "classDef x", "class n0_0 x", "click n0_0 call x()",
		"linkStyle 0", "direction TB", "Direction tb", "red direction  LR", "my-style:#f00;", "classDef x:#f00;", "accTitle: a", "%% a", "%%{init: {}}%%", "---", "--- title", "-->|a|", "===", "A --o B", "a:::b", "a@{ shape: x }",
		`"`, `""`, `"]`, `"]; end`, "`a`", "**b**", "#35;", "#quot;", "#amp;", "&lt;", "&#60;", "<br/>", "<b>", "<script>alert(1)</script>",
		"]]>", "<!-- a -->", "a\nb", "a\r\nend\n", "\t", " ", "\x00", "\x1b[2J", "\x7f", "\u202eabc", "日本", "🙂", "ﬂ°°34¶ß", "\\", "$$x$$", "fa:fa-ban", "1. a", "- a",
		"_", ";", "a;b", "javascript:alert(1)", "é\u0301", "\xff\xfe",
	}
	var ascii strings.Builder
	for c := byte(' '); c < 0x7f; c++ {
		ascii.WriteByte(c)
	}
	b := newHost("words")
	b.observer(900, 0, 1<<41-1, b.init)
	host := newNet(b.init.Of(inspect.Net))
	for i, name := range append(names, ascii.String()) {
		host.link(inspect.Interface{Index: 2 + i, Name: name, Alias: name, Kind: name})
	}
	return append(all, drawFile(t, b.wire(host).file(t), "--mermaid"))
}

// mermaidParser returns a directory with read.mjs and what that imports, of
// the versions that package-lock.json names. Where npm is missing or does not
// get them the test is skipped, also in CI: the program runs neither.
func mermaidParser(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("missing: %s, which brings Mermaid's own parser", program)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "mermaid"))); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	// Nothing of what is installed runs before the test does.
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "npm_config_cache="+filepath.Join(dir, "cache"), "npm_config_update_notifier=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("missing: the packages of Mermaid's own parser: npm ci: %v: %s", err, out)
	}
	return dir
}
