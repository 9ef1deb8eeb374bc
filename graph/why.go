package graph

import (
	"slices"

	"nsinspect/inspect"
)

// Why is what keeps one namespace alive.
type Why struct {
	NS     uint64       `json:"ns"` // inode
	Dev    uint64       `json:"dev"`
	Type   inspect.Type `json:"type"`
	Serial *uint64      `json:"ns_id"`
	Host   *bool        `json:"host"`
	Names  []string     `json:"names,omitempty"`
	// Holders are all that is known to hold it, what belongs together in one.
	Holders []Holder `json:"holders"`
	// Candidates may hold it: the kernel does not say what they hold.
	Candidates []Holder `json:"candidates,omitempty"`
	// RefCount is the kernel's count of references; Explained is how many of
	// them the holders make up, at least. Nil when the kernel was not asked;
	// Explained also for user and pid namespaces, to which each credential and
	// each process number is one more.
	RefCount  *int `json:"refs"`
	Explained *int `json:"explained,omitempty"`
	// Free is what would end it, all of it.
	Free []Remedy `json:"free"`
	// Unknown is what was not or cannot be looked at, in words.
	Unknown []string `json:"unknown"`
}

// ID names the namespace.
func (w *Why) ID() inspect.ID { return inspect.ID{Dev: w.Dev, Ino: w.NS} }

// HolderKind says what sort of thing holds a namespace: those of
// inspect.RefKind, and these.
type HolderKind string

// Holders that are not references of their own.
const (
	HolderTask     HolderKind = "task"     // processes that are in it
	HolderThread   HolderKind = "thread"   // a thread alone
	HolderChildren HolderKind = "children" // a task whose next child will be in it
	HolderChild    HolderKind = "child"    // a namespace below it
	HolderOwned    HolderKind = "owned"    // a namespace that it owns
)

// Holder is one thing, or several of a kind that belong together, that hold a
// namespace.
type Holder struct {
	Kind HolderKind `json:"kind"`
	// Count is how many there are of it: processes, descriptors, mounts.
	Count int `json:"count"`
	// Lead is the process, or of several the oldest.
	*Lead
	Container *ContainerName `json:"container,omitempty"`
	// Unit is the systemd unit of the process; "" when it is in none.
	Unit string `json:"unit,omitempty"`
	// PIDs are the processes of a kind task, at most ShownMembers of them.
	PIDs []int `json:"pids,omitempty"`
	TID  int   `json:"tid,omitempty"`
	FDs  []int `json:"fds,omitempty"`
	// Paths are mount points, or what the descriptors show as.
	Paths []string `json:"paths,omitempty"`
	Name  string   `json:"name,omitempty"` // of a mount that ip-netns(8) or an engine made
	// Sockets tell about each descriptor of a kind socket.
	Sockets    []Socket `json:"sockets,omitempty"`
	Interfaces []string `json:"interfaces,omitempty"`
	// NS and Type are the namespace where Kind is child or owned, and the mount
	// namespace of a mount.
	NS   *uint64      `json:"ns,omitempty"`
	Type inspect.Type `json:"type,omitzero"`
	Host *bool        `json:"host,omitempty"`
	// Holders are what holds NS; nil when that is told elsewhere.
	Holders []Holder `json:"holders,omitempty"`
	// More is how many of Holders were left out.
	More int `json:"more,omitempty"`
}

// Socket is a socket as ss(8) shows it.
type Socket struct {
	FD        int    `json:"fd"`
	Protocol  string `json:"protocol"`
	Local     string `json:"local,omitempty"`
	Remote    string `json:"remote,omitempty"`
	Listening bool   `json:"listening,omitempty"`
	Inode     uint64 `json:"inode,omitempty"`
}

// Whys returns what holds each namespace of a target.
func Whys(x *inspect.Index, links inspect.Links) []Why {
	var list []Why
	for l, id := range links {
		n := x.Namespace(id)
		if n == nil || !inspect.Link(l).Member() {
			continue
		}
		list = append(list, WhyOf(x, n))
	}
	return list
}

// WhyOf returns what holds a namespace.
func WhyOf(x *inspect.Index, n *inspect.Namespace) Why {
	w := Why{
		NS: n.ID.Ino, Dev: n.ID.Dev, Type: n.Type, Host: isHost(x, n.ID, n.Type), Names: x.Names(n.ID), RefCount: n.RefCount,
		Holders: []Holder{}, Free: []Remedy{}, Unknown: []string{},
	}
	if n.Serial != 0 {
		w.Serial = &n.Serial
	}
	h := holding{x: x, seen: map[inspect.ID]bool{n.ID: true}}
	w.Holders = append(w.Holders, h.of(n, 0)...)
	if n.RefCount != nil && n.Type != inspect.User && n.Type != inspect.PID {
		w.Explained = known(explained(x, n))
	}
	if len(w.Holders) == 0 || w.Explained != nil && len(x.Members(n.ID)) == 0 && *w.RefCount > *w.Explained {
		w.Candidates = h.candidates(n.Type)
	}
	w.Free = append(w.Free, remedies(&w)...)
	w.Unknown = append(w.Unknown, unknowns(x, &w)...)
	return w
}

// explained counts the references that a namespace without task must have: the
// file of nsfs is one, however often it is open or mounted; each socket and tun
// file is one more.
func explained(x *inspect.Index, n *inspect.Namespace) int {
	count, file, mark := 0, false, false
	sockets := map[uint64]bool{}
	for _, r := range x.RefsOf(n.ID) {
		switch r.Kind {
		case inspect.RefSocket:
			if !sockets[r.Inode] {
				sockets[r.Inode] = true
				count++
			}
		case inspect.RefTun, inspect.RefProcNet, inspect.RefMountinfo:
			count++
		case inspect.RefInFlight:
			if r.Protocol != "" {
				count++
			} else {
				file = true
			}
		case inspect.RefInotify, inspect.RefFanotify:
			mark = true
		default:
			file = file || r.Kind.Holds() && !r.Candidate
		}
	}
	if file || mark {
		count++
	}
	if len(x.Members(n.ID)) > 0 {
		count++
	}
	return count
}

// children returns the namespaces that hold n by being below it or its own,
// user namespaces once.
func children(x *inspect.Index, n *inspect.Namespace) []inspect.ID {
	var ids []inspect.ID
	if n.Type == inspect.PID || n.Type == inspect.User {
		ids = append(ids, x.Children(n.ID)...)
	}
	if n.Type == inspect.User {
		for _, id := range x.Owned(n.ID) {
			if id != n.ID && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
