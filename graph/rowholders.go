package graph

import (
	"slices"

	"nsinspect/inspect"
)

// RowHolder is one reference to a namespace.
type RowHolder struct {
	Kind inspect.RefKind `json:"kind"`
	PID  *int            `json:"pid,omitempty"`
	TID  *int            `json:"tid,omitempty"`
	FD   *int            `json:"fd,omitempty"`
	Path string          `json:"path,omitempty"`
	Name string          `json:"name,omitempty"`
	// MountNS is the mount namespace of a mount.
	MountNS   *uint64 `json:"mount_ns,omitempty"`
	Protocol  string  `json:"protocol,omitempty"`
	Local     string  `json:"local,omitempty"`
	Remote    string  `json:"remote,omitempty"`
	Interface string  `json:"interface,omitempty"`
}

// holderScope is what must have been looked at to count holders.
const holderScope = inspect.FactTasks | inspect.FactsHolders

func (r *Row) countHolders(x *inspect.Index, n *inspect.Namespace) {
	count := len(x.Members(n.ID)) + len(children(x, n))
	for _, ref := range x.RefsOf(n.ID) {
		if ref.Kind == inspect.RefMount && !slices.Contains(r.NSFS, ref.Path) {
			r.NSFS = append(r.NSFS, ref.Path)
		}
		if ref.Kind.Holds() && !ref.Candidate {
			count++
		}
	}
	if x.Snapshot().Scope.Has(holderScope) {
		r.NHolders = &count
	}
}

// WithHolders fills in the holders of rows. There can be many: of the host's
// network namespace each socket is one.
func WithHolders(x *inspect.Index, rows []Row) {
	for i := range rows {
		refs := x.RefsOf(rows[i].ID())
		for j := range refs {
			if refs[j].Kind.Holds() && !refs[j].Candidate {
				rows[i].Holders = append(rows[i].Holders, rowHolder(&refs[j]))
			}
		}
	}
}

func rowHolder(r *inspect.Ref) RowHolder {
	h := RowHolder{
		Kind: r.Kind, Path: r.Path, Name: r.Name, MountNS: inodeOf(r.MountNS),
		Protocol: r.Protocol, Local: r.Local, Remote: r.Remote, Interface: r.Interface,
	}
	if r.PID != 0 {
		h.PID = &r.PID
	}
	if r.TID != 0 {
		h.TID = &r.TID
	}
	if r.Kind.HasFD() {
		h.FD = &r.FD
	}
	return h
}
