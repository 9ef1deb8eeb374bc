package graph

import (
	"fmt"
	"slices"

	"nsinspect/inspect"
)

// Comparison says which namespaces two targets share.
type Comparison struct {
	A          string            `json:"a"` // the targets in words
	B          string            `json:"b"`
	NameA      string            `json:"-"` // as a person calls them
	NameB      string            `json:"-"`
	Namespaces []SharedNamespace `json:"namespaces"` // by kind
	Problems   []inspect.Problem `json:"problems"`
	Format     int               `json:"format"`
}

// SharedNamespace is the namespaces of one kind of two targets.
type SharedNamespace struct {
	Type inspect.Type `json:"type"`
	A    *uint64      `json:"a"` // inode; nil when not known
	B    *uint64      `json:"b"`
	// Shared is nil when either is not known.
	Shared *bool `json:"shared"`
	// Host says whether A, and B, is the observer's; nil when not known.
	HostA *bool `json:"host_a"`
	HostB *bool `json:"host_b"`
	// Relation says where one user or pid namespace lies in the other:
	// a-in-b or b-in-a; "" when neither does or they are the same.
	Relation Relation `json:"relation,omitempty"`
}

// Relation is where one namespace lies in another.
type Relation string

// The relations of two namespaces of the same kind.
const (
	AInB Relation = "a-in-b"
	BInA Relation = "b-in-a"
)

// Compare says which of the eight namespaces the targets a and b share. Of a
// target that is a namespace only the one is known. The error says that a
// target has no namespaces.
func Compare(x *inspect.Index, a, b inspect.Target) (*Comparison, error) {
	la, err := x.NamespacesOf(a)
	if err != nil {
		return nil, err
	}
	lb, err := x.NamespacesOf(b)
	if err != nil {
		return nil, err
	}
	c := &Comparison{
		A: a.String(), B: b.String(), NameA: nameOfTarget(a), NameB: nameOfTarget(b), Namespaces: []SharedNamespace{},
		Problems: problems(x), Format: inspect.Format,
	}
	one := a.Kind == inspect.TargetNamespace || b.Kind == inspect.TargetNamespace
	for _, t := range inspect.Types {
		ia, ib := la.Of(t), lb.Of(t)
		if one && (ia.IsZero() || ib.IsZero()) {
			continue
		}
		c.Namespaces = append(c.Namespaces, sharedNamespace(x, t, ia, ib))
	}
	return c, nil
}

func sharedNamespace(x *inspect.Index, t inspect.Type, a, b inspect.ID) SharedNamespace {
	s := SharedNamespace{Type: t, A: inodeOf(a), B: inodeOf(b), HostA: isHost(x, a, t), HostB: isHost(x, b, t)}
	if a.IsZero() || b.IsZero() {
		return s
	}
	s.Shared = known(a == b)
	if t != inspect.User && t != inspect.PID || a == b {
		return s
	}
	if above, _ := chain(x, a); slices.Contains(above, b) {
		s.Relation = AInB
	} else if above, _ := chain(x, b); slices.Contains(above, a) {
		s.Relation = BInA
	}
	return s
}

// NothingInCommonError says that two targets are namespaces of different kinds,
// or that a namespace of that kind is not known of the other.
type NothingInCommonError struct{ A, B inspect.Target }

func (e *NothingInCommonError) Error() string {
	return fmt.Sprintf("%s and %s have no kind of namespace in common", e.A, e.B)
}
