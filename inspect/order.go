package inspect

import (
	"cmp"
	"slices"
)

func compareNamespaces(a, b *Namespace) int { return a.ID.Compare(b.ID) }
func compareProcesses(a, b *Process) int    { return cmp.Compare(a.PID, b.PID) }
func compareContainerIDs(a, b *Container) int {
	return cmp.Compare(a.ID, b.ID)
}
func compareThreads(a, b *Thread) int { return cmp.Compare(a.TID, b.TID) }

// compareNetworks orders by namespace, then the dark ones by number.
func compareNetworks(a, b *Network) int {
	return cmp.Or(cmp.Compare(a.Dark, b.Dark), a.NS.Compare(b.NS))
}

// inOrder reports whether all slices are in their documented order.
func (s *Snapshot) inOrder() bool {
	for i := range s.Processes {
		if !sorted(s.Processes[i].Threads, compareThreads) {
			return false
		}
	}
	return sorted(s.Namespaces, compareNamespaces) && sorted(s.Processes, compareProcesses) &&
		sorted(s.Containers, compareContainerIDs) && sorted(s.Refs, (*Ref).Compare) &&
		sorted(s.Mounts, (*Mount).Compare) && sorted(s.Networks, compareNetworks) &&
		sorted(s.EngineNetworks, compareEngineNetworks) && sorted(s.Resolvers, compareResolvers)
}

// sort puts all slices in their documented order.
func (s *Snapshot) sort() {
	for i := range s.Processes {
		sortBy(s.Processes[i].Threads, compareThreads)
	}
	sortBy(s.Namespaces, compareNamespaces)
	sortBy(s.Processes, compareProcesses)
	sortBy(s.Containers, compareContainerIDs)
	sortBy(s.Refs, (*Ref).Compare)
	sortBy(s.Mounts, (*Mount).Compare)
	sortBy(s.Networks, compareNetworks)
	sortBy(s.EngineNetworks, compareEngineNetworks)
	sortBy(s.Resolvers, compareResolvers)
}

func sorted[T any](list []T, compare func(a, b *T) int) bool {
	for i := 1; i < len(list); i++ {
		if compare(&list[i-1], &list[i]) > 0 {
			return false
		}
	}
	return true
}

func sortBy[T any](list []T, compare func(a, b *T) int) {
	if !sorted(list, compare) {
		slices.SortStableFunc(list, func(a, b T) int { return compare(&a, &b) })
	}
}

// clone returns a copy of s that can be settled without touching s.
func (s *Snapshot) clone() *Snapshot {
	c := *s
	c.Namespaces = slices.Clone(s.Namespaces)
	c.Processes = slices.Clone(s.Processes)
	for i := range c.Processes {
		c.Processes[i].Threads = slices.Clone(c.Processes[i].Threads)
	}
	c.Containers = slices.Clone(s.Containers)
	c.Refs = slices.Clone(s.Refs)
	c.Mounts = slices.Clone(s.Mounts)
	c.Networks = slices.Clone(s.Networks)
	for i := range c.Networks {
		n := &c.Networks[i]
		n.NSIDs = slices.Clone(n.NSIDs)
		if n.Via != nil {
			via := *n.Via
			n.Via = &via
		}
	}
	c.EngineNetworks = slices.Clone(s.EngineNetworks)
	c.Resolvers = slices.Clone(s.Resolvers)
	c.Problems = slices.Clip(s.Problems)
	return &c
}
