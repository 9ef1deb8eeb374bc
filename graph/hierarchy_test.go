package graph

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"nsinspect/inspect"
)

// drawUsers writes a tree as indented lines.
func drawUsers(nodes []*UserNode, indent string) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "%s%s %d owner uid %s\n", indent, n.Type, n.NS, show(n.OwnerUID))
		for _, e := range n.Owns {
			fmt.Fprintf(&b, "%s- %s %d procs %s\n", indent, e.Type, e.NS, show(e.NProcs))
		}
		b.WriteString(drawUsers(n.Children, indent+"  "))
	}
	return b.String()
}

func show[T any](p *T) string {
	if p == nil {
		return "?"
	}
	return fmt.Sprint(*p)
}

func TestUserHierarchy(t *testing.T) {
	x := inspect.NewIndex(testHost())
	whole := `user 4026531837 owner uid 0
- cgroup 4026531835 procs 5
- cgroup 4026532406 procs 3
- ipc 4026531839 procs 5
- ipc 4026532403 procs 3
- mnt 4026531841 procs 3
- mnt 4026532401 procs 3
- mnt 4026532601 procs 1
- net 4026531840 procs 4
- net 4026532405 procs 4
- pid 4026531836 procs 4
- pid 4026532404 procs 2
- pid 4026532407 procs 1
- time 4026531842 procs 8
- uts 4026531838 procs 5
- uts 4026532402 procs 3
  user 4026532501 owner uid 1000
  - mnt 4026532502 procs 1
  - pid 4026532503 procs 1
`
	remapped := `user 4026531837 owner uid 0
- cgroup 4026531835 procs 5
- ipc 4026531839 procs 5
- net 4026532405 procs 4
- time 4026531842 procs 8
- uts 4026531838 procs 5
  user 4026532501 owner uid 1000
  - mnt 4026532502 procs 1
  - pid 4026532503 procs 1
`
	db := target(t, x, "db")
	user := target(t, x, "user:[4026532501]")
	net := target(t, x, "net:[4026532405]")
	for _, tt := range []struct {
		name string
		o    TreeOptions
		want string
	}{
		{"everything", TreeOptions{}, whole},
		{"what a container is in and owns", TreeOptions{Target: &db}, remapped},
		{"one namespace below its owner", TreeOptions{Target: &net}, "user 4026531837 owner uid 0\n- net 4026532405 procs 4\n"},
		{
			"a user namespace with what it owns",
			TreeOptions{Target: &user},
			"user 4026531837 owner uid 0\n  user 4026532501 owner uid 1000\n  - mnt 4026532502 procs 1\n  - pid 4026532503 procs 1\n",
		},
		{"one kind", TreeOptions{Types: []inspect.Type{inspect.Time}}, "user 4026531837 owner uid 0\n- time 4026531842 procs 8\n"},
		{
			"user namespaces alone",
			TreeOptions{Types: []inspect.Type{inspect.User}},
			"user 4026531837 owner uid 0\n  user 4026532501 owner uid 1000\n",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tree := UserHierarchy(x, tt.o)
			if diff := cmp.Diff(tt.want, drawUsers(tree.Roots, "")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if len(tree.Unowned) != 0 || !tree.OwnersKnown {
				t.Errorf("unowned %v, owners known %v", tree.Unowned, tree.OwnersKnown)
			}
		})
	}
}

func TestUserHierarchyWithoutOwners(t *testing.T) {
	s := testHost()
	s.Scope = inspect.NewScope(inspect.FactTasks, nil)
	for i := range s.Namespaces {
		s.Namespaces[i].Owner, s.Namespaces[i].Parent = inspect.ID{}, inspect.ID{}
	}
	tree := UserHierarchy(inspect.NewIndex(s), TreeOptions{})
	if tree.OwnersKnown {
		t.Error("owners are said to be known")
	}
	if len(tree.Roots) != 2 || len(tree.Unowned) != len(s.Namespaces)-2 {
		t.Errorf("%d roots, %d without owner of %d namespaces", len(tree.Roots), len(tree.Unowned), len(s.Namespaces))
	}
}

func TestEntryWithoutTasks(t *testing.T) {
	s := testHost()
	s.Scope, s.Processes = inspect.NewScope(inspect.FactOwners, nil), nil
	tree := UserHierarchy(inspect.NewIndex(s), TreeOptions{})
	if e := tree.Roots[0]; e.NProcs != nil || e.PID != nil {
		t.Errorf("processes that were not looked at: %v, lead %v", e.NProcs, e.PID)
	}
}

// TestHostileParents takes any parents and owners: every namespace is in the
// tree exactly once, and no node lies deeper than a kernel can nest.
func TestHostileParents(t *testing.T) {
	for name, parent := range map[string]func(i, n int) int{
		"circle":          func(i, n int) int { return (i + 1) % n },
		"self":            func(i, _ int) int { return i },
		"long chain":      func(i, n int) int { return i - 1 },
		"long chain back": func(i, n int) int { return i + 1 },
		"dangling":        func(_, n int) int { return n + 7 },
		"two circles":     func(i, _ int) int { return i ^ 1 },
		"random":          func(_, n int) int { return rand.IntN(n) },
	} {
		t.Run(name, func(t *testing.T) {
			const n = 5000
			s := &inspect.Snapshot{Scope: inspect.NewScope(inspect.FactsAll, nil)}
			for i := range n {
				p := parent(i, n)
				for k, typ := range []inspect.Type{inspect.User, inspect.PID, inspect.Net} {
					ns := inspect.Namespace{ID: ns(uint64(1 + k*100000 + i)), Type: typ}
					if p >= 0 {
						ns.Parent, ns.Owner = inspect.ID{Dev: 4, Ino: uint64(1 + k*100000 + p)}, inspect.ID{Dev: 4, Ino: uint64(1 + p)}
					}
					s.Namespaces = append(s.Namespaces, ns)
				}
			}
			x := inspect.NewIndex(s)
			users, pids := map[uint64]int{}, map[uint64]int{}
			for _, r := range UserHierarchy(x, TreeOptions{}).Roots {
				countUsers(t, r, users, 1)
			}
			for _, r := range PIDHierarchy(x, nil).Roots {
				countPIDs(t, r, pids, 1)
			}
			checkOnce(t, users, n)
			checkOnce(t, pids, n)
			ProfileOf(x, inspect.Target{Kind: inspect.TargetNamespace, NS: ns(17), Type: inspect.User})
			UserHierarchy(x, TreeOptions{Target: &inspect.Target{Kind: inspect.TargetNamespace, NS: ns(17), Type: inspect.User}})
		})
	}
}

func countUsers(t *testing.T, n *UserNode, seen map[uint64]int, depth int) {
	if depth > maxDepth {
		t.Fatalf("depth %d", depth)
	}
	seen[n.NS]++
	for _, c := range n.Children {
		countUsers(t, c, seen, depth+1)
	}
}

func countPIDs(t *testing.T, n *PIDNode, seen map[uint64]int, depth int) {
	if depth > maxDepth {
		t.Fatalf("depth %d", depth)
	}
	seen[n.NS]++
	for _, c := range n.Children {
		countPIDs(t, c, seen, depth+1)
	}
}

func checkOnce(t *testing.T, seen map[uint64]int, want int) {
	t.Helper()
	if len(seen) != want {
		t.Errorf("%d namespaces in the tree, want %d", len(seen), want)
	}
	for ns, times := range seen {
		if times != 1 {
			t.Errorf("namespace %d is in the tree %d times", ns, times)
		}
	}
}

func drawPIDs(nodes []*PIDNode, indent string) string {
	var b strings.Builder
	for _, n := range nodes {
		fmt.Fprintf(&b, "%spid %d kernel %d\n", indent, n.NS, n.KernelThreads)
		for _, p := range n.Processes {
			fmt.Fprintf(&b, "%s- %v %s\n", indent, p.PIDs, show(p.Command))
		}
		b.WriteString(drawPIDs(n.Children, indent+"  "))
	}
	return b.String()
}

func TestPIDHierarchy(t *testing.T) {
	x := inspect.NewIndex(testHost())
	want := `pid 4026531836 kernel 1
- [1] systemd
- [3300] exporter
- [5000] nsinspect
  pid 4026532404 kernel 0
  - [3037 1] sleep
  - [3050 7] nginx
    pid 4026532407 kernel 0
    - [3060 20 1] init
  pid 4026532503 kernel 0
  - [3100 1] postgres
`
	if diff := cmp.Diff(want, drawPIDs(PIDHierarchy(x, nil).Roots, "")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want = `pid 4026531836 kernel 0
  pid 4026532404 kernel 0
  - [3037 1] sleep
  - [3050 7] nginx
    pid 4026532407 kernel 0
    - [3060 20 1] init
`
	web := target(t, x, "web1")
	if diff := cmp.Diff(want, drawPIDs(PIDHierarchy(x, &web).Roots, "")); diff != "" {
		t.Errorf("of web1 (-want +got)\n%s", diff)
	}
}

func TestPIDHierarchyUnreadable(t *testing.T) {
	s := testHost()
	s.Processes[0].NS = inspect.Links{}
	s.Processes[0].Info = nil
	s.Processes[1].NS[inspect.LinkPID] = ns(hostNet) // a hostile file: of another kind
	tree := PIDHierarchy(inspect.NewIndex(s), nil)
	if tree.UnplacedKernel != 1 {
		t.Errorf("%d kernel threads without place", tree.UnplacedKernel)
	}
	if len(tree.Unplaced) != 1 || tree.Unplaced[0].PID != 1 || tree.Unplaced[0].Command != nil {
		t.Errorf("unplaced: %+v", tree.Unplaced)
	}
}

func TestStarted(t *testing.T) {
	h := &inspect.Host{Taken: time.Unix(1000, 0), Uptime: 500 * time.Second, ClockTicks: 100}
	at, ok := started(h, 12345)
	if want := time.Unix(500+123, 450e6); !ok || !at.Equal(want) {
		t.Errorf("started %v %v, want %v", at, ok, want)
	}
	for _, h := range []*inspect.Host{{}, {ClockTicks: 100}, {Uptime: 1}, {ClockTicks: -1, Uptime: 1}} {
		if at, ok := started(h, 5); ok {
			t.Errorf("%+v: started %v though the host does not say when it booted", h, at)
		}
	}
	if at, ok := started(h, 1<<63); ok {
		t.Errorf("started %v, centuries after boot", at)
	}
}
