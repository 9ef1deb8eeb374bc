package graph

import (
	"time"

	"nsinspect/inspect"
)

// ProcessList is the processes inside a target, see [Inside].
type ProcessList struct {
	Target string `json:"target"` // in words
	// PIDNamespace is the inode of the one that InsidePID is about; nil: each
	// process's own.
	PIDNamespace *uint64 `json:"pid_namespace"`
	// UserNamespace is the inode of the one that InsideUID and InsideGID are
	// about; nil: each process's own.
	UserNamespace *uint64           `json:"user_namespace"`
	Processes     []ProcessRow      `json:"processes"` // by pid
	Problems      []inspect.Problem `json:"problems"`
	Format        int               `json:"format"`
}

// ProcessRow is a process seen from outside and from inside. What is not
// known is nil.
type ProcessRow struct {
	PID       int     `json:"pid"` // as the observer sees it
	InsidePID *int    `json:"inside_pid"`
	PPID      *int    `json:"ppid"`
	UID       *uint32 `json:"uid"` // effective, as the observer sees it
	User      *string `json:"user"`
	InsideUID *uint32 `json:"inside_uid"` // nil also where it is not mapped
	GID       *uint32 `json:"gid"`
	InsideGID *uint32 `json:"inside_gid"`
	// UIDUnmapped and GIDUnmapped say that the id has no meaning inside, where
	// it is shown as the overflow id.
	UIDUnmapped bool           `json:"uid_unmapped,omitempty"`
	GIDUnmapped bool           `json:"gid_unmapped,omitempty"`
	State       *string        `json:"state"`
	Started     *time.Time     `json:"started"`
	Age         *int64         `json:"age"` // seconds
	Container   *ContainerName `json:"container"`
	Command     *string        `json:"command"`
	Cmdline     []string       `json:"cmdline,omitempty"`
}

// Inside lists the processes inside of t: those in its pid namespace and in
// the ones below, as a ps(1) in there shows them. A container that is in the
// host's pid namespace has the processes in its cgroup instead, and a
// namespace of another kind its members.
func Inside(x *inspect.Index, t inspect.Target) *ProcessList {
	in := inside{x: x, ids: map[idInside]inspect.IDLevel{}}
	switch {
	case t.Kind == inspect.TargetNamespace && t.Type != inspect.PID:
		if t.Type == inspect.User {
			in.user = t.NS
		}
	default:
		in.pid = namespaceOfTarget(x, t, inspect.PID)
		if t.Kind != inspect.TargetNamespace {
			in.user = namespaceOfTarget(x, t, inspect.User)
		}
	}
	list := &ProcessList{
		Target: t.String(), PIDNamespace: inodeOf(in.pid), UserNamespace: inodeOf(in.user),
		Processes: []ProcessRow{}, Problems: problems(x), Format: inspect.Format,
	}
	for _, pid := range in.pids(t) {
		list.Processes = append(list.Processes, in.row(x.Process(pid)))
	}
	return list
}

// inside is the point of view of a process list.
type inside struct {
	x    *inspect.Index
	pid  inspect.ID // pid namespace; zero: each process's own
	user inspect.ID // user namespace; zero: each process's own
	ids  map[idInside]inspect.IDLevel
}

// idInside is an id of the observer that is asked for inside of ns.
type idInside struct {
	kind inspect.IDKind
	ns   inspect.ID
	id   uint32
}

// pids returns the processes to list.
func (in *inside) pids(t inspect.Target) []int {
	if t.Kind == inspect.TargetNamespace && t.Type != inspect.PID {
		return in.x.Members(t.NS)
	}
	if t.Kind == inspect.TargetContainer && in.x.IsOwn(in.pid) {
		return in.ofContainer(t.Container.ID)
	}
	var pids []int
	below := map[inspect.ID]bool{in.pid: true, {}: false}
	for i := range in.x.Snapshot().Processes {
		p := &in.x.Snapshot().Processes[i]
		links := linksOf(p, 0)
		id := links.Of(inspect.PID)
		lies, ok := below[id]
		if !ok {
			_, lies = in.depth(id)
			below[id] = lies
		}
		if lies {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

func (in *inside) ofContainer(id string) []int {
	var pids []int
	for i := range in.x.Snapshot().Processes {
		if p := &in.x.Snapshot().Processes[i]; p.Info != nil && p.Info.Container == id {
			pids = append(pids, p.PID)
		}
	}
	return pids
}

// depth returns how many levels the pid namespace id lies below in.pid, and
// whether it does.
func (in *inside) depth(id inspect.ID) (int, bool) {
	ids, _ := chain(in.x, id)
	for n, above := range ids {
		if above == in.pid {
			return n, true
		}
	}
	return 0, id == in.pid
}

func (in *inside) row(p *inspect.Process) ProcessRow {
	r := ProcessRow{PID: p.PID}
	if c := in.x.ContainerOf(p.PID); c != nil {
		r.Container = known(nameOf(c))
	}
	if pid, ok := in.x.PIDIn(p, in.pid); ok {
		r.InsidePID = &pid
	}
	i := p.Info
	if i == nil {
		return r
	}
	r.PPID, r.State, r.Command, r.Cmdline = &i.PPID, &i.State, &i.Comm, i.Cmdline
	r.UID, r.GID, r.User = &i.UID[1], &i.GID[1], userName(in.x, i.EUID())
	host := &in.x.Snapshot().Host
	if at, ok := started(host, i.Start); ok {
		r.Started, r.Age = &at, known(int64(host.Taken.Sub(at)/time.Second))
	}
	if n := len(i.NSpid); in.pid.IsZero() && n > 0 {
		r.InsidePID = &i.NSpid[n-1]
	}
	user := in.user
	if user.IsZero() {
		links := linksOf(p, 0)
		user = links.Of(inspect.User)
	}
	uid, gid := in.id(inspect.UID, user, i.EUID()), in.id(inspect.GID, user, i.GID[1])
	r.InsideUID, r.InsideGID = uid.ID, gid.ID
	r.UIDUnmapped, r.GIDUnmapped = uid.State == inspect.Unmapped, gid.State == inspect.Unmapped
	return r
}

// id returns what an id of the observer is inside of the user namespace ns.
func (in *inside) id(kind inspect.IDKind, ns inspect.ID, id uint32) inspect.IDLevel {
	if ns.IsZero() {
		return inspect.IDLevel{State: inspect.Unknown}
	}
	key := idInside{kind, ns, id}
	l, ok := in.ids[key]
	if !ok {
		t := in.x.TranslateID(kind, in.x.Own(inspect.User), ns, id)
		l = t.Result()
		in.ids[key] = l
	}
	return l
}

// maxProcessDepth bounds the depth of a [ProcessForest]: what lies deeper,
// in a file that is out to do harm, is put at that depth.
const maxProcessDepth = 128

// ProcessForest orders the rows of a list as a tree by parent: the places of
// the rows in preorder, and the depth of each.
func ProcessForest(rows []ProcessRow) (order, depths []int) {
	place := make(map[int]int, len(rows))
	for i := range rows {
		place[rows[i].PID] = i
	}
	children := make(map[int][]int)
	var roots []int
	for i := range rows {
		if p := rows[i].PPID; p != nil && *p != rows[i].PID {
			if above, ok := place[*p]; ok {
				children[above] = append(children[above], i)
				continue
			}
		}
		roots = append(roots, i)
	}
	seen := make([]bool, len(rows))
	walk := func(root int) {
		stack := [][2]int{{root, 0}}
		for len(stack) > 0 {
			at, depth := stack[len(stack)-1][0], stack[len(stack)-1][1]
			stack = stack[:len(stack)-1]
			if seen[at] {
				continue
			}
			seen[at] = true
			order, depths = append(order, at), append(depths, depth)
			for i := len(children[at]) - 1; i >= 0; i-- {
				stack = append(stack, [2]int{children[at][i], min(depth+1, maxProcessDepth)})
			}
		}
	}
	for _, r := range roots {
		walk(r)
	}
	for i := range rows { // what is left lies in a circle, which no kernel makes
		if !seen[i] {
			walk(i)
		}
	}
	return order, depths
}
