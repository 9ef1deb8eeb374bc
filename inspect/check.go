package inspect

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// maxPID is the highest number that a pid can have: pid_t is an int.
const maxPID = math.MaxInt32

// check returns what makes s a snapshot that no host can have had, or one
// that is not in order.
func (s *Snapshot) check() error {
	if err := checkFormat(s.Format); err != nil {
		return err
	}
	if !s.inOrder() {
		return errors.New("it is not sorted")
	}
	for _, check := range []func() error{
		s.checkHost, s.checkNamespaces, s.checkProcesses, s.checkContainers, s.checkRest, s.checkIDs, s.checkLoops,
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (s *Snapshot) checkHost() error {
	h := &s.Host
	if h.PIDMax < 0 || h.ClockTicks < 0 || h.Uptime < 0 || h.Observer.PID < 0 || h.Observer.PID > maxPID {
		return errors.New("host: a number is negative or too large")
	}
	if i := slices.IndexFunc(s.Scope.Focus, badPID); i >= 0 {
		return fmt.Errorf("scope: focus on pid %d", s.Scope.Focus[i])
	}
	return nil
}

func badPID(pid int) bool { return pid < 1 || pid > maxPID }

func (s *Snapshot) checkNamespaces() error {
	for i := range s.Namespaces {
		n := &s.Namespaces[i]
		switch {
		case n.ID.IsZero() || !n.Type.Valid():
			return fmt.Errorf("namespaces: %d of %d has no id or no type", i+1, len(s.Namespaces))
		case i > 0 && s.Namespaces[i-1].ID == n.ID:
			return fmt.Errorf("namespaces: %s occurs twice", n.ID)
		case !n.Parent.IsZero() && n.Type != PID && n.Type != User:
			return fmt.Errorf("namespaces: %s has a parent and is of type %s", n.ID, n.Type)
		}
		if n.IDMap == nil {
			continue
		}
		for _, r := range slices.Concat(n.IDMap.UID, n.IDMap.GID) {
			if err := r.check(); err != nil {
				return fmt.Errorf("namespaces: %s: %w", n.ID, err)
			}
		}
	}
	return nil
}

// check refuses what the kernel refuses when a map is written, see
// map_write in kernel/user_namespace.c. Outside can be any number: only the
// first id of the range was translated for the reader.
func (r IDRange) check() error {
	if r.Count == 0 || uint64(r.Inside)+uint64(r.Count) > math.MaxUint32 {
		return fmt.Errorf("id map %d %d %d is out of range", r.Inside, r.Outside, r.Count)
	}
	return nil
}

func (s *Snapshot) checkProcesses() error {
	for i := range s.Processes {
		p := &s.Processes[i]
		switch {
		case badPID(p.PID):
			return fmt.Errorf("processes: pid %d", p.PID)
		case i > 0 && s.Processes[i-1].PID == p.PID:
			return fmt.Errorf("processes: pid %d occurs twice", p.PID)
		}
		for j := range p.Threads {
			tid := p.Threads[j].TID
			if badPID(tid) || j > 0 && p.Threads[j-1].TID == tid {
				return fmt.Errorf("processes: pid %d: thread %d", p.PID, tid)
			}
		}
		if p.Info == nil {
			continue
		}
		if p.Info.PPID < 0 || p.Info.PPID > maxPID || p.Info.Threads < 0 || slices.ContainsFunc(p.Info.NSpid, badPID) {
			return fmt.Errorf("processes: pid %d: a number is negative or too large", p.PID)
		}
	}
	return nil
}

func (s *Snapshot) checkContainers() error {
	for i := range s.Containers {
		c := &s.Containers[i]
		switch {
		case c.ID == "":
			return errors.New("containers: one has no id")
		case c.PID < 0 || c.PID > maxPID:
			return fmt.Errorf("containers: %q has pid %d", c.ID, c.PID)
		case i > 0 && s.Containers[i-1].ID == c.ID:
			return fmt.Errorf("containers: %q occurs twice", c.ID)
		}
	}
	return nil
}

func (s *Snapshot) checkRest() error {
	for i := range s.Refs {
		if r := &s.Refs[i]; r.misplaced() || r.Kind == "" || r.PID < 0 || r.PID > maxPID || r.TID < 0 || r.FD < 0 {
			return fmt.Errorf("refs: %d of %d has no namespace, no kind or a negative number", i+1, len(s.Refs))
		}
	}
	for i := range s.Mounts {
		if s.Mounts[i].NS.IsZero() {
			return fmt.Errorf("mounts: %d of %d has no namespace", i+1, len(s.Mounts))
		}
	}
	for i := range s.Problems {
		if p := &s.Problems[i]; p.Count < 0 || p.Total < 0 || slices.ContainsFunc(p.PIDs, badPID) {
			return fmt.Errorf("problems: %d of %d has a negative number", i+1, len(s.Problems))
		}
	}
	for i := range s.EngineNetworks {
		n := &s.EngineNetworks[i]
		if n.ID == "" || i > 0 && s.EngineNetworks[i-1].ID == n.ID {
			return fmt.Errorf("engine networks: %d of %d has no id, or that of another", i+1, len(s.EngineNetworks))
		}
	}
	for i := range s.Resolvers {
		r := &s.Resolvers[i]
		if r.NS.IsZero() || i > 0 && s.Resolvers[i-1].NS == r.NS {
			return fmt.Errorf("resolvers: %d of %d has no namespace, or that of another", i+1, len(s.Resolvers))
		}
	}
	return s.checkNetworks()
}

func (s *Snapshot) checkNetworks() error {
	for i := range s.Networks {
		n := &s.Networks[i]
		switch {
		case n.NS.IsZero() != (n.Dark > 0):
			return fmt.Errorf("networks: %d of %d is neither of a namespace nor numbered", i+1, len(s.Networks))
		case i > 0 && compareNetworks(&s.Networks[i-1], n) == 0:
			return fmt.Errorf("networks: one of namespace %s, number %d occurs twice", n.NS, n.Dark)
		}
	}
	return nil
}

// checkIDs refuses ids of another host, and references of one kind to a
// namespace of another.
func (s *Snapshot) checkIDs() error {
	types := s.types()
	var err error
	s.eachID(func(id *ID, t Type) {
		if id.IsZero() || err != nil {
			return
		}
		if id.Dev != s.Host.NSDev {
			err = fmt.Errorf("namespace %s is not on device %d, as all of the host", *id, s.Host.NSDev)
		} else if is, ok := types[*id]; ok && t != 0 && is != t {
			err = fmt.Errorf("namespace %s is of type %s and is referred to as %s", *id, is, t)
		}
	})
	return err
}

// types returns the types of all namespaces.
func (s *Snapshot) types() map[ID]Type {
	types := make(map[ID]Type, len(s.Namespaces))
	for i := range s.Namespaces {
		types[s.Namespaces[i].ID] = s.Namespaces[i].Type
	}
	return types
}

// eachID calls visit for each namespace id in s with the type that its place
// asks for, 0 for any.
func (s *Snapshot) eachID(visit func(id *ID, t Type)) {
	links := func(l *Links) {
		for i := range l {
			visit(&l[i], Link(i).Type())
		}
	}
	links(&s.Host.Observer.NS)
	for i := range s.Namespaces {
		n := &s.Namespaces[i]
		visit(&n.ID, n.Type)
		visit(&n.Owner, User)
		visit(&n.Parent, n.Type)
	}
	var last *Links // most processes have the links of their neighbours
	for i := range s.Processes {
		p := &s.Processes[i]
		if last == nil || p.NS != *last {
			links(&p.NS)
		}
		last = &p.NS
		for j := range p.Threads {
			links(&p.Threads[j].NS)
		}
	}
	for i := range s.Refs {
		visit(&s.Refs[i].NS, 0)
		visit(&s.Refs[i].MountNS, Mnt)
	}
	for i := range s.Mounts {
		visit(&s.Mounts[i].NS, Mnt)
	}
	for i := range s.Resolvers {
		visit(&s.Resolvers[i].NS, Mnt)
	}
	s.eachNetworkID(func(id *ID) { visit(id, Net) })
}

func (s *Snapshot) eachNetworkID(visit func(id *ID)) {
	for i := range s.Networks {
		n := &s.Networks[i]
		visit(&n.NS)
		if n.Via != nil {
			visit(&n.Via.NS)
		}
		for j := range n.NSIDs {
			visit(&n.NSIDs[j].NS)
		}
	}
}

// checkLoops refuses namespaces that are their own ancestor or owner, and
// deeper nesting than the kernel's: a tree of a million levels is no tree that
// can be shown.
func (s *Snapshot) checkLoops() error {
	for _, up := range []func(*Namespace) *ID{parentOf, ownerOf} {
		if i := s.loop(up); i >= 0 {
			return fmt.Errorf("namespaces: %s is an ancestor or owner of itself", s.Namespaces[i].ID)
		}
		if i := s.tooDeep(up); i >= 0 {
			return fmt.Errorf("namespaces: %s is nested more than %d levels deep", s.Namespaces[i].ID, maxLevels)
		}
	}
	return nil
}

// maxLevels is twice of how deep user and pid namespaces can be nested, see
// user_namespaces(7) and pid_namespaces(7).
const maxLevels = 64

// tooDeep returns the index of a namespace with more than maxLevels above it,
// -1 when there is none.
func (s *Snapshot) tooDeep(up func(*Namespace) *ID) int {
	for start := range s.Namespaces {
		at := start
		for range maxLevels {
			if at = s.find(*up(&s.Namespaces[at])); at < 0 {
				break
			}
		}
		if at >= 0 {
			return start
		}
	}
	return -1
}

func parentOf(n *Namespace) *ID { return &n.Parent }
func ownerOf(n *Namespace) *ID  { return &n.Owner }

// loop returns the index of a namespace that up leads back to, -1 when there
// is none. Each namespace is looked at once.
func (s *Snapshot) loop(up func(*Namespace) *ID) int {
	walk := make([]int, len(s.Namespaces)) // the walk that passed here; 0: none yet
	for start := range s.Namespaces {
		for i := start; i >= 0; {
			if walk[i] == start+1 {
				return i
			}
			if walk[i] != 0 {
				break
			}
			walk[i] = start + 1
			i = s.find(*up(&s.Namespaces[i]))
		}
	}
	return -1
}

// find returns the index of a namespace, -1 when there is none.
func (s *Snapshot) find(id ID) int {
	i, ok := sort.Find(len(s.Namespaces), func(i int) int { return id.Compare(s.Namespaces[i].ID) })
	if !ok {
		return -1
	}
	return i
}
