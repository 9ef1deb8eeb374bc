package container

import (
	"cmp"
	"slices"

	"nsinspect/inspect"
)

// union sorts what the engines told by id. Of several with one id the first is
// believed.
func union[T any](list []T, id func(*T) string) []T {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(id(&a), id(&b)) })
	return slices.CompactFunc(list, func(a, b T) bool { return id(&a) == id(&b) })
}

func containerID(c *inspect.Container) string { return c.ID }
