package live

import (
	"slices"

	"nsinspect/inspect"
)

// elders returns the places of the processes that must be known too before it
// can be said who was first in a namespace. The process with the lowest pid
// stands for its group, but pids wrap around: the daemon of an engine can be
// older than a container in its network namespace, and yet the container older
// than the lowest pid of the daemon's group. So where a container looks like
// the first in a namespace, all of the groups outside of containers that share
// it are asked. On most hosts these are few or none.
func elders(procs []inspect.Process, groups []*group) []int {
	first := map[inspect.ID]*inspect.Info{}
	for _, g := range groups {
		info := g.info(procs)
		if info == nil {
			continue
		}
		for _, id := range members(&g.links) {
			if f := first[id]; f == nil || info.Start < f.Start {
				first[id] = info
			}
		}
	}
	contested := func(id inspect.ID) bool { return first[id] != nil && first[id].Container != "" }
	var which []int
	for _, g := range groups {
		info := g.info(procs)
		if info == nil || info.Container != "" || !slices.ContainsFunc(members(&g.links), contested) {
			continue
		}
		for _, t := range g.tasks {
			if procs[t.proc].Info == nil {
				which = append(which, t.proc)
			}
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(which)))
}

// info returns what is known of the first process of the group of which
// anything is; nil when nothing is.
func (g *group) info(procs []inspect.Process) *inspect.Info {
	for _, t := range g.tasks {
		if info := procs[t.proc].Info; info != nil {
			return info
		}
	}
	return nil
}

// members returns the namespaces that a task with these links is in.
func members(links *inspect.Links) []inspect.ID {
	ids := make([]inspect.ID, 0, len(inspect.Types))
	for _, t := range inspect.Types {
		if id := links.Of(t); !id.IsZero() {
			ids = append(ids, id)
		}
	}
	return ids
}
