package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"nsinspect/inspect/live/livetest"
)

// TestLsInAStorm runs ls while processes, and namespaces if it may, come and
// go without pause.
func TestLsInAStorm(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		livetest.Storm(t, 10_000_000)
		for i := range 300 {
			var stdout, stderr bytes.Buffer
			status := run([]string{"ls", "--no-containers", "--no-headings"}, nil, &stdout, &stderr, os.Getenv)
			if status != 0 || strings.Count(stdout.String(), "\n") < 8 {
				t.Fatalf("run %d: status %d\n%s%s", i, status, stdout.String(), stderr.String())
			}
		}
	})
}
