package graph

import "nsinspect/inspect"

// ShownMembers is how many members of a namespace a person is shown; of
// these [Focus] asks for the details.
const ShownMembers = 20

// NamespaceProfile is all that is known of a namespace.
type NamespaceProfile struct {
	Row
	// Owners is the owning user namespace and its ancestors; for a user
	// namespace its ancestors.
	Owners []Owner `json:"owners"`
	// OwnersWhole is false when Owners ends before the top.
	OwnersWhole bool `json:"owners_whole"`
	// Ancestors are the inodes from the parent to the top, for a pid
	// namespace.
	Ancestors []uint64 `json:"ancestors,omitempty"`
	Children  []Row    `json:"children,omitempty"` // pid and user namespaces below it
	Owns      []Row    `json:"owns,omitempty"`     // what a user namespace owns, of other kinds
	// Members are the processes with a thread in it; nil when not looked at.
	Members []Member `json:"members"`
	// SharedWith sorts the members by container.
	SharedWith *Sharing         `json:"shared_with,omitempty"`
	Refs       []inspect.Ref    `json:"refs,omitempty"`
	UTS        *inspect.UTSName `json:"uts,omitempty"`
}

// Member is a process in a namespace.
type Member struct {
	Lead
	Container *ContainerName `json:"container"` // nil: in none, or not looked at
}

func namespaceProfile(x *inspect.Index, t inspect.Target) *NamespaceProfile {
	counted := x.Snapshot().Scope.Has(inspect.FactTasks)
	p := &NamespaceProfile{Row: Row{NS: t.NS.Ino, Dev: t.NS.Dev, Type: t.Type}, Owners: []Owner{}}
	if counted {
		p.SharedWith = sharing(x, t.NS, 0)
		p.Members = []Member{}
		for _, pid := range x.Members(t.NS) {
			p.Members = append(p.Members, memberOf(x, x.Process(pid)))
		}
	}
	for _, r := range x.Snapshot().Refs {
		if r.NS == t.NS {
			p.Refs = append(p.Refs, r)
		}
	}
	for _, id := range x.Children(t.NS) {
		p.Children = append(p.Children, rowOf(x, x.Namespace(id), counted))
	}
	for _, id := range x.Owned(t.NS) {
		if n := x.Namespace(id); n.Type != inspect.User {
			p.Owns = append(p.Owns, rowOf(x, n, counted))
		}
	}
	sortRows(p.Owns)
	if ns := x.Namespace(t.NS); ns != nil {
		p.fill(x, ns)
	}
	return p
}

func (p *NamespaceProfile) fill(x *inspect.Index, ns *inspect.Namespace) {
	p.Row = rowOf(x, ns, x.Snapshot().Scope.Has(inspect.FactTasks))
	p.UTS = ns.UTS
	owner := ns.Owner
	if ns.Type == inspect.User {
		owner = parentOf(ns)
	}
	p.Owners, p.OwnersWhole = owners(x, owner)
	if owner.IsZero() && ns.ID != x.Own(inspect.User) {
		p.OwnersWhole = false
	}
	if ns.Type == inspect.PID {
		ids, _ := chain(x, ns.Parent)
		for _, id := range ids {
			p.Ancestors = append(p.Ancestors, id.Ino)
		}
	}
}

func memberOf(x *inspect.Index, p *inspect.Process) Member {
	m := Member{Lead: *leadOf(x, p)}
	if c := x.ContainerOf(p.PID); c != nil {
		m.Container = known(nameOf(c))
	}
	return m
}
