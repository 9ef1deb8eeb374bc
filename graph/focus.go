package graph

import "nsinspect/inspect"

// Focus returns the processes of which [ProfileOf] shows more than the links:
// t's own, and, of those that are in a namespace with it, one of each
// distinct set of links. Nil means all: t is not known by the links alone, or
// its profile says what lies below it.
func Focus(x *inspect.Index, t inspect.Target) []int {
	f := focus{x: x, seen: map[inspect.Links]bool{}}
	switch p := x.Process(t.PID); {
	case t.Kind == inspect.TargetNamespace && (t.Type == inspect.User || t.Type == inspect.PID):
		return nil
	case t.Kind == inspect.TargetNamespace:
		members := x.Members(t.NS)
		f.pids = append(f.pids, members[:min(len(members), ShownMembers)]...)
		f.kinds(members)
	case p == nil:
		return nil
	default:
		f.pids = append(f.pids, t.PID)
		links := linksOf(p, t.TID)
		for _, id := range links {
			if !x.IsOwn(id) {
				f.kinds(x.Members(id))
			}
		}
	}
	return f.pids
}

type focus struct {
	x    *inspect.Index
	pids []int
	seen map[inspect.Links]bool
}

// kinds adds the first of those processes with a set of links that none had
// before.
func (f *focus) kinds(pids []int) {
	for _, pid := range pids {
		if links := f.x.Process(pid).NS; !f.seen[links] {
			f.seen[links] = true
			f.pids = append(f.pids, pid)
		}
	}
}
