package inspect

import "slices"

// Settle puts a new snapshot in order, before anybody else has it: it sorts,
// and it takes out what contradicts itself. That happens because a capture is
// not atomic: when the last process leaves a namespace while we look, the
// kernel may give its inode to another, even of another kind, so that what was
// read earlier seems to refer to that. Each such reference is cleared, and a
// Problem counts them.
func (s *Snapshot) Settle() {
	s.sort()
	types := s.types()
	stale := 0
	s.eachID(func(id *ID, t Type) {
		if is, ok := types[*id]; ok && t != 0 && is != t {
			*id = ID{}
			stale++
		}
	})
	for _, up := range []func(*Namespace) *ID{parentOf, ownerOf} {
		for i := s.loop(up); i >= 0; i = s.loop(up) {
			*up(&s.Namespaces[i]) = ID{}
			stale++
		}
	}
	if stale == 0 {
		return
	}
	s.Mounts = slices.DeleteFunc(s.Mounts, func(m Mount) bool { return m.NS.IsZero() })
	s.Resolvers = slices.DeleteFunc(s.Resolvers, func(r Resolver) bool { return r.NS.IsZero() })
	s.Networks = slices.DeleteFunc(s.Networks, func(n Network) bool { return n.NS.IsZero() && n.Dark == 0 })
	s.sort()
	s.Problems = append(s.Problems, Problem{
		Op: "match namespaces", Err: "an inode went to another namespace meanwhile", Count: stale,
		Hint: "look again: processes came and went while they were read",
	})
}
