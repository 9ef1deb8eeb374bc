package enter

import "nsinspect/inspect"

// Facts are what a plan is made from, besides the request. [Look] reads them;
// tests write them down.
type Facts struct {
	Self   Subject
	Target *Subject                  // nil without a target
	Files  []FileFacts               // of Request.Files, in their order
	Socket inspect.ID                // network namespace of Request.Socket
	Owner  map[inspect.ID]inspect.ID // owning user namespaces, where they could be read
	// TTY are which of the descriptors 0 to 2 are terminals.
	TTY [3]bool
	// SubUID and SubGID are the caller's ranges in subuid(5) and subgid(5);
	// read for Request.Map.Auto only.
	SubUID, SubGID []inspect.IDRange
	Binds          []Bind   // for Request.ResolvConf
	CgroupProcs    []string // cgroup.procs of the target, for Request.JoinCgroup
	Frozen         string   // the cgroup among them that is frozen; "" when none is
}

// Subject is what is known of a process: the caller or the target.
type Subject struct {
	PID      int
	NS       inspect.Links // zero where it could not be read
	UID, GID uint32        // effective, as our user namespace sees them
	Caps     inspect.Caps
	// UIDMap, GIDMap and Setgroups are of its user namespace, as a process of
	// ours reads them; known of a target in another user namespace only.
	UIDMap, GIDMap []inspect.IDRange
	Setgroups      string
	Env            []string // known of a target, when asked for
}

// FileFacts is what is known of a namespace file.
type FileFacts struct {
	NS   inspect.ID
	Type inspect.Type // what it really is, zero when unknown
}

// Bind is a file to be seen in another place.
type Bind struct{ From, To string }

// inside translates an id of ours to what it is inside of m; false when it is
// not mapped.
func inside(m []inspect.IDRange, id uint32) (uint32, bool) {
	for _, r := range m {
		if id >= r.Outside && id-r.Outside < r.Count {
			return r.Inside + (id - r.Outside), true
		}
	}
	return 0, false
}

// maps reports whether id exists inside of m.
func maps(m []inspect.IDRange, id uint32) bool {
	for _, r := range m {
		if id >= r.Inside && id-r.Inside < r.Count {
			return true
		}
	}
	return false
}
