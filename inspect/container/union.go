package container

import (
	"cmp"
	"slices"

	"nsinspect/inspect"
)

// union sorts containers by ID. Of several with one ID the first is believed.
func union(list []inspect.Container) []inspect.Container {
	slices.SortStableFunc(list, func(a, b inspect.Container) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(list, func(a, b inspect.Container) bool { return a.ID == b.ID })
}
