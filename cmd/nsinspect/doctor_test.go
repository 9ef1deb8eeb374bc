package main

import (
	"os"
	"path/filepath"
	"testing"

	"nsinspect/graph/doctor"
	"nsinspect/render/rendertest"
)

// TestDoctorPage holds docs/doctor.md to what the checks say of themselves.
func TestDoctorPage(t *testing.T) {
	path := filepath.Join(rendertest.Root(t), "docs", "doctor.md")
	want := doctorPage()
	if rendertest.Updating() {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("docs/doctor.md is not what the checks say (%v): go test ./cmd/nsinspect -run DoctorPage -update", err)
	}
}

// TestChecksAreWhole holds that no check lacks a text, and no two share an id.
func TestChecksAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range doctor.Checks() {
		if c.ID == "" || c.Title == "" || c.About == "" || c.Reference == "" || c.Needs == 0 || seen[c.ID] {
			t.Errorf("check %+v lacks something, or its id is taken", c)
		}
		switch c.Severity {
		case doctor.Fault, doctor.Warning, doctor.Note:
		default:
			t.Errorf("check %s has severity %q", c.ID, c.Severity)
		}
		seen[c.ID] = true
	}
}
