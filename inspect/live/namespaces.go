package live

import (
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// entry is a namespace with the places where it can be opened.
type entry struct {
	ns inspect.Namespace
	// tasks are the groups one of whose links leads here.
	tasks []place
	paths []string // bind mounts
	fd    int      // an open file of it; 0 for none
	// described says that owner, parent and serial are known.
	described bool
	focus     bool // whether more than ID and Type is wanted
}

// place is a link of the tasks of a group.
type place struct {
	link  inspect.Link
	group *group
}

// namespaces is a table of what was found so far.
type namespaces struct {
	mu   sync.Mutex
	byID map[inspect.ID]*entry
	list []*entry
}

// add returns the entry of id, a new one if there is none.
func (t *namespaces) add(id inspect.ID, typ inspect.Type) *entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e := t.byID[id]; e != nil {
		return e
	}
	if t.byID == nil {
		t.byID = map[inspect.ID]*entry{}
	}
	e := &entry{ns: inspect.Namespace{ID: id, Type: typ}}
	t.byID[id] = e
	t.list = append(t.list, e)
	return e
}

// known returns the entry of id, nil when there is none.
func (t *namespaces) known(id inspect.ID) *entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id]
}

// addGroups adds all namespaces that the links of the groups lead to.
func (t *namespaces) addGroups(groups []*group) {
	for _, g := range groups {
		for l, id := range g.links {
			if link := inspect.Link(l); !id.IsZero() {
				e := t.add(id, link.Type())
				e.tasks = append(e.tasks, place{link, g})
			}
		}
	}
}

// wanted returns the entries of a kind, 0 for all, that are in focus.
func (t *namespaces) wanted(typ inspect.Type) []*entry {
	var out []*entry
	for _, e := range t.list {
		if e.focus && (typ == 0 || e.ns.Type == typ) {
			out = append(out, e)
		}
	}
	return out
}

// facts returns the namespaces by ID.
func (t *namespaces) facts() []inspect.Namespace {
	out := make([]inspect.Namespace, 0, len(t.list))
	for _, e := range t.list {
		out = append(out, e.ns)
	}
	slices.SortFunc(out, func(a, b inspect.Namespace) int { return a.ID.Compare(b.ID) })
	return out
}

// open opens the file of a namespace: at any task that is still in it, at a
// bind mount, from a file of it that was kept open, or by its handle. It fails with ENOENT when there is no such place any more.
func (c *capture) open(e *entry) (int, error) {
	var last error = unix.ENOENT
	for _, pl := range e.tasks {
		for _, t := range pl.group.tasks {
			fd, err := openFile(c.root, c.taskPath(t)+"/ns/"+pl.link.String())
			if err == nil {
				if fd, err = sameNamespace(fd, e.ns.ID); err == nil {
					return fd, nil
				}
			}
			if !gone(err) && !denied(err) {
				return -1, err
			}
			last = err
		}
	}
	for _, path := range e.paths {
		if fd, err := openFile(unix.AT_FDCWD, path); err == nil {
			if fd, err = sameNamespace(fd, e.ns.ID); err == nil {
				return fd, nil
			}
		}
	}
	if e.fd > 0 {
		return nsfs.Dup(e.fd)
	}
	if h := nsfs.NewHandle(e.ns.Serial, e.ns.Type, e.ns.ID.Ino); e.ns.Serial != 0 {
		if fd, err := h.Open(); err == nil {
			return sameNamespace(fd, e.ns.ID)
		}
	}
	return -1, last
}

// sameNamespace returns fd if it is open on id, else closes it: the task has
// moved meanwhile, or another one has its pid.
func sameNamespace(fd int, id inspect.ID) (int, error) {
	got, err := identity(fd)
	if err == nil && got != id {
		err = unix.ENOENT
	}
	if err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// taskPath is the directory of a task below /proc.
func (c *capture) taskPath(t task) string {
	pid := c.procs[t.proc].PID
	if t.tid == 0 {
		return fmt.Sprint(pid)
	}
	return fmt.Sprintf("%d/task/%d", pid, t.tid)
}
