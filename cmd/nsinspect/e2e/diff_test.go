package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// diff of two containers tells kind by kind what /proc tells.
func checkDiff(t *testing.T, s scene) {
	for _, pair := range [][2]string{{"web1", "web2"}, {"web1", "side"}, {"agent", "web1"}, {"web1", "web1"}} {
		a, b := s[pair[0]].ns, s[pair[1]].ns
		var c graph.Comparison
		viewJSON(t, &c, "diff", pair[0], pair[1])
		if len(c.Namespaces) != len(a) {
			t.Errorf("diff %s tells of %d kinds, want %d", pair, len(c.Namespaces), len(a))
		}
		for _, n := range c.Namespaces {
			if n.A == nil || n.B == nil || n.Shared == nil || *n.A != a[n.Type] || *n.B != b[n.Type] || *n.Shared != (a[n.Type] == b[n.Type]) {
				t.Errorf("diff %s: %+v, want %d and %d", pair, n, a[n.Type], b[n.Type])
			}
		}
	}
}

// diff with an earlier snapshot shows a container that came since, with its
// namespaces, and then that it went.
func checkDiffSnapshots(t *testing.T, _ scene) {
	dir := t.TempDir()
	save := func(name string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(view(t, "snapshot")), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	before := save("before.json")
	var during string
	var ns map[inspect.Type]uint64
	t.Run("while it runs", func(t *testing.T) {
		id := docker.Run(t, "--name=late")
		ns = links(t, docker.PID(t, id))
		checkChange(t, inspect.Appeared, ns, "diff", before)
		during = save("during.json")
	})
	checkChange(t, inspect.Went, ns, "diff", during, save("after.json"))
}

// checkChange holds that the container late changed so, with the namespaces
// that only it has.
func checkChange(t *testing.T, kind inspect.ChangeKind, ns map[inspect.Type]uint64, args ...string) {
	t.Helper()
	var c graph.Changes
	viewJSON(t, &c, args...)
	if c.SameBoot == nil || !*c.SameBoot {
		t.Errorf("%v: same boot %v", args, c.SameBoot)
	}
	if !slices.ContainsFunc(c.Containers, func(k inspect.ContainerChange) bool { return k.Name == "late" && k.Change == kind }) {
		t.Errorf("%v: containers %+v, want late %s", args, c.Containers, kind)
	}
	for _, typ := range []inspect.Type{inspect.Net, inspect.PID, inspect.Mnt, inspect.IPC, inspect.UTS} {
		if !slices.ContainsFunc(c.Namespaces, func(n graph.ChangedNamespace) bool { return n.NS == ns[typ] && n.Change == kind }) {
			t.Errorf("%v: %s of late, %d, has not %s: %+v", args, typ, ns[typ], kind, c.Namespaces)
		}
	}
}
