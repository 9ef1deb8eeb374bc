package graph

import "nsinspect/inspect"

// Lead is a process as people know it.
type Lead struct {
	PID     int     `json:"pid"`
	Command *string `json:"command"` // nil when not looked at
	UID     *uint32 `json:"uid"`     // effective, as the observer sees it
	User    *string `json:"user"`    // its name on the host
}

// ContainerName is what a container is called.
type ContainerName struct {
	ID     string `json:"id"`
	Name   string `json:"name"` // the short id where no engine told a name
	Engine string `json:"engine"`
}

func leadOf(x *inspect.Index, p *inspect.Process) *Lead {
	l := &Lead{PID: p.PID}
	if p.Info != nil {
		l.Command, l.UID, l.User = &p.Info.Comm, known(p.Info.EUID()), userName(x, p.Info.EUID())
	}
	return l
}

// userName returns the name of a user id on the host, nil when it has none.
func userName(x *inspect.Index, uid uint32) *string {
	if name, ok := x.Snapshot().Host.Users[uid]; ok {
		return &name
	}
	return nil
}

// groupName returns the name of a group id on the host, nil when it has none.
func groupName(x *inspect.Index, gid uint32) *string {
	if name, ok := x.Snapshot().Host.Groups[gid]; ok {
		return &name
	}
	return nil
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
