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
	before := snapshotFile(t)
	during := filepath.Join(t.TempDir(), "during.json") // outlives the subtest
	var late *actor
	t.Run("while it runs", func(t *testing.T) {
		s := scene{}
		s.run(t, "late")
		late = s["late"]
		checkChange(t, inspect.Appeared, late, "diff", before)
		if err := os.WriteFile(during, []byte(view(t, "snapshot")), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	checkChange(t, inspect.Went, late, "diff", during, snapshotFile(t))
}

// checkChange holds that the container late changed so, with the namespaces
// that only it has. The kernel may have given one the inode of another that
// went: then its process joined or left that.
func checkChange(t *testing.T, kind inspect.ChangeKind, late *actor, args ...string) {
	t.Helper()
	var c graph.Changes
	viewJSON(t, &c, args...)
	if c.SameBoot == nil || !*c.SameBoot {
		t.Errorf("%v: same boot %v", args, c.SameBoot)
	}
	if !slices.ContainsFunc(c.Containers, func(k inspect.ContainerChange) bool { return k.ID == late.ID && k.Name == "late" && k.Change == kind }) {
		t.Errorf("%v: containers %+v, want late %s", args, c.Containers, kind)
	}
	for _, typ := range []inspect.Type{inspect.Net, inspect.PID, inspect.Mnt, inspect.IPC, inspect.UTS} {
		var seen []string
		for _, n := range c.Namespaces {
			members := n.Joined
			if kind == inspect.Went {
				members = n.Left
			}
			if n.NS == late.ns[typ] && n.Type == typ && slices.Contains(members, late.State.Pid) {
				seen = append(seen, string(n.Change))
			}
		}
		if len(seen) != 1 || seen[0] != string(kind) && seen[0] != string(inspect.Changed) {
			t.Errorf("%v: %s of late, %d, has %q, want %s", args, typ, late.ns[typ], seen, kind)
		}
	}
}
