package graph

import (
	"slices"
	"strconv"

	"nsinspect/inspect"
)

// Row is one namespace as a line of a list. What is not known is nil, which
// is null in JSON; a namespace without process has 0 processes and no PID.
type Row struct {
	NS   uint64       `json:"ns"` // inode
	Dev  uint64       `json:"dev"`
	Type inspect.Type `json:"type"`
	// NProcs is the number of processes with a task in it.
	NProcs *int `json:"nprocs"`
	// PID is the lead, see inspect.Index.Lead; PPID to Cmdline are about it.
	PID     *int    `json:"pid"`
	PPID    *int    `json:"ppid"`
	Command *string `json:"command"`
	UID     *uint32 `json:"uid"`  // effective, as the observer sees it
	User    *string `json:"user"` // its name on the host
	// Cmdline is the full command line; nil unless it was asked for.
	Cmdline []string `json:"cmdline,omitempty"`
	// Container is the lead's; nil when it is in none. The host's namespaces
	// are not those of a container that shares them.
	Container *RowContainer `json:"container"`
	// SharedBy are the other containers with a process in it, by name.
	SharedBy []RowContainer `json:"shared_by,omitempty"`
	Owner    *uint64        `json:"owner"`     // inode of the owning user namespace
	OwnerUID *uint32        `json:"owner_uid"` // the user who owns a user namespace
	Parent   *uint64        `json:"parent"`    // inode of the parent, for pid and user namespaces
	Serial   *uint64        `json:"ns_id"`     // the kernel's 64-bit id
	// Host says whether the observer is in it.
	Host *bool `json:"host"`
	// Names are the names under /run/netns and the paths of bind mounts.
	Names []string `json:"names,omitempty"`
	// PNS and ONS are Parent and Owner by the names that lsns(8) has for them.
	PNS *uint64 `json:"pns"`
	ONS *uint64 `json:"ons"`
	// NSFS are the paths at which it is mounted, in whatever mount namespace.
	NSFS []string `json:"nsfs,omitempty"`
	// NHolders is how many things keep it alive: processes, open files, mounts,
	// namespaces below it. Nil when these were not all looked at.
	NHolders *int `json:"nholders"`
	// Holders are those that are neither processes nor namespaces, one by one;
	// filled in by [WithHolders].
	Holders     []RowHolder          `json:"holders,omitempty"`
	Hostname    *string              `json:"hostname"` // of a UTS namespace
	IDMap       *inspect.IDMap       `json:"id_map,omitempty"`
	TimeOffsets *inspect.TimeOffsets `json:"time_offsets,omitempty"`
}

// RowContainer is a container as a namespace's list entry knows it.
type RowContainer struct {
	ID      string `json:"id"`
	Name    string `json:"name"` // the short id where no engine told a name
	Engine  string `json:"engine"`
	Image   string `json:"image,omitempty"`
	Project string `json:"project,omitempty"` // of compose
	Service string `json:"service,omitempty"`
}

// ID names the row's namespace.
func (r *Row) ID() inspect.ID { return inspect.ID{Dev: r.Dev, Ino: r.NS} }

// Word returns a word that means the row's namespace as a TARGET and needs no
// quotes in any shell: "net:4026532299".
func (r *Row) Word() string { return r.Type.String() + ":" + strconv.FormatUint(r.NS, 10) }

// Rows lists the namespaces of a snapshot by inode, as lsns(8) does.
func Rows(x *inspect.Index) []Row {
	list := x.Snapshot().Namespaces
	rows := make([]Row, len(list))
	counted := x.Snapshot().Scope.Has(inspect.FactTasks)
	for i := range list {
		rows[i] = rowOf(x, &list[i], counted)
	}
	return rows
}

// Within returns the rows whose namespace is among links.
func Within(rows []Row, links inspect.Links) []Row {
	var kept []Row
	for i := range rows {
		if slices.Contains(links[:], rows[i].ID()) {
			kept = append(kept, rows[i])
		}
	}
	return kept
}

func rowOf(x *inspect.Index, n *inspect.Namespace, counted bool) Row {
	r := Row{
		NS: n.ID.Ino, Dev: n.ID.Dev, Type: n.Type, OwnerUID: n.OwnerUID,
		Host: isHost(x, n.ID, n.Type), Owner: inodeOf(n.Owner), Parent: inodeOf(n.Parent), Names: x.Names(n.ID),
		IDMap: n.IDMap, TimeOffsets: n.TimeOffsets,
	}
	if counted {
		r.NProcs = known(len(x.Members(n.ID)))
	}
	r.PNS, r.ONS = r.Parent, r.Owner
	r.countHolders(x, n)
	if n.Serial != 0 {
		r.Serial = &n.Serial
	}
	if n.UTS != nil {
		r.Hostname = &n.UTS.Hostname
	}
	if lead := x.Lead(n.ID); lead != nil {
		r.fillLead(x, lead)
	}
	return r
}

func (r *Row) fillLead(x *inspect.Index, lead *inspect.Process) {
	r.PID = &lead.PID
	info := lead.Info
	if info == nil {
		return
	}
	r.PPID, r.Command, r.UID, r.Cmdline = &info.PPID, &info.Comm, &info.UID[1], info.Cmdline
	if name, ok := x.Snapshot().Host.Users[info.EUID()]; ok {
		r.User = &name
	}
	for i, c := range x.ContainersOf(r.ID()) {
		rc := RowContainer{
			ID: c.ID, Name: c.DisplayName(), Engine: c.Engine,
			Image: c.Image, Project: c.Project(), Service: c.Service(),
		}
		if i == 0 {
			r.Container = &rc
			continue
		}
		r.SharedBy = append(r.SharedBy, rc)
	}
}

func inodeOf(id inspect.ID) *uint64 {
	if id.IsZero() {
		return nil
	}
	return &id.Ino
}

// RowFocus returns the processes that the rows of links are about: of those
// in one of the namespaces, the first of each distinct set of links.
func RowFocus(x *inspect.Index, links inspect.Links) []int {
	pids := []int{}
	seen := map[inspect.Links]bool{}
	for _, t := range inspect.Types {
		for _, pid := range x.Members(links.Of(t)) {
			if p := x.Process(pid); !seen[p.NS] {
				seen[p.NS] = true
				pids = append(pids, pid)
			}
		}
	}
	slices.Sort(pids)
	return pids
}
