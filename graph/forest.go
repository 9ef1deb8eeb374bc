package graph

import (
	"slices"

	"nsinspect/inspect"
)

// maxDepth bounds the nesting that is followed. The kernel allows 33 levels
// of user namespaces (user_namespaces(7)) and of pid namespaces
// (pid_namespaces(7)): what is deeper was not written by a kernel.
const maxDepth = 64

// forest is the namespaces of one kind under their parents. Every namespace
// is in it once, whatever the facts say.
type forest struct {
	roots    []inspect.ID
	children map[inspect.ID][]inspect.ID
	// cut are the roots whose parent was left out because following it
	// would not end.
	cut map[inspect.ID]bool
}

// parentOf returns the namespace that n lies in, zero when unknown or none.
// The parent of a user namespace is also its owner.
func parentOf(n *inspect.Namespace) inspect.ID {
	if n.Parent.IsZero() && n.Type == inspect.User {
		return n.Owner
	}
	return n.Parent
}

func newForest(x *inspect.Index, t inspect.Type) *forest {
	f := &forest{children: map[inspect.ID][]inspect.ID{}, cut: map[inspect.ID]bool{}}
	below := map[inspect.ID][]inspect.ID{}
	var all []inspect.ID
	for i := range x.Snapshot().Namespaces {
		n := &x.Snapshot().Namespaces[i]
		if n.Type != t {
			continue
		}
		all = append(all, n.ID)
		if p := x.Namespace(parentOf(n)); p != nil && p.Type == t {
			below[p.ID] = append(below[p.ID], n.ID)
			continue
		}
		f.roots = append(f.roots, n.ID)
	}
	f.grow(all, below)
	return f
}

// grow hangs the namespaces of below under their parents, beginning at the
// roots. What is left in the end lies in a circle or too deep: there the
// lowest becomes a root.
func (f *forest) grow(all []inspect.ID, below map[inspect.ID][]inspect.ID) {
	seen := make(map[inspect.ID]bool, len(all))
	for _, id := range f.roots {
		f.growFrom(id, below, seen)
	}
	for _, id := range all {
		if !seen[id] {
			f.cut[id] = true
			f.roots = append(f.roots, id)
			f.growFrom(id, below, seen)
		}
	}
	slices.SortFunc(f.roots, inspect.ID.Compare)
}

func (f *forest) growFrom(root inspect.ID, below map[inspect.ID][]inspect.ID, seen map[inspect.ID]bool) {
	seen[root] = true
	level := []inspect.ID{root}
	for depth := 1; depth < maxDepth && len(level) > 0; depth++ {
		var next []inspect.ID
		for _, id := range level {
			for _, c := range below[id] {
				if !seen[c] {
					seen[c] = true
					f.children[id] = append(f.children[id], c)
					next = append(next, c)
				}
			}
		}
		level = next
	}
}

// chain returns the namespaces from id up to the top, id first, and whether
// it ends at one that has no parent: false when the parent is not in the
// snapshot, or when following it would not end.
func chain(x *inspect.Index, id inspect.ID) (ids []inspect.ID, whole bool) {
	for !id.IsZero() {
		n := x.Namespace(id)
		if n == nil || len(ids) == maxDepth || slices.Contains(ids, id) {
			return ids, false
		}
		ids = append(ids, id)
		id = parentOf(n)
	}
	return ids, true
}
