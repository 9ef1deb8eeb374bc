package enter

import (
	"errors"
	"fmt"

	"nsinspect/inspect"
)

// newUser plans the new user namespace.
func (p *Plan) newUser() error {
	r, f := p.request, p.facts
	if r.Map.ranges() {
		s, err := p.rangeMaps()
		if err != nil {
			return err
		}
		p.add(s)
		return nil
	}
	uid, gid := f.Self.UID, f.Self.GID
	if p.Join.Has(inspect.User) && !r.PreserveCredentials {
		// The ids to map are those of the joined user namespace.
		p.add(p.joinedIDs())
		uid, gid = 0, 0
	}
	s := newUserStep{uid: inspect.IDRange{Outside: uid, Count: 1}, gid: inspect.IDRange{Outside: gid, Count: 1}}
	if r.Map.Current {
		s.uid.Inside, s.gid.Inside = uid, gid
	}
	p.add(s)
	return nil
}

// rangeMaps is a user namespace with ranges: those of the request, or root for
// the caller and its subordinate ids for the rest.
func (p *Plan) rangeMaps() (newUserStep, error) {
	r, f := p.request, p.facts
	s := newUserStep{ranges: true, uids: r.Map.Users, gids: r.Map.Groups}
	if r.Map.Auto {
		s.uids, s.gids = autoMap(f.Self.UID, f.SubUID), autoMap(f.Self.GID, f.SubGID)
	}
	if s.uids == nil {
		s.uids = s.gids
	}
	if s.gids == nil {
		s.gids = s.uids
	}
	s.privileged = f.Self.can(capSetUID) && f.Self.can(capSetGID)
	for _, m := range [][]inspect.IDRange{s.uids, s.gids} {
		if err := checkMap(m); err != nil {
			return s, err
		}
	}
	return s, nil
}

func autoMap(own uint32, sub []inspect.IDRange) []inspect.IDRange {
	m := []inspect.IDRange{{Inside: 0, Outside: own, Count: 1}}
	next := uint32(1)
	for _, r := range sub {
		m = append(m, inspect.IDRange{Inside: next, Outside: r.Outside, Count: r.Count})
		next += r.Count
	}
	return m
}

// checkMap refuses what the kernel would with EINVAL: see "Defining user and
// group ID mappings" in user_namespaces(7).
func checkMap(m []inspect.IDRange) error {
	const most = 340
	if len(m) > most {
		return fmt.Errorf("a map of ids has %d ranges, the kernel takes %d", len(m), most)
	}
	for i, a := range m {
		if a.Count == 0 || uint64(a.Inside)+uint64(a.Count) > 1<<32-1 || uint64(a.Outside)+uint64(a.Count) > 1<<32-1 {
			return fmt.Errorf("range %s of ids is empty or too long", mapWords(m[i:i+1]))
		}
		for _, b := range m[:i] {
			if overlap(a.Inside, b.Inside, a.Count, b.Count) || overlap(a.Outside, b.Outside, a.Count, b.Count) {
				return fmt.Errorf("ranges %s and %s of ids overlap", mapWords([]inspect.IDRange{b}), mapWords([]inspect.IDRange{a}))
			}
		}
	}
	return nil
}

func overlap(a, b, na, nb uint32) bool {
	return uint64(a) < uint64(b)+uint64(nb) && uint64(b) < uint64(a)+uint64(na)
}

// Numbers of capabilities(7).
const (
	capSetGID     = 6
	capSetUID     = 7
	capSysPtraceN = 19
	capSysAdminN  = 21
)

func (s *Subject) can(capability int) bool { return s.Caps.Effective&(1<<capability) != 0 }

// ids plans which ids the command has.
func (p *Plan) ids() {
	s := p.defaultIDs()
	p.explicitIDs(&s)
	if s.uid != nil || s.gid != nil {
		p.add(s)
	}
}

// defaultIDs are those of root in the user namespace that the command is in,
// where that is another than ours.
func (p *Plan) defaultIDs() idsStep {
	r := p.request
	switch {
	case r.PreserveCredentials:
		return idsStep{}
	case p.New.Has(inspect.User) && r.Map.ranges():
		s, _ := p.rangeMaps()
		ids := rootIDs(s.uids, s.gids, true)
		ids.mayKeep = !s.privileged
		return ids
	case p.New.Has(inspect.User):
		return idsStep{} // the one id that it has is ours
	case p.Join.Has(inspect.User):
		return p.joinedIDs()
	}
	return idsStep{}
}

// joinedIDs are root's in the joined user namespace, as far as it has one.
// What maps it has is not known when it came from a file.
func (p *Plan) joinedIDs() idsStep {
	t := p.facts.Target
	if t == nil || t.UIDMap == nil || p.request.fromFile(inspect.User) {
		s := rootIDs([]inspect.IDRange{{Count: 1}}, []inspect.IDRange{{Count: 1}}, false)
		s.lenient = true
		return s
	}
	return rootIDs(t.UIDMap, t.GIDMap, t.Setgroups == "allow")
}

// losesGroups reports whether the supplementary groups must be dropped before
// the user namespace is joined, since they cannot be in it.
func (p *Plan) losesGroups() bool {
	return p.Join.Has(inspect.User) && !p.request.PreserveCredentials && !p.joinedIDs().setgroups && p.facts.Self.can(capSetGID)
}

func rootIDs(uids, gids []inspect.IDRange, setgroups bool) idsStep {
	s, zero := idsStep{}, uint32(0)
	if maps(uids, 0) {
		s.uid = &zero
	}
	if maps(gids, 0) {
		s.gid, s.setgroups = &zero, setgroups
	}
	return s
}

// explicitIDs takes over --setuid and --setgid.
func (p *Plan) explicitIDs(s *idsStep) {
	r, t := p.request, p.facts.Target
	if r.SetUID == nil && r.SetGID == nil {
		return
	}
	s.lenient, s.asked = false, true
	if r.SetUID != nil {
		id := r.SetUID.ID
		if r.SetUID.Follow {
			id = p.follow(t.UID, t.UIDMap)
		}
		s.uid = &id
	}
	if r.SetGID != nil {
		id := r.SetGID.ID
		if r.SetGID.Follow {
			id = p.follow(t.GID, t.GIDMap)
		}
		s.gid = &id
	}
	if !p.Join.Has(inspect.User) && !p.New.Has(inspect.User) {
		s.setgroups = p.facts.Self.can(capSetGID)
	}
}

// follow is an id of the target as it is in the user namespace of the command.
func (p *Plan) follow(id uint32, m []inspect.IDRange) uint32 {
	if in, ok := inside(m, id); ok && p.Join.Has(inspect.User) {
		return in
	}
	return id
}

// checkFollow refuses to follow a target that there is not.
func (p *Plan) checkFollow() error {
	r := p.request
	follows := r.SetUID != nil && r.SetUID.Follow || r.SetGID != nil && r.SetGID.Follow
	if follows && p.facts.Target == nil {
		return &HintError{errors.New("there is no target whose ids can be followed"), "--setuid N"}
	}
	return nil
}
