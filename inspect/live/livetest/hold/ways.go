package hold

import "nsinspect/inspect"

// Way is one way to keep a namespace alive.
type Way struct {
	Name string
	Type inspect.Type
	// Kind is the sort of reference that tells; "" when a link of a task, a
	// child or an owned namespace does, or when nothing does.
	Kind inspect.RefKind
	// How the namespace is found.
	Found Found
	// Nothing is set for what looks like a holder and is none.
	Nothing bool

	hold   func(*maker) error
	zombie bool
}

// Found says what finds a namespace that is held in some way.
type Found string

// What finds a namespace.
const (
	ByScan   Found = "scan"
	ByPeek   Found = "peek"
	ByCensus Found = "census"
)

// Ways are all ways that can be made with what a Linux machine has.
func Ways() []Way {
	var all []Way
	for _, t := range []inspect.Type{inspect.Net, inspect.Mnt, inspect.UTS, inspect.IPC, inspect.Cgroup, inspect.Time} {
		name := t.String() + " "
		all = append(all,
			Way{Name: name + "fd", Type: t, Kind: inspect.RefFD, Found: ByScan, hold: byFD},
			Way{Name: name + "thread", Type: t, Found: ByScan, hold: byThread},
			Way{Name: name + "bind mount", Type: t, Kind: inspect.RefMount, Found: ByScan, hold: byMount},
			Way{Name: name + "inotify", Type: t, Kind: inspect.RefInotify, Found: ByScan, hold: byInotify},
		)
	}
	all = append(all, fileWays()...)
	all = append(all, mountWays()...)
	all = append(all, socketWays()...)
	all = append(all, processWays()...)
	all = append(all, hiddenWays()...)
	return append(all, nothingWays()...)
}
