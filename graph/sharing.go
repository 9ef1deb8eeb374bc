package graph

import (
	"cmp"
	"slices"

	"nsinspect/inspect"
)

// namedProcesses is how many processes outside of containers a [Sharing]
// names.
const namedProcesses = 5

// Sharing says who is in a namespace.
type Sharing struct {
	// Same is the number of processes of the same container as the subject,
	// without the subject itself.
	Same int `json:"same_container"`
	// Containers are the other containers with processes in it, by name.
	Containers []SharingContainer `json:"containers"`
	// Others is the number of processes in no container, without the subject.
	Others int `json:"others"`
	// Processes are the first of Others, by pid.
	Processes []Lead `json:"processes"`
	// Unknown is the number of processes that were not looked at closely
	// enough to say.
	Unknown int `json:"unknown"`
}

// SharingContainer is a container with processes in a namespace.
type SharingContainer struct {
	ContainerName
	NProcs int `json:"nprocs"`
}

// Alone reports whether nobody but the subject, or its container, is in the
// namespace.
func (s *Sharing) Alone() bool { return len(s.Containers) == 0 && s.Others == 0 && s.Unknown == 0 }

// sharing says who is in the namespace id as seen from the process subject,
// or from outside with 0.
func sharing(x *inspect.Index, id inspect.ID, subject int) *Sharing {
	s := &Sharing{Containers: []SharingContainer{}, Processes: []Lead{}}
	own := ""
	if c := x.ContainerOf(subject); c != nil {
		own = c.ID
	}
	members := x.Members(id)
	groups := containersByLinks(x, members)
	counts := map[string]int{}
	for _, pid := range members {
		if pid == subject {
			continue
		}
		p := x.Process(pid)
		in, ok := groups[p.NS]
		if p.Info != nil {
			in, ok = p.Info.Container, true
		}
		switch {
		case !ok:
			s.Unknown++
		case in == "":
			s.Others++
			if len(s.Processes) < namedProcesses {
				s.Processes = append(s.Processes, *leadOf(x, p))
			}
		case in == own:
			s.Same++
		default:
			counts[in]++
		}
	}
	s.name(x, counts)
	return s
}

func (s *Sharing) name(x *inspect.Index, counts map[string]int) {
	for id, n := range counts {
		name := ContainerName{ID: id, Name: id[:min(len(id), 12)], Engine: "unknown"}
		if c := x.Container(id); c != nil {
			name = nameOf(c)
		}
		s.Containers = append(s.Containers, SharingContainer{name, n})
	}
	slices.SortFunc(s.Containers, func(a, b SharingContainer) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
}

// containersByLinks returns in which container ("" for none) the processes
// with the same ten links are, as far as one of each was looked at: a
// container has at least a mount namespace of its own.
func containersByLinks(x *inspect.Index, pids []int) map[inspect.Links]string {
	m := map[inspect.Links]string{}
	for _, pid := range pids {
		if p := x.Process(pid); p.Info != nil && !p.NS.IsZero() {
			if _, ok := m[p.NS]; !ok {
				m[p.NS] = p.Info.Container
			}
		}
	}
	return m
}

// Membership is one namespace that a process is in, or that its next child
// will be in.
type Membership struct {
	Link string `json:"link"` // the name in /proc/PID/ns
	// NS is the inode; nil when the link could not be read.
	NS   *uint64      `json:"ns"`
	Dev  uint64       `json:"dev,omitempty"`
	Type inspect.Type `json:"type"`
	// Host says whether the observer is in it; nil when that is not known.
	Host *bool `json:"host"`
	// NProcs is the number of processes in it; nil when not looked at.
	NProcs *int `json:"nprocs"`
	// SharedWith is nil for the host's namespaces and for those not known.
	SharedWith *Sharing `json:"shared_with,omitempty"`
	Names      []string `json:"names,omitempty"` // as in Row
	// UTS and TimeOffsets are what a namespace of these kinds holds; nil for
	// other kinds or when not known.
	UTS         *inspect.UTSName     `json:"uts,omitempty"`
	TimeOffsets *inspect.TimeOffsets `json:"time_offsets,omitempty"`
}

// linksOf returns the links of the thread tid of p: the leader's for 0 and
// for a thread that is where the leader is. Where the leader's could not be
// read, being a zombie's, the first thread that has any stands for it.
func linksOf(p *inspect.Process, tid int) inspect.Links {
	if t := threadOf(p, tid); t != nil {
		return t.NS
	}
	return p.NS
}

// threadOf returns the thread whose links linksOf returns; nil for the leader.
func threadOf(p *inspect.Process, tid int) *inspect.Thread {
	for i := range p.Threads {
		if t := &p.Threads[i]; t.TID == tid || tid == 0 && p.NS.IsZero() {
			return t
		}
	}
	return nil
}

// Memberships returns the eight namespaces of links in the order of their
// names, and those for children where these are others; subject is the
// process whose links they are. A kind that the kernel does not have, or
// whose link could not be read, has no number.
func Memberships(x *inspect.Index, subject int, links inspect.Links) []Membership {
	var list []Membership
	for l, id := range links {
		l := inspect.Link(l)
		if !l.Member() && (id.IsZero() || id == links.Of(l.Type())) {
			continue
		}
		list = append(list, membership(x, l, id, subject))
	}
	return list
}

func membership(x *inspect.Index, l inspect.Link, id inspect.ID, subject int) Membership {
	m := Membership{Link: l.String(), NS: inodeOf(id), Dev: id.Dev, Type: l.Type(), Host: isHost(x, id, l.Type())}
	if id.IsZero() {
		return m
	}
	m.Names = x.Names(id)
	if x.Snapshot().Scope.Has(inspect.FactTasks) {
		m.NProcs = known(len(x.Members(id)))
		if m.Host == nil || !*m.Host {
			m.SharedWith = sharing(x, id, subject)
		}
	}
	if ns := x.Namespace(id); ns != nil {
		m.UTS, m.TimeOffsets = ns.UTS, ns.TimeOffsets
	}
	return m
}
