package inspect

import (
	"fmt"
	"slices"
)

func (f *differ) namespaces() {
	merge(f.a.s.Namespaces, f.b.s.Namespaces, compareNamespaces, func(m, n *Namespace) {
		if m != nil && n != nil && m.Type == n.Type && (m.Serial == 0 || n.Serial == 0 || m.Serial == n.Serial) {
			f.sameNamespace(m, n)
			return
		}
		if m != nil && f.isSure(f.a, f.b, m) {
			f.d.Namespaces = append(f.d.Namespaces, NamespaceChange{Change: Went, ID: m.ID, Type: m.Type, Left: f.a.Members(m.ID)})
		}
		if n != nil && f.isSure(f.b, f.a, n) {
			f.d.Namespaces = append(f.d.Namespaces, NamespaceChange{Change: Appeared, ID: n.ID, Type: n.Type, Joined: f.b.Members(n.ID)})
		}
	})
	if f.unsure > 0 {
		f.caution("%d namespaces that only one of the two has are left out: the other may just not have seen them", f.unsure)
	}
}

// factsFinding are the facts that bring in namespaces without a process.
const factsFinding = FactOwners | FactNames | FactFDs | FactSockets | FactBinds | FactMounts | FactInFlight | FactCensus

// isSure reports whether a namespace of x that y does not have would be in y
// if it existed then. It would not when y did not look for such ones, or could
// not read the link of a process that is in it.
func (f *differ) isSure(x, y *Index, n *Namespace) bool {
	sure := true
	members := x.Members(n.ID)
	if len(members) == 0 {
		inX, _ := x.s.Scope.Set()
		sure = y.s.Scope.Has(inX & factsFinding)
	}
	for _, pid := range members {
		q := sameProcess(y, x.Process(pid))
		if !f.threads && x.Process(pid).NS.Of(n.Type) != n.ID || f.pids && q != nil && isUnread(q, n.Type) {
			sure = false
		}
	}
	if !sure {
		f.unsure++
	}
	return sure
}

func (f *differ) sameNamespace(m, n *Namespace) {
	c := NamespaceChange{Change: Changed, ID: n.ID, Type: n.Type, Fields: contents(m, n)}
	if f.pids {
		c.Left, c.Joined = f.notIn(f.a, f.b, n), f.notIn(f.b, f.a, n)
	}
	if c.Left != nil || c.Joined != nil || c.Fields != nil {
		f.d.Namespaces = append(f.d.Namespaces, c)
	}
}

// notIn returns the members that a namespace has in x and not in y. A process
// whose link could not be read in y may still be one.
func (f *differ) notIn(x, y *Index, n *Namespace) []int {
	var pids []int
	others := y.Members(n.ID)
	for _, pid := range x.Members(n.ID) {
		p := x.Process(pid)
		q := sameProcess(y, p)
		_, is := slices.BinarySearch(others, pid)
		switch {
		case pid == x.s.Host.Observer.PID:
		case !f.threads && p.NS.Of(n.Type) != n.ID: // by a thread
		case q == nil, !is && !isUnread(q, n.Type):
			pids = append(pids, pid)
		}
	}
	return pids
}

// isUnread reports whether it is not known in which namespace p is. A zombie
// is in none.
func isUnread(p *Process, t Type) bool {
	return p.NS[t.Link()].IsZero() && (p.Info == nil || p.Info.State != "Z")
}

// contents compares what namespaces hold, as far as both were looked at.
func contents(m, n *Namespace) []FieldChange {
	var fields []FieldChange
	field := func(name string, from, to any) {
		if a, b := fmt.Sprint(from), fmt.Sprint(to); a != b {
			fields = append(fields, FieldChange{name, a, b})
		}
	}
	if m.UTS != nil && n.UTS != nil {
		field("hostname", m.UTS.Hostname, n.UTS.Hostname)
		field("domainname", m.UTS.Domainname, n.UTS.Domainname)
	}
	if m.TimeOffsets != nil && n.TimeOffsets != nil {
		field("monotonic", m.TimeOffsets.Monotonic, n.TimeOffsets.Monotonic)
		field("boottime", m.TimeOffsets.Boottime, n.TimeOffsets.Boottime)
	}
	if m.IDMap != nil && n.IDMap != nil {
		field("uid_map", m.IDMap.UID, n.IDMap.UID)
		field("gid_map", m.IDMap.GID, n.IDMap.GID)
		field("setgroups", m.IDMap.Setgroups, n.IDMap.Setgroups)
	}
	return fields
}
