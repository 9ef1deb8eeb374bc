package container

import (
	"cmp"
	"slices"

	"nsinspect/inspect"
)

// Merge makes one list by ID of the containers that were found by cgroup path
// and those that engines told of. Of several that tell of one ID the first is
// believed. What was found only stays as it is, what was told only may have no
// process here.
func Merge(found, told []inspect.Container) []inspect.Container {
	all := make([]inspect.Container, 0, len(found)+len(told))
	at := make(map[string]int, cap(all))
	for _, c := range told {
		if _, ok := at[c.ID]; !ok {
			at[c.ID] = len(all)
			all = append(all, c)
		}
	}
	for _, c := range found {
		i, ok := at[c.ID]
		if !ok {
			at[c.ID] = len(all)
			all = append(all, c)
			continue
		}
		all[i].Name = cmp.Or(all[i].Name, c.Name)
		all[i].Pod = cmp.Or(all[i].Pod, c.Pod)
		all[i].PID = cmp.Or(all[i].PID, c.PID)
	}
	slices.SortFunc(all, func(a, b inspect.Container) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
