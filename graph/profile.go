package graph

import (
	"time"

	"nsinspect/inspect"
)

// Profile is all that is known of one process, container or namespace.
type Profile struct {
	Target string `json:"target"` // in words
	Kind   string `json:"kind"`   // process, container or namespace
	// Container is set for a container and for a process in one.
	Container *ContainerProfile `json:"container,omitempty"`
	// Process is set for a process and for the first one of a container; nil
	// for a container that does not run.
	Process   *ProcessProfile   `json:"process,omitempty"`
	Namespace *NamespaceProfile `json:"namespace,omitempty"`
	Hints     []Hint            `json:"hints"`
	// Limits are those of the observer's user namespace; nil when unknown.
	Limits   []Limit           `json:"limits"`
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}

// ContainerProfile is what is known of a container.
type ContainerProfile struct {
	ContainerName
	Image       string            `json:"image,omitempty"`
	State       string            `json:"state,omitempty"`
	PID         *int              `json:"pid"` // nil: not running or not known
	Pod         string            `json:"pod,omitempty"`
	Project     string            `json:"compose_project,omitempty"`
	Service     string            `json:"compose_service,omitempty"`
	NetworkMode string            `json:"network_mode,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
}

// ProcessProfile is what is known of a process.
type ProcessProfile struct {
	PID int `json:"pid"` // as the observer sees it
	// Details is nil when nothing but the links could be read.
	*Details
	Namespaces []Membership `json:"namespaces"`
	// Unreadable says why no namespace is known; "" when one is.
	Unreadable string `json:"unreadable,omitempty"`
	// Thread is the thread whose namespaces these are; nil for the leader.
	Thread  *int            `json:"namespaces_of_thread,omitempty"`
	Threads []ThreadProfile `json:"threads_elsewhere"` // those in other namespaces
	// User is its user namespace; nil when not known.
	User *UserProfile `json:"user_namespace"`
}

// Details are the facts of stat, status and cgroup.
type Details struct {
	PPID    int      `json:"ppid"`
	PIDs    []int    `json:"pids,omitempty"` // at each level, from the observer's inwards
	Command string   `json:"command"`
	Cmdline []string `json:"cmdline,omitempty"`
	State   string   `json:"state"` // the letter
	// Started is nil where the boot time or the clock tick is not known.
	Started *time.Time `json:"started"`
	// Age is in seconds at the time of the snapshot; nil like Started.
	Age     *int64  `json:"age"`
	UID     IDs     `json:"uid"`
	GID     IDs     `json:"gid"`
	User    *string `json:"user"`  // name of the effective uid on the host
	Group   *string `json:"group"` // name of the effective gid on the host
	Kernel  bool    `json:"kernel_thread,omitempty"`
	Threads int     `json:"threads"`
	// Capabilities is nil when unknown.
	Capabilities *Capabilities        `json:"capabilities"`
	NoNewPrivs   bool                 `json:"no_new_privs"`
	Seccomp      string               `json:"seccomp"` // off, strict, filter
	Cgroups      []inspect.CgroupPath `json:"cgroups,omitempty"`
}

// IDs are the four ids of a process as the observer sees them.
type IDs struct {
	Real      uint32 `json:"real"`
	Effective uint32 `json:"effective"`
	Saved     uint32 `json:"saved"`
	FS        uint32 `json:"fs"`
}

// Capabilities are the sets of a process by name, see capabilities(7).
type Capabilities struct {
	// All says that the effective set is all that the kernel has; Missing is
	// what it lacks of that.
	All         bool     `json:"all"`
	Missing     []string `json:"missing"`
	Effective   []string `json:"effective"`
	Permitted   []string `json:"permitted"`
	Inheritable []string `json:"inheritable"`
	Bounding    []string `json:"bounding"`
	Ambient     []string `json:"ambient"`
}

// ThreadProfile is a thread that is in other namespaces than its leader.
type ThreadProfile struct {
	TID        int          `json:"tid"`
	Command    string       `json:"command,omitempty"`
	Namespaces []Membership `json:"namespaces"` // those that differ
}

// UserProfile is a user namespace with its owners up to the top.
type UserProfile struct {
	NS    uint64         `json:"ns"`
	Host  *bool          `json:"host"`
	IDMap *inspect.IDMap `json:"id_map"` // nil when unknown
	// Chain is the namespace itself, then its ancestors.
	Chain []Owner `json:"chain"`
	// Whole is false when the chain ends before the top: beyond, the
	// observer has no sight or the snapshot no facts.
	Whole bool `json:"chain_whole"`
}

// Owner is a user namespace on the way to the top.
type Owner struct {
	NS        uint64  `json:"ns"`
	Host      *bool   `json:"host"`
	OwnerUID  *uint32 `json:"owner_uid"` // who made it; nil when unknown
	OwnerUser *string `json:"owner_user"`
}

// Limit is a file of /proc/sys/user, see namespaces(7).
type Limit struct {
	Name  string       `json:"name"` // max_net_namespaces
	Type  inspect.Type `json:"type"`
	Limit int64        `json:"limit"` // for each user
	Seen  int          `json:"seen"`  // how many of the kind are in the snapshot
}

// ProfileOf returns all that the snapshot knows of t.
func ProfileOf(x *inspect.Index, t inspect.Target) *Profile {
	p := &Profile{
		Target: t.String(), Hints: []Hint{}, Limits: limits(x.Snapshot()),
		Problems: problems(x), Format: inspect.Format,
	}
	switch t.Kind {
	case inspect.TargetNamespace:
		p.Kind, p.Namespace = "namespace", namespaceProfile(x, t)
		return p
	case inspect.TargetContainer:
		p.Kind, p.Container = "container", containerProfile(t.Container, t.PID)
	default:
		p.Kind = "process"
		if c := x.ContainerOf(t.PID); c != nil {
			p.Container = containerProfile(c, c.PID)
		}
	}
	links, err := x.NamespacesOf(t)
	proc := x.Process(t.PID)
	if proc == nil && err == nil && t.PID != 0 {
		proc = &inspect.Process{PID: t.PID, NS: links} // the observer, gone from /proc or hidden there
	}
	if proc != nil {
		p.Process = processProfile(x, proc, t.TID)
		p.Hints = hints(p.Process, p.Container != nil)
	}
	if p.Process != nil && err != nil {
		p.Process.Unreadable = err.Error()
	}
	return p
}

func containerProfile(c *inspect.Container, pid int) *ContainerProfile {
	p := &ContainerProfile{
		ContainerName: nameOf(c), Image: c.Image, State: c.State, Pod: c.Pod, Project: c.Project(),
		Service: c.Service(), NetworkMode: c.NetworkMode, Labels: c.Labels,
	}
	if pid != 0 {
		p.PID = &pid
	}
	return p
}

func processProfile(x *inspect.Index, p *inspect.Process, tid int) *ProcessProfile {
	links := linksOf(p, tid)
	out := &ProcessProfile{PID: p.PID, Namespaces: Memberships(x, p.PID, links), Threads: []ThreadProfile{}}
	if p.Info != nil {
		out.Details = details(x, p.Info)
	}
	if t := threadOf(p, tid); t != nil {
		out.Thread = &t.TID
	}
	for i := range p.Threads {
		if t := threadProfile(x, p.PID, &p.Threads[i], links); len(t.Namespaces) > 0 {
			out.Threads = append(out.Threads, t)
		}
	}
	if id := links.Of(inspect.User); !id.IsZero() {
		out.User = userProfile(x, id)
	}
	return out
}

func details(x *inspect.Index, i *inspect.Info) *Details {
	host := &x.Snapshot().Host
	d := &Details{
		PPID: i.PPID, PIDs: i.NSpid, Command: i.Comm, Cmdline: i.Cmdline, State: i.State,
		UID: idsOf(i.UID), GID: idsOf(i.GID), User: userName(x, i.EUID()), Group: groupName(x, i.GID[1]),
		Kernel: i.Kernel, Threads: i.Threads, NoNewPrivs: i.NoNewPrivs, Seccomp: SeccompWords(i.Seccomp), Cgroups: i.Cgroups,
	}
	if at, ok := started(host, i.Start); ok {
		d.Started, d.Age = &at, known(int64(host.Taken.Sub(at)/time.Second))
	}
	if c := i.Caps; c != nil {
		all := allCaps(x.Snapshot())
		d.Capabilities = &Capabilities{
			All: all != 0 && c.Effective&all == all, Missing: CapNames(all &^ c.Effective), Effective: CapNames(c.Effective), Permitted: CapNames(c.Permitted),
			Inheritable: CapNames(c.Inheritable), Bounding: CapNames(c.Bounding), Ambient: CapNames(c.Ambient),
		}
	}
	return d
}

func idsOf(v [4]uint32) IDs { return IDs{Real: v[0], Effective: v[1], Saved: v[2], FS: v[3]} }

// started returns when something started that many ticks after boot; false
// when the host does not say when it booted.
func started(h *inspect.Host, ticks uint64) (time.Time, bool) {
	const century = 100 * 365 * 24 * 3600
	if h.ClockTicks <= 0 || h.Uptime <= 0 || ticks/uint64(h.ClockTicks) > century {
		return time.Time{}, false
	}
	hz := uint64(h.ClockTicks)
	after := time.Duration(ticks/hz)*time.Second + time.Duration(ticks%hz)*time.Second/time.Duration(hz)
	return h.Taken.Add(after - h.Uptime), true
}

// threadProfile describes where t is other than in links.
func threadProfile(x *inspect.Index, pid int, t *inspect.Thread, links inspect.Links) ThreadProfile {
	out := ThreadProfile{TID: t.TID, Command: t.Comm, Namespaces: []Membership{}}
	for l, id := range t.NS {
		if id != links[l] && !id.IsZero() {
			out.Namespaces = append(out.Namespaces, membership(x, inspect.Link(l), id, pid))
		}
	}
	return out
}

func userProfile(x *inspect.Index, id inspect.ID) *UserProfile {
	u := &UserProfile{NS: id.Ino, Host: isHost(x, id, inspect.User), Chain: []Owner{}}
	if ns := x.Namespace(id); ns != nil {
		u.IDMap = ns.IDMap
	}
	u.Chain, u.Whole = owners(x, id)
	return u
}

// owners returns the user namespace id and its ancestors up to the top, which
// is the observer's: what lies above that is out of its sight.
func owners(x *inspect.Index, id inspect.ID) ([]Owner, bool) {
	ids, whole := chain(x, id)
	list := make([]Owner, 0, len(ids))
	for _, id := range ids {
		o := Owner{NS: id.Ino, Host: isHost(x, id, inspect.User)}
		if ns := x.Namespace(id); ns.OwnerUID != nil {
			o.OwnerUID, o.OwnerUser = ns.OwnerUID, userName(x, *ns.OwnerUID)
		}
		list = append(list, o)
	}
	own := x.Own(inspect.User)
	if len(ids) > 0 && !own.IsZero() {
		whole = ids[len(ids)-1] == own
	}
	return list, whole && x.Snapshot().Scope.Has(inspect.FactOwners)
}

// limits returns the limits on namespaces by kind, nil when unknown.
func limits(s *inspect.Snapshot) []Limit {
	if s.Host.Limits == nil {
		return nil
	}
	seen := map[inspect.Type]int{}
	for i := range s.Namespaces {
		seen[s.Namespaces[i].Type]++
	}
	list := []Limit{}
	for _, t := range inspect.Types {
		name := "max_" + t.String() + "_namespaces"
		if n, ok := s.Host.Limits[name]; ok {
			list = append(list, Limit{Name: name, Type: t, Limit: n, Seen: seen[t]})
		}
	}
	return list
}
