package main

import (
	"bytes"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"nsinspect/inspect/live/livetest"
	"nsinspect/render/rendertest"
)

// draw runs nsinspect graph on a host of testdata/hosts.
func draw(t *testing.T, host string, args ...string) string {
	t.Helper()
	return drawFile(t, rendertest.Hosts(t)[host], args...)
}

func drawFile(t *testing.T, file string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		getenv: func(string) string { return "" }, now: func() time.Time { return goldenTime },
	}
	if status := a.run(append([]string{"graph", "--from", file}, args...)); status != 0 {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	return stdout.String()
}

// drawings are the hosts and what of them can be drawn.
var drawings = []struct{ host, typ string }{
	{"wired", "net"}, {"wired", "all"}, {"snare", "net"}, {"rootless", "user"}, {"rootless", "pid"}, {"hostile", "user"}, {"hostile", "pid"},
}

// TestDOTDraws holds that Graphviz takes every drawing without a word, and
// that hostile names end up as text.
func TestDOTDraws(t *testing.T) {
	dot, err := exec.LookPath("dot")
	if err != nil {
		livetest.Skip(t, "Graphviz (apt-get install graphviz)")
	}
	for _, d := range drawings {
		cmd := exec.Command(dot, "-Tsvg")
		cmd.Stdin = strings.NewReader(draw(t, d.host, "--type", d.typ, "--dot"))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		svg, err := cmd.Output()
		if err != nil || strings.Contains(stderr.String(), "Error") {
			t.Errorf("%s %s: %v: %s", d.host, d.typ, err, stderr.String())
		}
		if d.host == "snare" {
			for _, want := range []string{`&quot;];x[`, `\N\G\ (macvlan)`, `&amp;lt; (macvlan)`, `]]&gt; &#45;&#45;&gt; end \`, "日本"} {
				if !strings.Contains(string(svg), want) {
					t.Errorf("no text %q in the drawing", want)
				}
			}
		}
	}
}

func TestGraphvizMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var stdout, stderr bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }, now: time.Now}
	status := a.run([]string{"graph", "--from", rendertest.Hosts(t)["wired"], "--svg", "-"})
	want := []string{"nsinspect: error: cannot draw SVG: Graphviz' dot is not installed", "nsinspect: hint: apt-get install graphviz, or: nsinspect graph --dot > wiring.dot"}
	if got := strings.Split(strings.TrimSpace(stderr.String()), "\n"); status != exitFailed || !slices.Equal(got, want) {
		t.Errorf("status %d, %q", status, got)
	}
}
