package graph

import (
	"fmt"

	"nsinspect/inspect"
)

// Side is one end of a translation: a target, or the host where Target is
// nil.
type Side struct {
	Target *inspect.Target
}

// Place is a side as a view shows it.
type Place struct {
	Target string `json:"target"` // in words, "host" for the host
	Host   bool   `json:"host"`
	NS     uint64 `json:"ns"` // inode of its user or pid namespace
	// Name is the target as a person calls it; "" for the host.
	Name string `json:"-"`
}

// nameOfTarget calls a target as a person would in a sentence.
func nameOfTarget(t inspect.Target) string {
	switch {
	case t.Kind == inspect.TargetContainer && t.Container != nil:
		return t.Container.DisplayName()
	case t.Kind == inspect.TargetProcess && t.TID != 0:
		return fmt.Sprintf("thread %d of process %d", t.TID, t.PID)
	case t.Kind == inspect.TargetProcess:
		return fmt.Sprintf("process %d", t.PID)
	}
	return t.String()
}

// IDList is what ids of one side are on another.
type IDList struct {
	Kind     inspect.IDKind    `json:"kind"` // uid or gid
	From     Place             `json:"from"`
	To       Place             `json:"to"`
	IDs      []TranslatedID    `json:"ids"`
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}

// TranslatedID is an id of one user namespace in another.
type TranslatedID struct {
	ID     uint32           `json:"id"`    // as asked
	State  inspect.MapState `json:"state"` // mapped, unmapped or unknown
	Result *uint32          `json:"result"`
	// Shown is what a process on the other side sees: Result, or the overflow
	// id where it is not mapped; nil when unknown.
	Shown  *uint32 `json:"shown"`
	Reason string  `json:"reason,omitempty"` // why it is unknown
	// Levels are the user namespaces on the way, both ends among them.
	Levels []TranslatedLevel `json:"levels"`
}

// TranslatedLevel is what an id is in a user namespace on the way.
type TranslatedLevel struct {
	NS    uint64           `json:"ns"`
	State inspect.MapState `json:"state"`
	ID    *uint32          `json:"id"`
}

// UnknownNamespaceError says that the namespace of a kind that a target is in
// is not known.
type UnknownNamespaceError struct {
	Target inspect.Target
	Type   inspect.Type
}

func (e *UnknownNamespaceError) Error() string {
	return fmt.Sprintf("the %s namespace of %s is not known", e.Type, e.Target)
}

// Hint returns what tells more.
func (e *UnknownNamespaceError) Hint() string { return "nsinspect show " + e.Target.String() }

// place finds the namespace of a kind on a side.
func place(x *inspect.Index, s Side, kind inspect.Type) (Place, inspect.ID, error) {
	if s.Target == nil {
		own := x.Own(kind)
		return Place{Target: "host", Host: true, NS: own.Ino}, own, nil
	}
	id := namespaceOfTarget(x, *s.Target, kind)
	if id.IsZero() {
		if _, err := x.NamespacesOf(*s.Target); err != nil {
			return Place{}, id, err
		}
		return Place{}, id, &UnknownNamespaceError{*s.Target, kind}
	}
	return Place{Target: s.Target.String(), Host: id == x.Own(kind), NS: id.Ino, Name: nameOfTarget(*s.Target)}, id, nil
}

// TranslateIDs says what user or group ids of one side are on the other. The
// error says that the user namespace of a side is not known.
func TranslateIDs(x *inspect.Index, kind inspect.IDKind, from, to Side, ids []uint32) (*IDList, error) {
	list := &IDList{Kind: kind, IDs: []TranslatedID{}, Problems: problems(x), Format: inspect.Format}
	var a, b inspect.ID
	var err error
	if list.From, a, err = place(x, from, inspect.User); err != nil {
		return nil, err
	}
	if list.To, b, err = place(x, to, inspect.User); err != nil {
		return nil, err
	}
	for _, id := range ids {
		t := x.TranslateID(kind, a, b, id)
		r := t.Result()
		out := TranslatedID{ID: id, State: r.State, Result: r.ID, Shown: r.Shown, Reason: r.Reason, Levels: []TranslatedLevel{}}
		for _, l := range t.Levels {
			out.Levels = append(out.Levels, TranslatedLevel{NS: l.NS.Ino, State: l.State, ID: l.ID})
		}
		list.IDs = append(list.IDs, out)
	}
	return list, nil
}

// PIDList is what pids of one side are on another.
type PIDList struct {
	Kind     string            `json:"kind"` // pid
	From     Place             `json:"from"`
	To       Place             `json:"to"`
	IDs      []TranslatedPID   `json:"ids"`
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}

// TranslatedPID is a pid of one pid namespace in another.
type TranslatedPID struct {
	ID int `json:"id"` // as asked
	// Process is its pid in the observer's /proc; nil when no process in
	// sight has that pid.
	Process *int `json:"process"`
	// Result is nil also when the process is not visible on the other side.
	Result  *int       `json:"result"`
	Command *string    `json:"command"`
	Levels  []PIDLevel `json:"levels"` // from the observer's inwards
}

// PIDLevel is the pid of a process in a pid namespace.
type PIDLevel struct {
	NS  *uint64 `json:"ns"` // nil when not known
	PID int     `json:"pid"`
}

// TranslatePIDs says what pids of one side are on the other. The error says
// that the pid namespace of a side is not known.
func TranslatePIDs(x *inspect.Index, from, to Side, pids []int) (*PIDList, error) {
	list := &PIDList{Kind: "pid", IDs: []TranslatedPID{}, Problems: problems(x), Format: inspect.Format}
	var a, b inspect.ID
	var err error
	if list.From, a, err = place(x, from, inspect.PID); err != nil {
		return nil, err
	}
	if list.To, b, err = place(x, to, inspect.PID); err != nil {
		return nil, err
	}
	for _, pid := range pids {
		t := x.TranslatePID(a, b, pid)
		out := TranslatedPID{ID: pid, Result: t.PID, Levels: []PIDLevel{}}
		for _, l := range t.Levels {
			out.Levels = append(out.Levels, PIDLevel{NS: inodeOf(l.NS), PID: l.PID})
		}
		if p := x.Process(t.Process); p != nil {
			out.Process = &p.PID
			if p.Info != nil {
				out.Command = &p.Info.Comm
			}
		}
		list.IDs = append(list.IDs, out)
	}
	return list, nil
}

// MapView is how the user namespace of a target maps ids.
type MapView struct {
	Target string `json:"target"`
	Name   string `json:"-"` // the target as a person calls it
	*UserProfile
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}

// MapOf returns how the user namespace of t maps ids.
func MapOf(x *inspect.Index, t inspect.Target) (*MapView, error) {
	p, id, err := place(x, Side{&t}, inspect.User)
	if err != nil {
		return nil, err
	}
	return &MapView{Target: t.String(), Name: p.Name, UserProfile: userProfile(x, id), Problems: problems(x), Format: inspect.Format}, nil
}

// UserFocus returns a process of each user namespace, for their maps, and the
// processes that the sides are known by.
func UserFocus(x *inspect.Index, sides ...Side) []int {
	pids := []int{}
	for i := range x.Snapshot().Namespaces {
		if n := &x.Snapshot().Namespaces[i]; n.Type == inspect.User {
			if members := x.Members(n.ID); len(members) > 0 {
				pids = append(pids, members[0])
			}
		}
	}
	for _, s := range sides {
		if s.Target == nil {
			continue
		}
		pids = append(pids, s.Target.PID)
		if p := x.Lead(s.Target.NS); p != nil {
			pids = append(pids, p.PID)
		}
	}
	return pids
}
