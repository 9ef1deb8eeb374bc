package graph

import (
	"slices"

	"nsinspect/inspect"
)

// PIDTree is the pid namespaces, each with the processes in it.
type PIDTree struct {
	Roots []*PIDNode `json:"pid_namespaces"`
	// Unplaced are the processes whose pid namespace could not be read.
	Unplaced []PIDProcess `json:"pid_namespace_unknown"`
	// UnplacedKernel is the number of kernel threads of which that is true.
	UnplacedKernel int               `json:"kernel_threads_unknown,omitempty"`
	Problems       []inspect.Problem `json:"problems"`
	Format         int               `json:"format"`
}

// PIDNode is a pid namespace in a [PIDTree].
type PIDNode struct {
	Row
	// Cut marks a root whose parent was left out: following it would not end.
	Cut bool `json:"parent_endless,omitempty"`
	// Processes are those in it and in none below, by pid; without kernel
	// threads.
	Processes     []PIDProcess `json:"processes"`
	KernelThreads int          `json:"kernel_threads,omitempty"`
	Children      []*PIDNode   `json:"children"`
}

// PIDProcess is a process with its pid at each level.
type PIDProcess struct {
	PID int `json:"pid"` // as the observer sees it
	// PIDs are the pids from the observer's namespace inwards; nil when they
	// were not looked at.
	PIDs      []int          `json:"pids"`
	Command   *string        `json:"command"`
	UID       *uint32        `json:"uid"`
	User      *string        `json:"user"`
	Container *ContainerName `json:"container"`
	// ForChildren is the inode of the pid namespace that its next child will
	// be in, where that is another one.
	ForChildren *uint64 `json:"pid_for_children,omitempty"`
}

// PIDHierarchy arranges the pid namespaces by parent, with their processes.
// Of a target's ancestors it shows no processes.
func PIDHierarchy(x *inspect.Index, target *inspect.Target) *PIDTree {
	t := &PIDTree{Roots: []*PIDNode{}, Unplaced: []PIDProcess{}, Problems: problems(x), Format: inspect.Format}
	b := pidBuilder{x: x, f: newForest(x, inspect.PID), in: map[inspect.ID][]*inspect.Process{}}
	for i := range x.Snapshot().Processes {
		p := &x.Snapshot().Processes[i]
		links := linksOf(p, 0)
		id := links.Of(inspect.PID)
		if ns := x.Namespace(id); ns != nil && ns.Type == inspect.PID {
			b.in[id] = append(b.in[id], p)
		} else if target == nil && p.Info != nil && p.Info.Kernel {
			t.UnplacedKernel++
		} else if target == nil {
			t.Unplaced = append(t.Unplaced, pidProcess(x, p))
		}
	}
	if target != nil {
		b.only = namespaceOfTarget(x, *target, inspect.PID)
	}
	for _, id := range b.f.roots {
		if n := b.node(id, target == nil); n != nil {
			t.Roots = append(t.Roots, n)
		}
	}
	return t
}

type pidBuilder struct {
	x    *inspect.Index
	f    *forest
	in   map[inspect.ID][]*inspect.Process
	only inspect.ID
}

// node returns the node of id with what is below it; nil when it is neither
// above nor below what was asked for. shown says that an ancestor was.
func (b *pidBuilder) node(id inspect.ID, shown bool) *PIDNode {
	shown = shown || id == b.only
	ns := b.x.Namespace(id)
	n := &PIDNode{
		Cut: b.f.cut[id], Processes: []PIDProcess{}, Children: []*PIDNode{},
	}
	for _, c := range b.f.children[id] {
		if child := b.node(c, shown); child != nil {
			n.Children = append(n.Children, child)
		}
	}
	if !shown && len(n.Children) == 0 {
		return nil
	}
	n.Row = rowOf(b.x, ns, b.x.Snapshot().Scope.Has(inspect.FactTasks))
	if !shown {
		return n
	}
	for _, p := range b.in[id] {
		if p.Info != nil && p.Info.Kernel {
			n.KernelThreads++
			continue
		}
		n.Processes = append(n.Processes, pidProcess(b.x, p))
	}
	return n
}

func pidProcess(x *inspect.Index, p *inspect.Process) PIDProcess {
	l := leadOf(x, p)
	out := PIDProcess{PID: p.PID, Command: l.Command, UID: l.UID, User: l.User}
	if p.Info != nil {
		out.PIDs = slices.Clone(p.Info.NSpid)
	}
	if c := x.ContainerOf(p.PID); c != nil {
		out.Container = known(nameOf(c))
	}
	if next := p.NS[inspect.LinkPIDForChildren]; next != p.NS.Of(inspect.PID) {
		out.ForChildren = inodeOf(next)
	}
	return out
}

// namespaceOfTarget returns the namespace of a kind that t is or is in. For a
// namespace of another kind it is that of its lead; zero when unknown.
func namespaceOfTarget(x *inspect.Index, t inspect.Target, kind inspect.Type) inspect.ID {
	if t.Kind == inspect.TargetNamespace && t.Type != kind {
		p := x.Lead(t.NS)
		if p == nil {
			return inspect.ID{}
		}
		t = inspect.Target{Kind: inspect.TargetProcess, PID: p.PID}
	}
	links, err := x.NamespacesOf(t)
	if err != nil {
		return inspect.ID{}
	}
	return links.Of(kind)
}
