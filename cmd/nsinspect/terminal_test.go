package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"nsinspect/render"
	"nsinspect/render/rendertest"
)

// onTerminal runs nsinspect with a terminal of that many columns as stdout.
func onTerminal(t *testing.T, columns uint16, env []string, args ...string) string {
	t.Helper()
	cmd := exec.Command("nsinspect", args...)
	cmd.Env = append(append(os.Environ(), "LC_ALL=C.UTF-8", "TERM=xterm", "NO_COLOR="), env...)
	cmd.Dir = filepath.Join(rendertest.Root(t), "testdata", "hosts")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	terminal, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	if err := pty.Setsize(terminal, &pty.Winsize{Cols: columns, Rows: 24}); err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = tty
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	out, err := io.ReadAll(terminal)
	if err != nil && !errors.Is(err, syscall.EIO) { // how a terminal ends
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n")
}

func TestTerminal(t *testing.T) {
	const name, cut = "\x1b[36mshop-web-1\x1b[0m", "node_ex…"
	args := []string{"ls", "--from", "docker.json"}
	for what, c := range map[string]struct {
		columns    uint16
		env        []string
		args       []string
		color, cut bool
	}{
		"narrow":          {columns: 70, color: true, cut: true},
		"wide enough":     {columns: 120, color: true},
		"no size":         {columns: 0, color: true}, // as 80
		"NO_COLOR":        {columns: 120, env: []string{"NO_COLOR=1"}},
		"dumb":            {columns: 120, env: []string{"TERM=dumb"}},
		"never":           {columns: 120, args: []string{"--color=never"}},
		"always NO_COLOR": {columns: 120, env: []string{"NO_COLOR=1"}, args: []string{"--color=always"}, color: true},
	} {
		out := onTerminal(t, c.columns, c.env, append(args, c.args...)...)
		if got := strings.Contains(out, name); got != c.color {
			t.Errorf("%s: container's name coloured: %v, want %v", what, got, c.color)
		}
		if got := strings.Contains(out, "\x1b"); got != c.color {
			t.Errorf("%s: escape sequences: %v, want %v", what, got, c.color)
		}
		if got := strings.Contains(out, cut); got != c.cut {
			t.Errorf("%s: last column cut: %v, want %v in\n%s", what, got, c.cut, out)
		}
	}
	for line := range strings.Lines(onTerminal(t, 82, []string{"NO_COLOR=1"}, "ls", "--from", "hostile.json")) {
		if w := render.Width(strings.TrimSuffix(line, "\n")); w > 82 {
			t.Errorf("%d columns on a terminal of 82: %s", w, line)
		}
	}
}
