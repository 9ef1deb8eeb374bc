package graph

import "nsinspect/inspect"

// Focus returns the processes of which [ProfileOf] shows more than the links:
// t's own, and, of those that are in a namespace with it, the first few of
// each distinct set of links. Nil means all: t is not known by the links alone,
// or its profile says what lies below it.
func Focus(x *inspect.Index, t inspect.Target) []int {
	f := newFocus(x)
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

func newFocus(x *inspect.Index) focus {
	return focus{x: x, seen: map[int]bool{}, sets: map[inspect.Links]int{}}
}

type focus struct {
	x    *inspect.Index
	pids []int
	seen map[int]bool          // by pid
	sets map[inspect.Links]int // how many were added of each
}

// kinds adds the first of those processes of each set of links: one tells the
// container of all, a few are named.
func (f *focus) kinds(pids []int) {
	for _, pid := range pids {
		if links := f.x.Process(pid).NS; !f.seen[pid] && f.sets[links] < namedProcesses {
			f.seen[pid] = true
			f.sets[links]++
			f.pids = append(f.pids, pid)
		}
	}
}

// InsideFocus returns the processes of which [Inside] shows more than the
// links, as far as these tell: of a pid namespace also those in others than
// the host's, which may lie below it. Nil means all.
func InsideFocus(x *inspect.Index, t inspect.Target) []int {
	if t.Kind == inspect.TargetNamespace && t.Type != inspect.PID {
		return x.Members(t.NS)
	}
	id := namespaceOfTarget(x, t, inspect.PID)
	if id.IsZero() || x.IsOwn(id) {
		return nil
	}
	pids := []int{}
	for i := range x.Snapshot().Processes {
		p := &x.Snapshot().Processes[i]
		links := linksOf(p, 0)
		if in := links.Of(inspect.PID); in == id || !x.IsOwn(in) {
			pids = append(pids, p.PID)
		}
	}
	return pids
}
