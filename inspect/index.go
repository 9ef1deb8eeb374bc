package inspect

import (
	"cmp"
	"slices"
	"sort"
	"sync"
)

// Index answers questions about one [Snapshot]. It is made in linear time,
// builds what few questions need when the first of them is asked, and may be
// used by several goroutines at once. An id that the snapshot refers to but
// does not describe is no error anywhere: the answer is nil, zero or empty.
type Index struct {
	s *Snapshot

	membersOnce sync.Once
	members     memberTable

	familyOnce sync.Once
	family     family

	inOnce sync.Once
	in     []*Container // by position of the process; nil when in none
}

// NewIndex returns an index of s. s must not change while the index is used.
// Facts that are not in the order which [Snapshot] documents are indexed in a
// sorted copy.
func NewIndex(s *Snapshot) *Index {
	if !s.inOrder() {
		s = s.clone()
		s.sort()
	}
	return &Index{s: s}
}

// Snapshot returns the facts that are indexed.
func (x *Index) Snapshot() *Snapshot { return x.s }

// Namespace returns the namespace with this id, nil when there is none.
func (x *Index) Namespace(id ID) *Namespace {
	if i := x.s.find(id); i >= 0 {
		return &x.s.Namespaces[i]
	}
	return nil
}

// Process returns the process with this pid, nil when there is none.
func (x *Index) Process(pid int) *Process {
	if i, ok := x.position(pid); ok {
		return &x.s.Processes[i]
	}
	return nil
}

// position returns where a process is among the processes.
func (x *Index) position(pid int) (int, bool) {
	list := x.s.Processes
	return sort.Find(len(list), func(i int) int { return pid - list[i].PID })
}

// Container returns the container with exactly this id, nil when there is
// none.
func (x *Index) Container(id string) *Container {
	list := x.s.Containers
	if i, ok := sort.Find(len(list), func(i int) int { return cmp.Compare(id, list[i].ID) }); ok {
		return &list[i]
	}
	return nil
}

// ContainerOf returns the container whose cgroup the process is in; nil when
// it is in none or when its Info is not known.
func (x *Index) ContainerOf(pid int) *Container {
	if i, ok := x.position(pid); ok {
		return x.containerAt(i)
	}
	return nil
}

// containerAt returns the container of the i-th process.
func (x *Index) containerAt(i int) *Container {
	if p := &x.s.Processes[i]; p.Info == nil || p.Info.Container == "" {
		return nil
	}
	x.inOnce.Do(func() {
		x.in = make([]*Container, len(x.s.Processes))
		byID := make(map[string]*Container, len(x.s.Containers))
		for i := range x.s.Containers {
			byID[x.s.Containers[i].ID] = &x.s.Containers[i]
		}
		for i := range x.s.Processes {
			if p := &x.s.Processes[i]; p.Info != nil {
				x.in[i] = byID[p.Info.Container]
			}
		}
	})
	return x.in[i]
}

// ContainersOf returns the containers that a namespace belongs to. It has
// none when its lead is in no container, as the host's namespaces that a
// container shares, nor when it is also that of an observer in no container:
// who may not look at the host's processes has another lead for its
// namespaces. Otherwise the lead's container comes first and the others with a
// process in it follow by name.
func (x *Index) ContainersOf(id ID) []*Container {
	lead := x.Lead(id)
	if lead == nil {
		return nil
	}
	first := x.ContainerOf(lead.PID)
	if first == nil {
		return nil
	}
	if x.IsOwn(id) && x.observerIsOutside() {
		return nil
	}
	found := []*Container{first}
	var seen map[*Container]bool // most namespaces have one container
	for _, i := range x.positions(id) {
		c := x.containerAt(int(i))
		if c == nil || c == first || seen[c] {
			continue
		}
		if seen == nil {
			seen = map[*Container]bool{}
		}
		seen[c] = true
		found = append(found, c)
	}
	slices.SortFunc(found[1:], compareContainers)
	return found
}

// observerIsOutside reports whether the observer is known to be in no
// container.
func (x *Index) observerIsOutside() bool {
	p := x.Process(x.s.Host.Observer.PID)
	return p != nil && p.Info != nil && p.Info.Container == ""
}

// compareContainers orders by display name, then by id.
func compareContainers(a, b *Container) int {
	return cmp.Or(cmp.Compare(a.DisplayName(), b.DisplayName()), cmp.Compare(a.ID, b.ID))
}

// Own returns the observer's namespace of kind t, zero when unknown.
func (x *Index) Own(t Type) ID { return x.s.Host.Observer.NS.Of(t) }

// IsOwn reports whether the observer is in the namespace.
func (x *Index) IsOwn(id ID) bool {
	if id.IsZero() {
		return false
	}
	for _, t := range Types {
		if x.Own(t) == id {
			return true
		}
	}
	return false
}
