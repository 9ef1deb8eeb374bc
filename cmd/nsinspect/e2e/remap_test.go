package e2e

import (
	"os"
	"testing"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// mappedFrom is the host's id of root in the containers of remap.
const mappedFrom = 200000

// TestRemappedHost holds the views of a Docker host whose containers have a
// user namespace (dockerd --userns-remap).
func TestRemappedHost(t *testing.T) {
	remap.Start(t)
	id := remap.Run(t, "--name=mapped", "--user=33:33")
	c := remap.Inspect(t, id)
	ns := links(t, c.State.Pid)
	host := remap.Host()

	t.Run("ls", func(t *testing.T) {
		var l listing
		viewJSONOn(t, host, &l, "ls", "-p", "mapped")
		ours := links(t, os.Getpid())
		for _, typ := range []inspect.Type{inspect.User, inspect.Net, inspect.PID, inspect.Mnt, inspect.IPC, inspect.UTS} {
			r := l.row(ns[typ])
			if r == nil || r.Container == nil || r.Container.Name != "mapped" || r.UID == nil || *r.UID != mappedFrom+33 {
				t.Errorf("%s of mapped = %+v", typ, r)
				continue
			}
			if typ == inspect.User && (r.Parent == nil || *r.Parent != ours[inspect.User]) {
				t.Errorf("its user namespace = %+v, want the host's as parent", r)
			}
			if typ != inspect.User && (r.Owner == nil || *r.Owner != ns[inspect.User]) {
				t.Errorf("%s of mapped = %+v, want owner %d", typ, r, ns[inspect.User])
			}
		}
	})
	t.Run("show", func(t *testing.T) {
		var p graph.Profile
		viewJSONOn(t, host, &p, "show", "mapped")
		if p.Process == nil || p.Process.User == nil || p.Process.User.IDMap == nil || len(p.Process.User.IDMap.UID) != 1 {
			t.Fatalf("show mapped: %+v", p.Process)
		}
		if got, want := p.Process.User.IDMap.UID[0], (inspect.IDRange{Inside: 0, Outside: mappedFrom, Count: 65536}); got != want {
			t.Errorf("uid map = %+v, want %+v", got, want)
		}
	})
	t.Run("id", testRemappedID)
	t.Run("tree", func(t *testing.T) {
		var tree graph.UserTree
		viewJSONOn(t, host, &tree, "tree")
		for _, n := range tree.Roots[0].Children {
			if n.NS == ns[inspect.User] {
				if len(n.Owns) != 5 || n.Container == nil || n.Container.Name != "mapped" {
					t.Errorf("tree: %+v", n)
				}
				return
			}
		}
		t.Errorf("tree has no user namespace %d below the host's", ns[inspect.User])
	})
}
