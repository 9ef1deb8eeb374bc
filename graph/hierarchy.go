package graph

import (
	"cmp"
	"slices"

	"nsinspect/inspect"
)

// TreeOptions narrow a hierarchy.
type TreeOptions struct {
	Types  []inspect.Type  // the kinds to show; empty for all
	Target *inspect.Target // what to show the surroundings of; nil for everything
}

// UserTree is the user namespaces, each with what it owns.
type UserTree struct {
	Roots []*UserNode `json:"user_namespaces"`
	// Unowned are the namespaces of other kinds whose owner is not known.
	Unowned []Row `json:"owner_unknown"`
	// OwnersKnown is false when owners were not looked at.
	OwnersKnown bool              `json:"owners_known"`
	Problems    []inspect.Problem `json:"problems"`
	Format      int               `json:"format"`
}

// UserNode is a user namespace in a [UserTree].
type UserNode struct {
	Row
	OwnerUser *string `json:"owner_user"` // name of OwnerUID
	// Cut marks a root whose parent was left out: following it would not end.
	Cut      bool        `json:"parent_endless,omitempty"`
	Owns     []Row       `json:"owns"` // of other kinds, by kind and inode
	Children []*UserNode `json:"children"`
}

// UserHierarchy arranges the user namespaces by parent, and the others under
// their owners.
func UserHierarchy(x *inspect.Index, o TreeOptions) *UserTree {
	keep := o.keep(x)
	t := &UserTree{
		Roots: []*UserNode{}, Unowned: []Row{}, OwnersKnown: x.Snapshot().Scope.Has(inspect.FactOwners),
		Problems: problems(x), Format: inspect.Format,
	}
	counted := x.Snapshot().Scope.Has(inspect.FactTasks)
	owned := map[inspect.ID][]Row{}
	for i := range x.Snapshot().Namespaces {
		n := &x.Snapshot().Namespaces[i]
		if n.Type == inspect.User || !keep(n) {
			continue
		}
		e := rowOf(x, n, counted)
		if o := x.Namespace(n.Owner); o != nil && o.Type == inspect.User {
			owned[n.Owner] = append(owned[n.Owner], e)
		} else {
			t.Unowned = append(t.Unowned, e)
		}
	}
	sortRows(t.Unowned)
	f := newForest(x, inspect.User)
	for _, id := range f.roots {
		if n := userNode(x, f, id, owned, keep); n != nil {
			t.Roots = append(t.Roots, n)
		}
	}
	return t
}

// userNode returns the node of id with what is below it; nil when nothing of
// it is to be shown.
func userNode(x *inspect.Index, f *forest, id inspect.ID, owned map[inspect.ID][]Row, keep func(*inspect.Namespace) bool) *UserNode {
	ns := x.Namespace(id)
	n := &UserNode{
		Cut: f.cut[id], Owns: append([]Row{}, owned[id]...), Children: []*UserNode{},
	}
	for _, c := range f.children[id] {
		if child := userNode(x, f, c, owned, keep); child != nil {
			n.Children = append(n.Children, child)
		}
	}
	if len(n.Owns) == 0 && len(n.Children) == 0 && !keep(ns) {
		return nil
	}
	sortRows(n.Owns)
	n.Row = rowOf(x, ns, x.Snapshot().Scope.Has(inspect.FactTasks))
	if n.OwnerUID != nil {
		n.OwnerUser = userName(x, *n.OwnerUID)
	}
	return n
}

// sortRows orders by kind, then by ID.
func sortRows(list []Row) {
	slices.SortFunc(list, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), a.ID().Compare(b.ID()))
	})
}

// keep returns the predicate of o: whether a namespace is to be shown for
// its own sake.
func (o TreeOptions) keep(x *inspect.Index) func(*inspect.Namespace) bool {
	ofType := func(t inspect.Type) bool { return len(o.Types) == 0 || slices.Contains(o.Types, t) }
	if o.Target == nil {
		return func(n *inspect.Namespace) bool { return ofType(n.Type) }
	}
	of := surroundings(x, *o.Target)
	return func(n *inspect.Namespace) bool { return ofType(n.Type) && of(n) }
}

// surroundings returns a predicate for the namespaces that belong to t: those
// it is in or is, and, where t is or has a user namespace of its own, all
// that this owns, directly or through others.
func surroundings(x *inspect.Index, t inspect.Target) func(*inspect.Namespace) bool {
	in := map[inspect.ID]bool{}
	top := inspect.ID{}
	if ns := x.Namespace(t.NS); t.Kind == inspect.TargetNamespace {
		in[t.NS] = true
		if ns != nil && ns.Type == inspect.User {
			top = t.NS
		}
	} else if p := x.Process(t.PID); p != nil {
		links := linksOf(p, t.TID)
		for _, id := range links {
			in[id] = true
		}
		if own := links.Of(inspect.User); own != x.Own(inspect.User) {
			top = own
		}
	}
	delete(in, inspect.ID{})
	return func(n *inspect.Namespace) bool {
		if in[n.ID] || top.IsZero() {
			return in[n.ID]
		}
		above := n.Owner
		if n.Type == inspect.User {
			above = parentOf(n)
		}
		ids, _ := chain(x, above)
		return slices.Contains(ids, top)
	}
}
