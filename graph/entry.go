package graph

import "nsinspect/inspect"

// Entry is a namespace as one line of a view: what it is, who is in it and
// what it is known as.
type Entry struct {
	NS   uint64       `json:"ns"` // inode
	Dev  uint64       `json:"dev"`
	Type inspect.Type `json:"type"`
	// Host says whether the observer is in it; nil when its own is not known.
	Host *bool `json:"host"`
	// NProcs is the number of processes with a thread in it; nil when the
	// processes were not looked at.
	NProcs *int `json:"nprocs"`
	// Lead is the oldest process in it; nil when there is none or it is not
	// known.
	*Lead
	// Containers are those with a process in it, the lead's first. It is
	// empty where the lead is in no container: the host's namespaces are not
	// those of a container that shares them.
	Containers []ContainerName `json:"containers,omitempty"`
	// Names are the names under /run/netns and the paths of bind mounts.
	Names []string `json:"names,omitempty"`
}

// Lead is the process by which people know a namespace.
type Lead struct {
	PID     int     `json:"pid"`
	Command *string `json:"command"` // nil when not looked at
	UID     *uint32 `json:"uid"`     // effective, as the observer sees it
	User    string  `json:"user,omitempty"`
}

// ContainerName is what a container is called.
type ContainerName struct {
	ID     string `json:"id"`
	Name   string `json:"name"` // the short id where no engine told a name
	Engine string `json:"engine"`
}

// entryOf describes the namespace id of kind t.
func entryOf(x *inspect.Index, id inspect.ID, t inspect.Type) Entry {
	e := Entry{NS: id.Ino, Dev: id.Dev, Type: t, Host: isHost(x, id, t), Names: x.Names(id)}
	if x.Snapshot().Scope.Has(inspect.FactTasks) {
		n := len(x.Members(id))
		e.NProcs = &n
	}
	if p := x.Lead(id); p != nil {
		e.Lead = leadOf(x, p)
	}
	for _, c := range x.ContainersOf(id) {
		e.Containers = append(e.Containers, nameOf(c))
	}
	return e
}

func leadOf(x *inspect.Index, p *inspect.Process) *Lead {
	l := &Lead{PID: p.PID}
	if p.Info != nil {
		uid := p.Info.EUID()
		l.Command, l.UID, l.User = &p.Info.Comm, &uid, x.Snapshot().Host.Users[uid]
	}
	return l
}

func nameOf(c *inspect.Container) ContainerName {
	return ContainerName{ID: c.ID, Name: c.DisplayName(), Engine: c.Engine}
}

// isHost reports whether id is the observer's namespace of kind t; nil when
// the observer's is not known.
func isHost(x *inspect.Index, id inspect.ID, t inspect.Type) *bool {
	own := x.Own(t)
	if own.IsZero() || id.IsZero() {
		return nil
	}
	same := own == id
	return &same
}

// known returns a pointer to v, the value of something that is known.
func known[T any](v T) *T { return &v }

// problems returns the problems of the snapshot, never nil, for JSON.
func problems(x *inspect.Index) []inspect.Problem {
	return append([]inspect.Problem{}, x.Snapshot().Problems...)
}
