package graph

import (
	"fmt"
	"testing"

	"nsinspect/inspect"
)

// crowdedHost has n processes in a container for each twenty of them.
func crowdedHost(n int) *inspect.Index {
	s := &inspect.Snapshot{
		Format: inspect.Format, Scope: inspect.NewScope(inspect.FactsAll, nil),
		Host: inspect.Host{NSDev: 4, Observer: inspect.Observer{PID: 1, NS: links(nil)}},
	}
	for l, id := range links(nil) {
		if l := inspect.Link(l); l.Member() {
			add(s, l.Type(), id.Ino, hostUser, 0)
		}
	}
	ino := uint64(4026540000)
	for pid := 1; pid <= n; pid += 20 {
		id := fmt.Sprintf("%064x", pid)
		s.Containers = append(s.Containers, inspect.Container{ID: id, Engine: "docker", PID: pid})
		other := map[inspect.Link]uint64{}
		for _, l := range []inspect.Link{inspect.LinkMnt, inspect.LinkNet, inspect.LinkPID, inspect.LinkUTS} {
			ino++
			other[l] = ino
			add(s, l.Type(), ino, hostUser, 0)
		}
		s.Namespaces[len(s.Namespaces)-2].Parent = ns(hostPID)
		for i := range 20 {
			s.Processes = append(s.Processes, process(pid+i, pid, "sleep", 0, id, []int{pid + i, i + 1}, links(other)))
		}
	}
	return inspect.NewIndex(s)
}

// BenchmarkViews makes each view of hosts of two sizes: ten times the
// processes should take ten times as long.
func BenchmarkViews(b *testing.B) {
	for _, n := range []int{2000, 20000} {
		x := crowdedHost(n)
		host := inspect.Target{Kind: inspect.TargetProcess, PID: 1}
		one := inspect.Target{Kind: inspect.TargetContainer, Container: x.Container(fmt.Sprintf("%064x", 1)), PID: 1}
		pids := inspect.Target{Kind: inspect.TargetNamespace, NS: ns(hostPID), Type: inspect.PID}
		for name, view := range map[string]func(){
			"tree":     func() { UserHierarchy(x, TreeOptions{}) },
			"tree-pid": func() { PIDHierarchy(x, nil) },
			"show":     func() { ProfileOf(x, one) },
			"ps":       func() { Inside(x, pids) },
			"ps-one":   func() { Inside(x, host) },
		} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				for b.Loop() {
					view()
				}
			})
		}
	}
}
