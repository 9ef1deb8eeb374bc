package inspect

import "slices"

// Relation says how two targets stand to each other in one kind of namespace.
type Relation string

// The relations.
const (
	Shared    Relation = "shared"
	Different Relation = "different"
	Unclear   Relation = "unknown" // one of them is not known
)

// KindComparison compares two targets in one kind of namespace.
type KindComparison struct {
	Type     Type     `json:"type"`
	Relation Relation `json:"relation"`
	A        ID       `json:"a,omitzero"` // zero when unknown
	B        ID       `json:"b,omitzero"`
	// Inside says which one lies within the other, of pid and user namespaces
	// that differ: "a", "b", or "" for neither or unknown.
	Inside string `json:"inside,omitempty"`
}

// Comparison says which namespaces two targets share.
type Comparison struct {
	A Target `json:"a"`
	B Target `json:"b"`
	// Kinds are by type; of a single namespace its own type alone.
	Kinds []KindComparison `json:"kinds"`
	// Errors say why all namespaces of a target are unknown.
	Errors []string `json:"errors,omitempty"`
}

// Compare says which namespaces two targets share. A namespace is compared
// with the other's of its kind; two of different kinds leave nothing to
// compare.
func (x *Index) Compare(a, b Target) Comparison {
	c := Comparison{A: a, B: b, Kinds: []KindComparison{}}
	var links [2]Links
	for i, t := range []Target{a, b} {
		var err error
		if links[i], err = x.NamespacesOf(t); err != nil {
			c.Errors = append(c.Errors, err.Error())
		}
	}
	for _, t := range Types {
		if a.Kind == TargetNamespace && a.Type != t || b.Kind == TargetNamespace && b.Type != t {
			continue
		}
		c.Kinds = append(c.Kinds, x.compareKind(t, links[0].Of(t), links[1].Of(t)))
	}
	return c
}

func (x *Index) compareKind(t Type, a, b ID) KindComparison {
	k := KindComparison{Type: t, A: a, B: b, Relation: Different}
	switch {
	case a.IsZero() || b.IsZero():
		k.Relation = Unclear
	case a == b:
		k.Relation = Shared
	case slices.Contains(x.Ancestors(a), b):
		k.Inside = "a"
	case slices.Contains(x.Ancestors(b), a):
		k.Inside = "b"
	}
	return k
}

// Shares returns the kinds that are shared.
func (c *Comparison) Shares() []Type {
	var types []Type
	for _, k := range c.Kinds {
		if k.Relation == Shared {
			types = append(types, k.Type)
		}
	}
	return types
}
