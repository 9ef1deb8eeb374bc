package inspect

import (
	"cmp"
	"slices"
)

func compareNamespaces(a, b Namespace) int { return a.ID.Compare(b.ID) }
func compareProcesses(a, b Process) int    { return cmp.Compare(a.PID, b.PID) }
func compareIDs(a, b Container) int        { return cmp.Compare(a.ID, b.ID) }
func compareThreads(a, b Thread) int       { return cmp.Compare(a.TID, b.TID) }

func compareRefs(a, b Ref) int {
	return cmp.Or(a.NS.Compare(b.NS), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Path, b.Path))
}

// inOrder reports whether all slices are in their documented order.
func (s *Snapshot) inOrder() bool {
	return slices.IsSortedFunc(s.Namespaces, compareNamespaces) &&
		slices.IsSortedFunc(s.Processes, compareProcesses) &&
		slices.IsSortedFunc(s.Containers, compareIDs) &&
		slices.IsSortedFunc(s.Refs, compareRefs) &&
		!slices.ContainsFunc(s.Processes, func(p Process) bool { return !slices.IsSortedFunc(p.Threads, compareThreads) })
}

// sort puts all slices in their documented order.
func (s *Snapshot) sort() {
	slices.SortStableFunc(s.Namespaces, compareNamespaces)
	slices.SortStableFunc(s.Processes, compareProcesses)
	slices.SortStableFunc(s.Containers, compareIDs)
	slices.SortStableFunc(s.Refs, compareRefs)
	for i := range s.Processes {
		slices.SortStableFunc(s.Processes[i].Threads, compareThreads)
	}
}

// clone returns a copy whose slices can be sorted without touching s.
func (s *Snapshot) clone() *Snapshot {
	c := *s
	c.Namespaces = slices.Clone(s.Namespaces)
	c.Processes = slices.Clone(s.Processes)
	c.Containers = slices.Clone(s.Containers)
	c.Refs = slices.Clone(s.Refs)
	for i := range c.Processes {
		c.Processes[i].Threads = slices.Clone(c.Processes[i].Threads)
	}
	return &c
}
