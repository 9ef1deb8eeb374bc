// Package livetest is what tests on a running kernel share.
package livetest

import (
	"os"
	"testing"
)

// Skip skips a test for something the machine lacks, named in why. With
// NSINSPECT_NO_SKIP=1, as in CI, it fails instead: there nothing may be
// missing.
func Skip(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("NSINSPECT_NO_SKIP") == "1" {
		t.Fatalf("missing: %s (NSINSPECT_NO_SKIP=1 allows no skip)", why)
	}
	t.Skip("missing: " + why)
}

// Root skips a test that needs root.
func Root(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		Skip(t, "root")
	}
}
