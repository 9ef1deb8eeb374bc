package inspect

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// IDKind says which of the two maps of a user namespace is meant.
type IDKind string

// The kinds of ids that user namespaces map.
const (
	UID IDKind = "uid"
	GID IDKind = "gid"
)

// unmapped is what the kernel shows in a map for an id that the reader does
// not have, (uid_t)-1. No user has it.
const unmapped = math.MaxUint32

// defaultOverflow is what an unmapped id is shown as where
// /proc/sys/kernel/overflowuid was not changed.
const defaultOverflow = 65534

// MapState says what is known of an id in a user namespace.
type MapState string

// The states of an id.
const (
	Mapped   MapState = "mapped"
	Unmapped MapState = "unmapped" // it has no id there
	Unknown  MapState = "unknown"  // there is not enough to tell, see Reason
)

// IDLevel is what an id is in one user namespace.
type IDLevel struct {
	NS    ID       `json:"ns"` // the user namespace
	State MapState `json:"state"`
	// ID is the id there; nil unless it is mapped.
	ID *uint32 `json:"id"`
	// Shown is what a process there gets to see: the id, or the overflow id,
	// mostly 65534, where it is not mapped; nil when unknown.
	Shown  *uint32 `json:"shown"`
	Reason string  `json:"reason,omitempty"` // why it is unknown
}

// IDTranslation is what a user or group id of one user namespace is in
// another.
type IDTranslation struct {
	Kind IDKind `json:"kind"`
	// Levels are the namespaces on the way, from the one that the id was given
	// for: outwards to the nearest that contains both, then inwards to the
	// other. Those in between are there as far as parents are known.
	Levels []IDLevel `json:"levels"`
}

// Result is the last level.
func (t *IDTranslation) Result() IDLevel { return t.Levels[len(t.Levels)-1] }

// String returns "1000 → 101000", "1000 → unmapped (shown as 65534)".
func (t *IDTranslation) String() string {
	s := ""
	for i, l := range t.Levels {
		if i > 0 {
			s += " → "
		}
		s += l.String()
	}
	return s
}

// String returns the id, or why there is none.
func (l IDLevel) String() string {
	switch {
	case l.State == Mapped && l.ID != nil:
		return fmt.Sprint(*l.ID)
	case l.State == Unmapped && l.Shown != nil:
		return fmt.Sprintf("unmapped (shown as %d)", *l.Shown)
	case l.Reason != "":
		return "unknown (" + l.Reason + ")"
	}
	return string(cmp.Or(l.State, Unknown))
}

// TranslateID says what an id of the user namespace from is in the user
// namespace to. The host's, from which everything was seen, is x.Own(User).
func (x *Index) TranslateID(kind IDKind, from, to ID, id uint32) IDTranslation {
	t := IDTranslation{Kind: kind}
	seen, state, reason := x.outward(kind, from, id)
	for i, ns := range x.userPath(from, to) {
		l := IDLevel{NS: ns, State: state, Reason: reason}
		switch {
		case i == 0 && state != Unmapped:
			l.State, l.Reason, l.ID = Mapped, "", &id
		case state == Mapped:
			var inner uint32
			if inner, l.State, l.Reason = x.inward(kind, ns, seen); l.State == Mapped {
				l.ID = &inner
			}
		}
		switch l.State {
		case Mapped:
			l.Shown = l.ID
		case Unmapped:
			shown := x.overflow(kind)
			l.Shown = &shown
		}
		t.Levels = append(t.Levels, l)
	}
	return t
}

func (x *Index) overflow(kind IDKind) uint32 {
	v := x.s.Host.OverflowUID
	if kind == GID {
		v = x.s.Host.OverflowGID
	}
	if v == nil {
		return defaultOverflow
	}
	return *v
}

// userPath returns the user namespaces on the way: from, those around it up
// to the first that contains to, and down to that.
func (x *Index) userPath(from, to ID) []ID {
	up, down := x.userChain(from), x.userChain(to)
	for i, ns := range up {
		if j := slices.Index(down, ns); j >= 0 {
			way := append(slices.Clone(up[:i+1]), down[:j]...)
			slices.Reverse(way[i+1:])
			return way
		}
	}
	// They have no known ancestor in common.
	slices.Reverse(down)
	return append(up, down...)
}

// userChain returns ns and the user namespaces around it. Where that is not
// known to meet the observer's, it is taken to be somewhere in that.
func (x *Index) userChain(ns ID) []ID {
	chain := append([]ID{ns}, x.Ancestors(ns)...)
	own := x.Own(User)
	around := append([]ID{own}, x.Ancestors(own)...)
	if own.IsZero() || slices.ContainsFunc(chain, func(id ID) bool { return slices.Contains(around, id) }) {
		return chain
	}
	return append(chain, around...)
}

// ranges returns a map; nil with a reason when it is not known.
func (x *Index) ranges(kind IDKind, ns ID) (ranges []IDRange, reason string) {
	switch n := x.Namespace(ns); {
	case n == nil || n.IDMap == nil:
		if !x.s.Scope.Has(FactIDMaps) {
			return nil, "id maps were not looked at"
		}
		return nil, fmt.Sprintf("the %s map of %s is not known", kind, linkText(User, ns))
	case kind == GID:
		return n.IDMap.GID, ""
	default:
		return n.IDMap.UID, ""
	}
}

// outward returns the observer's id for an id of ns.
func (x *Index) outward(kind IDKind, ns ID, id uint32) (uint32, MapState, string) {
	ranges, reason := x.ranges(kind, ns)
	switch {
	case id == unmapped:
		return 0, Unmapped, ""
	case reason != "" && ns == x.Own(User):
		return id, Mapped, ""
	case reason != "" && !x.isOwnParent(ns):
		return 0, Unknown, reason
	}
	i := slices.IndexFunc(ranges, func(r IDRange) bool { return r.hasInside(id) })
	switch {
	case i < 0 && reason == "":
		return 0, Unmapped, ""
	case x.isOwnParent(ns):
		return x.fromParent(kind, id)
	case ns == x.Own(User):
		return id, Mapped, ""
	}
	r := ranges[i]
	seen := uint64(r.Outside) + uint64(id-r.Inside)
	if r.Outside == unmapped || seen >= unmapped || id != r.Inside && !x.isWithin(kind, ns) {
		return 0, Unknown, outOfSight
	}
	return uint32(seen), Mapped, ""
}

const outOfSight = "it is outside of the user namespace in which the snapshot was taken"

// inward returns the id of ns for an id of the observer.
func (x *Index) inward(kind IDKind, ns ID, seen uint32) (uint32, MapState, string) {
	own := ns == x.Own(User)
	ranges, reason := x.ranges(kind, ns)
	switch {
	case own && reason == "" && !slices.ContainsFunc(ranges, func(r IDRange) bool { return r.hasInside(seen) }):
		return 0, Unmapped, ""
	case own:
		return seen, Mapped, ""
	case x.isOwnParent(ns):
		return x.toParent(kind, seen)
	case reason != "":
		return 0, Unknown, reason
	}
	within := x.isWithin(kind, ns)
	for _, r := range ranges {
		if r.Outside != unmapped && (r.Outside == seen || within && r.hasOutside(seen)) {
			return r.Inside + (seen - r.Outside), Mapped, ""
		}
	}
	if !within {
		return 0, Unknown, outOfSight
	}
	return 0, Unmapped, ""
}

// isWithin reports whether ns is within the observer's user namespace, so
// that each range of its map is one range of the observer's ids too. Of any
// other the kernel translates the first id of a range only.
func (x *Index) isWithin(kind IDKind, ns ID) bool {
	own, _ := x.ranges(kind, x.Own(User))
	whole := len(own) == 1 && own[0] == IDRange{Inside: 0, Outside: 0, Count: math.MaxUint32}
	return whole || slices.Contains(x.Ancestors(ns), x.Own(User))
}

// isOwnParent reports whether ns is the parent of the observer's user
// namespace. What its map says is of no use; the observer's own map leads
// there, see IDMap.
func (x *Index) isOwnParent(ns ID) bool {
	own := x.Namespace(x.Own(User))
	return own != nil && !ns.IsZero() && own.Parent == ns
}

func (x *Index) fromParent(kind IDKind, id uint32) (uint32, MapState, string) {
	ranges, reason := x.ranges(kind, x.Own(User))
	for _, r := range ranges {
		if r.hasOutside(id) {
			return r.Inside + (id - r.Outside), Mapped, ""
		}
	}
	return 0, Unknown, cmp.Or(reason, outOfSight)
}

func (x *Index) toParent(kind IDKind, seen uint32) (uint32, MapState, string) {
	ranges, reason := x.ranges(kind, x.Own(User))
	for _, r := range ranges {
		if r.hasInside(seen) && r.Outside != unmapped {
			return r.Outside + (seen - r.Inside), Mapped, ""
		}
	}
	return 0, Unknown, cmp.Or(reason, outOfSight)
}

func (r IDRange) hasInside(id uint32) bool { return id >= r.Inside && id-r.Inside < r.Count }

func (r IDRange) hasOutside(id uint32) bool {
	return r.Outside != unmapped && id >= r.Outside && id-r.Outside < r.Count
}
