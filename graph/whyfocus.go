package graph

import (
	"slices"

	"nsinspect/inspect"
)

// SocketsHold reports whether a socket can keep a namespace of kind t alive: a
// network namespace itself, and a user namespace by owning one.
func SocketsHold(t inspect.Type) bool { return t == inspect.Net || t == inspect.User }

// WhyFocus returns the processes that [Whys] shows for links. Nil means all:
// what a user or pid namespace is held by lies below it.
func WhyFocus(x *inspect.Index, links inspect.Links) []int {
	f := newFocus(x)
	for l, id := range links {
		t := inspect.Link(l).Type()
		switch {
		case id.IsZero() || !inspect.Link(l).Member():
		case x.IsOwn(id):
			f.kinds(x.Members(id))
			f.holders(id)
		case t == inspect.User || t == inspect.PID:
			return nil
		default:
			f.why(id)
		}
	}
	slices.Sort(f.pids)
	return slices.Compact(append([]int{}, f.pids...))
}

// why adds the processes that are in a namespace or hold it, and for a mount
// those in the mount namespace.
func (f *focus) why(id inspect.ID) {
	f.pids = append(f.pids, f.x.Members(id)...)
	f.holders(id)
	for _, r := range f.x.RefsOf(inspect.ID{}) {
		if r.Candidate {
			f.pids = append(f.pids, r.PID)
		}
	}
}

// holders adds the processes that have a file of a namespace, or are in a
// mount namespace where it is mounted.
func (f *focus) holders(id inspect.ID) {
	for _, r := range f.x.RefsOf(id) {
		if r.PID != 0 {
			f.pids = append(f.pids, r.PID)
		} else if !r.MountNS.IsZero() && !f.x.IsOwn(r.MountNS) {
			f.kinds(f.x.Members(r.MountNS))
			for _, of := range f.x.RefsOf(r.MountNS) {
				if of.PID != 0 {
					f.pids = append(f.pids, of.PID)
				}
			}
		}
	}
}
