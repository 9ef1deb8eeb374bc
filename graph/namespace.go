package graph

import "nsinspect/inspect"

// ShownMembers is how many members of a namespace a person is shown; of
// these [Focus] asks for the details.
const ShownMembers = 20

// NamespaceProfile is all that is known of a namespace.
type NamespaceProfile struct {
	Entry
	Serial   *uint64 `json:"ns_id"` // the kernel's 64-bit id; nil where it has none
	OwnerUID *uint32 `json:"owner_uid,omitempty"`
	// Owners is the owning user namespace and its ancestors; for a user
	// namespace its ancestors.
	Owners []Owner `json:"owners"`
	// OwnersWhole is false when Owners ends before the top.
	OwnersWhole bool `json:"owners_whole"`
	// Ancestors are the inodes from the parent to the top, for a pid
	// namespace.
	Ancestors []uint64 `json:"ancestors,omitempty"`
	Children  []Entry  `json:"children,omitempty"` // pid and user namespaces below it
	Owns      []Entry  `json:"owns,omitempty"`     // what a user namespace owns, of other kinds
	// Members are the processes with a thread in it; nil when not looked at.
	Members []Lead `json:"members"`
	// SharedWith sorts the members by container.
	SharedWith  *Sharing             `json:"shared_with,omitempty"`
	Refs        []inspect.Ref        `json:"refs,omitempty"`
	IDMap       *inspect.IDMap       `json:"id_map,omitempty"`
	UTS         *inspect.UTSName     `json:"uts,omitempty"`
	TimeOffsets *inspect.TimeOffsets `json:"time_offsets,omitempty"`
}

func namespaceProfile(x *inspect.Index, t inspect.Target) *NamespaceProfile {
	p := &NamespaceProfile{Entry: entryOf(x, t.NS, t.Type), Owners: []Owner{}}
	if x.Snapshot().Scope.Has(inspect.FactTasks) {
		p.SharedWith = sharing(x, t.NS, 0)
		p.Members = []Lead{}
		for _, pid := range x.Members(t.NS) {
			p.Members = append(p.Members, *leadOf(x, x.Process(pid)))
		}
	}
	for _, r := range x.Snapshot().Refs {
		if r.NS == t.NS {
			p.Refs = append(p.Refs, r)
		}
	}
	for _, id := range x.Children(t.NS) {
		p.Children = append(p.Children, entryOf(x, id, t.Type))
	}
	for _, id := range x.Owned(t.NS) {
		if n := x.Namespace(id); n.Type != inspect.User {
			p.Owns = append(p.Owns, entryOf(x, id, n.Type))
		}
	}
	sortEntries(p.Owns)
	if ns := x.Namespace(t.NS); ns != nil {
		p.fill(x, ns)
	}
	return p
}

func (p *NamespaceProfile) fill(x *inspect.Index, ns *inspect.Namespace) {
	if ns.Serial != 0 {
		p.Serial = &ns.Serial
	}
	p.OwnerUID, p.IDMap, p.UTS, p.TimeOffsets = ns.OwnerUID, ns.IDMap, ns.UTS, ns.TimeOffsets
	owner := ns.Owner
	if ns.Type == inspect.User {
		owner = parentOf(ns)
	}
	p.Owners, p.OwnersWhole = owners(x, owner)
	if ns.Type == inspect.PID {
		ids, _ := chain(x, ns.Parent)
		for _, id := range ids {
			p.Ancestors = append(p.Ancestors, id.Ino)
		}
	}
}
