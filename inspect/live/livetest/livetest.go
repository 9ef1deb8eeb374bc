// Package livetest is what tests on a running kernel share: processes in
// namespaces of their own, a sandbox in which exactly those exist, crowds and
// fork storms. Whatever it starts ends with the test.
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
