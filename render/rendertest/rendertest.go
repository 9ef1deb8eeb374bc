// Package rendertest compares what views write with golden files.
//
// There is one -update flag for all tests, and it is registered here: a test
// package that compares with golden files uses [Golden] and no other way.
// `make golden` rewrites them all.
package rendertest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write golden files anew instead of comparing with them")

// Updating reports whether golden files are written rather than compared.
func Updating() bool { return *update }

// Golden compares got with the file testdata/golden/NAME at the top of the
// module; with -update it writes the file.
func Golden(t testing.TB, name string, got []byte) {
	t.Helper()
	compare(t, filepath.Join(Root(t), "testdata", "golden", name), got)
}

// Host compares got, an encoded snapshot, with testdata/hosts/NAME.json; with
// -update it writes the file.
func Host(t testing.TB, name string, got []byte) {
	t.Helper()
	compare(t, filepath.Join(Root(t), "testdata", "hosts", name+".json"), got)
}

// Hosts returns the paths of testdata/hosts/*.json by host name.
func Hosts(t testing.TB) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(Root(t), "testdata", "hosts", "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no snapshots in testdata/hosts (%v)", err)
	}
	hosts := map[string]string{}
	for _, path := range paths {
		hosts[strings.TrimSuffix(filepath.Base(path), ".json")] = path
	}
	return hosts
}

// Root returns the top directory of the module.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("go.mod not found above the test")
		}
		dir = up
	}
}

func compare(t testing.TB, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (write it with: make golden)", err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s differs (-file +now); if that is meant: make golden\n%s", path, diff)
	}
}
