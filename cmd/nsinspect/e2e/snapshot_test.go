package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// snapshotFile is a snapshot of the host in a file.
func snapshotFile(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "host.json")
	if err := os.WriteFile(file, []byte(view(t, "snapshot")), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// A snapshot of the host shows the same containers where there is no engine.
func checkSnapshot(t *testing.T, s scene) {
	file := snapshotFile(t)
	there := nsinspect(t, "unix:///nonexistent.sock", "ls", "-o", "json", "--from", file)
	var here, saved listing
	viewJSON(t, &here, "ls")
	decode(t, there.stdout, &saved)
	if diff := cmp.Diff(containersOf(here, s), containersOf(saved, s)); diff != "" || there.status != 0 || len(containersOf(here, s)) == 0 {
		t.Errorf("ls of a snapshot: status %d, -host +snapshot:\n%s%s", there.status, diff, there.stderr)
	}
	text := nsinspect(t, "", "show", "web1", "--from", file)
	if text.status != 0 || !strings.Contains(text.stdout, "side") {
		t.Errorf("show web1 of a snapshot: %+v", text)
	}
}

// containersOf has the names of the scene's containers by namespace. There may
// be others on the machine.
func containersOf(l listing, s scene) map[uint64]string {
	names := map[uint64]string{}
	for _, r := range l.Namespaces {
		if r.Container != nil && s[r.Container.Name] != nil {
			names[r.NS] = strings.TrimSpace(r.Container.Name + " " + rowNames(r.SharedBy))
		}
	}
	return names
}
