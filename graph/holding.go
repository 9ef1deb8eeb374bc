package graph

import (
	"cmp"
	"slices"

	"nsinspect/inspect"
)

const (
	// holdingDepth is how far holders of holders are followed.
	holdingDepth = 6
	// shownHolders is how many of a kind are told of what is not the target.
	shownHolders = 12
)

// holding follows what holds what. Each namespace is told once.
type holding struct {
	x    *inspect.Index
	seen map[inspect.ID]bool
}

// of returns what holds n.
func (h *holding) of(n *inspect.Namespace, depth int) []Holder {
	list := h.tasks(n)
	list = append(list, h.awaiting(n)...)
	list = append(list, h.refs(n, depth)...)
	return append(list, h.below(n, depth)...)
}

// tasks groups the members by container: what one container has is one holder;
// a process outside of any is one of its own.
func (h *holding) tasks(n *inspect.Namespace) []Holder {
	var list []Holder
	at := map[string]int{}
	for _, pid := range h.x.Members(n.ID) {
		p := h.x.Process(pid)
		if p.NS.Of(n.Type) != n.ID {
			list = append(list, h.threads(p, n)...)
			continue
		}
		key := h.group(p, n)
		if i, ok := at[key]; ok && key != "" {
			list[i].add(pid)
			if key == hostGroup {
				list[i].Unit = "" // the first one's
			}
			continue
		}
		at[key] = len(list)
		list = append(list, h.process(HolderTask, pid))
		list[len(list)-1].PIDs = []int{pid}
	}
	return merge(list)
}

// merge makes one holder of many processes that are in no container or unit.
func merge(list []Holder) []Holder {
	lone := func(t Holder) bool { return t.Kind == HolderTask && t.Container == nil && t.Unit == "" && t.Count == 1 }
	first, n := -1, 0
	for i, t := range list {
		if lone(t) {
			n++
			if first < 0 {
				first = i
			}
		}
	}
	if n <= shownHolders/2 {
		return list
	}
	all := list[first]
	var rest []Holder
	for i, t := range list {
		if i > first && lone(t) {
			all.add(t.PID)
		} else if i != first {
			rest = append(rest, t)
		}
	}
	return append([]Holder{all}, rest...)
}

func (t *Holder) add(pid int) {
	t.Count++
	if len(t.PIDs) < ShownMembers {
		t.PIDs = append(t.PIDs, pid)
	}
}

// hostGroup is all that is on the host and in no container.
const hostGroup = "host"

// group names what p belongs to: its container, else on the host all of a
// unit, "" for a process of its own.
func (h *holding) group(p *inspect.Process, n *inspect.Namespace) string {
	if c := h.x.ContainerOf(p.PID); c != nil {
		return "container " + c.ID
	}
	if h.x.IsOwn(n.ID) {
		return hostGroup
	}
	if u := unitOf(p); u != "" {
		return "unit " + u
	}
	return ""
}

// threads are those of p that are in n though its leader is not.
func (h *holding) threads(p *inspect.Process, n *inspect.Namespace) []Holder {
	var list []Holder
	for i := range p.Threads {
		if th := &p.Threads[i]; th.NS.Of(n.Type) == n.ID {
			t := h.process(HolderThread, p.PID)
			t.TID = th.TID
			list = append(list, t)
		}
	}
	return list
}

// awaiting are tasks whose next child will be in n.
func (h *holding) awaiting(n *inspect.Namespace) []Holder {
	link := map[inspect.Type]inspect.Link{inspect.PID: inspect.LinkPIDForChildren, inspect.Time: inspect.LinkTimeForChildren}[n.Type]
	if link == 0 {
		return nil
	}
	var list []Holder
	procs := h.x.Snapshot().Processes
	for i := range procs {
		p := &procs[i]
		if p.NS[link] == n.ID && p.NS.Of(n.Type) != n.ID {
			list = append(list, h.process(HolderChildren, p.PID))
		}
		for j := range p.Threads {
			if th := &p.Threads[j]; th.NS[link] == n.ID && th.NS.Of(n.Type) != n.ID {
				t := h.process(HolderChildren, p.PID)
				t.TID = th.TID
				list = append(list, t)
			}
		}
	}
	return list
}

// process returns a holder of one process.
func (h *holding) process(kind HolderKind, pid int) Holder {
	t := Holder{Kind: kind, Count: 1}
	p := h.x.Process(pid)
	if p == nil {
		t.Lead = &Lead{PID: pid}
		return t
	}
	t.Lead, t.Unit = leadOf(h.x, p), unitOf(p)
	if c := h.x.ContainerOf(pid); c != nil {
		t.Container = known(nameOf(c))
	}
	return t
}

// refs groups references by kind, process and thread.
func (h *holding) refs(n *inspect.Namespace, depth int) []Holder {
	var list []Holder
	refs := h.x.RefsOf(n.ID)
	for i := range refs {
		r := &refs[i]
		switch {
		case !r.Kind.Holds():
		case r.Kind == inspect.RefMount:
			list = append(list, h.mount(r, depth))
		default:
			list = h.descriptor(list, r)
		}
	}
	return list
}

// descriptor adds r to the holder of the same process, which if it is there is
// the last: references are sorted.
func (h *holding) descriptor(list []Holder, r *inspect.Ref) []Holder {
	last := len(list) - 1
	if last < 0 || list[last].Kind != HolderKind(r.Kind) || list[last].Lead == nil || list[last].PID != r.PID || list[last].TID != r.TID {
		t := h.process(HolderKind(r.Kind), r.PID)
		t.TID, t.Count = r.TID, 0
		list = append(list, t)
		last++
	}
	t := &list[last]
	t.Count++
	t.FDs = append(t.FDs, r.FD)
	switch {
	case r.Kind == inspect.RefSocket:
		t.Sockets = append(t.Sockets, Socket{r.FD, r.Protocol, r.Local, r.Remote, r.Listening, r.Inode})
	case r.Kind == inspect.RefTun && r.Interface != "":
		t.Interfaces = append(t.Interfaces, r.Interface)
	case r.Path != "" && !slices.Contains(t.Paths, r.Path):
		t.Paths = append(t.Paths, r.Path)
	}
	return list
}

// mount returns a mount and who holds the mount namespace that it is in. Where
// that is the host's there is nothing to tell.
func (h *holding) mount(r *inspect.Ref, depth int) Holder {
	t := Holder{Kind: HolderKind(r.Kind), Count: 1, Paths: []string{r.Path}, Name: r.Name}
	if r.MountNS.IsZero() {
		return t
	}
	t.NS, t.Type, t.Host = &r.MountNS.Ino, inspect.Mnt, isHost(h.x, r.MountNS, inspect.Mnt)
	if t.Host == nil || !*t.Host {
		t.Holders, t.More = h.follow(r.MountNS, depth)
	}
	return t
}

// below are the namespaces that hold n by being its children or owned by it.
func (h *holding) below(n *inspect.Namespace, depth int) []Holder {
	var list []Holder
	for _, id := range children(h.x, n) {
		c := h.x.Namespace(id)
		if c == nil {
			continue
		}
		t := Holder{Kind: HolderOwned, Count: 1, NS: &c.ID.Ino, Type: c.Type, Host: isHost(h.x, id, c.Type)}
		if parentOf(c) == n.ID && c.Type == n.Type {
			t.Kind = HolderChild
		}
		if names := h.x.Names(id); len(names) > 0 {
			t.Name = names[0]
		}
		t.Holders, t.More = h.follow(id, depth)
		list = append(list, t)
	}
	slices.SortStableFunc(list, func(a, b Holder) int { return cmp.Compare(a.Type, b.Type) })
	return list
}

// follow returns the first holders of another namespace, and how many more
// there are. What was told already is not told again.
func (h *holding) follow(id inspect.ID, depth int) ([]Holder, int) {
	n := h.x.Namespace(id)
	if n == nil || h.seen[id] || h.x.IsOwn(id) || depth >= holdingDepth {
		return nil, 0
	}
	h.seen[id] = true
	list := h.of(n, depth+1)
	if len(list) <= shownHolders {
		return list, 0
	}
	return list[:shownHolders], len(list) - shownHolders
}

// candidates are references that may be of any namespace of a kind.
func (h *holding) candidates(t inspect.Type) []Holder {
	fits := map[inspect.RefKind]inspect.Type{
		inspect.RefPidfd: inspect.PID, inspect.RefProcNet: inspect.Net, inspect.RefMountinfo: inspect.Mnt,
	}
	var list []Holder
	refs := h.x.RefsOf(inspect.ID{})
	for i := range refs {
		if r := &refs[i]; r.Candidate && fits[r.Kind] == t {
			list = h.descriptor(list, r)
		}
	}
	return list
}
