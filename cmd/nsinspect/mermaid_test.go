package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
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
// the versions that package-lock.json names. npm installs them once for each
// lock file, to the user's cache. Where there is no npm the test is skipped,
// also in CI: that is no lack of the program, which runs neither.
func mermaidParser(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("missing: %s, which brings Mermaid's own parser", program)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		livetest.Skip(t, "a directory for caches: "+err.Error())
	}
	files := map[string][]byte{}
	sum := sha256.New()
	for _, name := range []string{"package.json", "package-lock.json", "read.mjs"} {
		if files[name], err = os.ReadFile(filepath.Join("testdata", "mermaid", name)); err != nil {
			t.Fatal(err)
		}
		sum.Write(files[name])
	}
	dir := filepath.Join(cache, "nsinspect", fmt.Sprintf("mermaid-%x", sum.Sum(nil)[:6]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		livetest.Skip(t, "a directory for caches: "+err.Error())
	}
	defer lockDir(t, dir)()
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return dir
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	npmInstall(t, dir)
	if err := os.WriteFile(done, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// lockDir keeps other runs of the test from installing to dir until the
// function that it returns is called.
func lockDir(t *testing.T, dir string) (unlock func()) {
	t.Helper()
	f, err := os.Open(dir)
	if err == nil {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() { f.Close() }
}

// npmInstall installs what package-lock.json in dir names. Nothing of it runs
// before the test does.
func npmInstall(t *testing.T, dir string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=1")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	unreachable := []string{"ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT", "ENOTCACHED"}
	if code := slices.IndexFunc(unreachable, func(code string) bool { return bytes.Contains(out, []byte(code)) }); code >= 0 || ctx.Err() != nil {
		livetest.Skip(t, "npm's registry, for Mermaid's own parser: "+string(out))
	}
	t.Fatalf("npm ci: %v: %s", err, out)
}
