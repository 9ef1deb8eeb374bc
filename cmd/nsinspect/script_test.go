package main

import (
	"errors"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/hold"
	"nsinspect/render/rendertest"
)

// TestMain makes the test binary also the nsinspect that scripts run.
func TestMain(m *testing.M) {
	hold.Make()
	if livetest.Again() {
		livetest.Main(m, map[string]livetest.Role{"nsinspect": runRole})
	}
	testscript.Main(m, map[string]func(){"nsinspect": main})
}

// TestScripts runs testdata/script/*.txt, each a behaviour of the command
// line. $HOSTS has the snapshots of testdata/hosts, $ESC is a word that a
// terminal should not see.
//
//	exits N command…   the command ends with status N
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       rendertest.Updating(),
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("HOSTS", filepath.Join(rendertest.Root(t), "testdata", "hosts"))
			e.Setenv("ESC", "\x1b]0;pwn\a\nnsinspect: hint: rm")
			e.Setenv("LC_ALL", "C.UTF-8")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits N command [args]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%s: %v", args[1], err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}
