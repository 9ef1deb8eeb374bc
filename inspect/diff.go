package inspect

import (
	"fmt"
	"slices"
)

// Diff says what is different in b, compared to a.
//
// A namespace is the same when it has the same id and type, and the same
// serial where both have one: inodes are used again. A process is the same
// when it has the same pid, and the same start time where both have one. What
// one of the two was not asked for, or could not read, is no difference, nor
// are the processes that took them.
func Diff(a, b *Snapshot) Delta {
	f := differ{a: NewIndex(a), b: NewIndex(b)}
	f.d = Delta{Namespaces: []NamespaceChange{}, Processes: []ProcessChange{}, Containers: []ContainerChange{}}
	comparable := f.circumstances()
	if f.scopeOfContainers() {
		f.containers()
	}
	if comparable && f.both(FactTasks) {
		f.threads = f.both(FactThreads)
		f.processes()
		f.namespaces()
	}
	return f.d
}

type differ struct {
	a, b    *Index
	d       Delta
	threads bool // they were looked at in both
	pids    bool // they mean the same in both
	unsure  int  // namespaces that may only be out of sight
}

// both reports whether a fact was looked at for both snapshots; a caution
// says so where it was for one alone.
func (f *differ) both(fact Facts) bool {
	inA, inB := f.a.s.Scope.Has(fact), f.b.s.Scope.Has(fact)
	if inA != inB {
		f.caution("%s were looked at for only one of the two", fact.Names()[0])
	}
	return inA && inB
}

// scopeOfContainers reports whether the containers of both were found in the
// same way: by asking engines, or by the cgroups of processes.
func (f *differ) scopeOfContainers() bool {
	if f.a.s.Scope.Has(FactContainers) || f.b.s.Scope.Has(FactContainers) {
		return f.both(FactContainers)
	}
	return f.a.s.Scope.Has(FactProcesses) && f.b.s.Scope.Has(FactProcesses)
}

func (f *differ) caution(format string, args ...any) {
	f.d.Cautions = append(f.d.Cautions, fmt.Sprintf(format, args...))
}

// circumstances compares how the snapshots were taken, and reports whether
// namespaces can be compared.
func (f *differ) circumstances() bool {
	a, b := &f.a.s.Host, &f.b.s.Host
	if a.BootID != "" && b.BootID != "" {
		same := a.BootID == b.BootID
		f.d.SameBoot = &same
		if !same {
			f.caution("they are of different hosts, or the host was booted in between: pids and inodes are not comparable")
			return false
		}
	} else if a.Hostname != b.Hostname {
		f.caution("they may be of different hosts: the hostnames differ and the boots are not known")
	}
	if b.Taken.Before(a.Taken) {
		f.caution("the second was taken before the first")
	}
	oa, ob := &a.Observer, &b.Observer
	if oa.EUID != ob.EUID || oa.Caps != ob.Caps {
		f.caution("they were taken by different users (uid %d, uid %d), who see different things", oa.EUID, ob.EUID)
	}
	f.pids = oa.NS.Of(PID) == ob.NS.Of(PID)
	if !f.pids {
		f.caution("they were taken from different pid namespaces: pids are not comparable")
	}
	if !slices.Equal(f.a.s.Scope.Focus, f.b.s.Scope.Focus) {
		f.caution("they were narrowed to different processes")
	}
	return true
}

// sameProcess returns the process of x that p is too, nil when it has gone.
func sameProcess(x *Index, p *Process) *Process {
	q := x.Process(p.PID)
	if q == nil || p.Info != nil && q.Info != nil && p.Info.Start != q.Info.Start {
		return nil
	}
	return q
}

func (f *differ) processes() {
	if !f.pids {
		return
	}
	merge(f.a.s.Processes, f.b.s.Processes, compareProcesses, func(p, q *Process) {
		if p != nil && p.PID == f.a.s.Host.Observer.PID {
			p = nil
		}
		if q != nil && q.PID == f.b.s.Host.Observer.PID {
			q = nil
		}
		if p != nil && q != nil && sameProcess(f.b, p) != nil {
			if fields := movedLinks(&p.NS, &q.NS); fields != nil {
				f.d.Processes = append(f.d.Processes, processChange(Changed, q, fields))
			}
			return
		}
		if p != nil {
			f.d.Processes = append(f.d.Processes, processChange(Went, p, nil))
		}
		if q != nil {
			f.d.Processes = append(f.d.Processes, processChange(Appeared, q, nil))
		}
	})
}

func processChange(kind ChangeKind, p *Process, fields []FieldChange) ProcessChange {
	c := ProcessChange{Change: kind, PID: p.PID, Fields: fields}
	if p.Info != nil {
		c.Comm, c.Container = p.Info.Comm, p.Info.Container
	}
	return c
}

// movedLinks returns the links that are known in both and differ.
func movedLinks(a, b *Links) []FieldChange {
	var fields []FieldChange
	for i := range a {
		if !a[i].IsZero() && !b[i].IsZero() && a[i] != b[i] {
			fields = append(fields, FieldChange{Link(i).String(), a[i].String(), b[i].String()})
		}
	}
	return fields
}

func (f *differ) containers() {
	merge(f.a.s.Containers, f.b.s.Containers, compareContainerIDs, func(m, n *Container) {
		c := ContainerChange{Change: Changed}
		switch {
		case n == nil:
			c.Change, n = Went, m
		case m == nil:
			c.Change = Appeared
		default:
			for _, s := range [][3]string{{"name", m.Name, n.Name}, {"state", m.State, n.State}, {"image", m.Image, n.Image}} {
				if s[1] != s[2] && s[1] != "" && s[2] != "" {
					c.Fields = append(c.Fields, FieldChange{s[0], s[1], s[2]})
				}
			}
			if m.PID != n.PID {
				c.Fields = append(c.Fields, FieldChange{"pid", fmt.Sprint(m.PID), fmt.Sprint(n.PID)})
			}
			if c.Fields == nil {
				return
			}
		}
		c.ID, c.Name = n.ID, n.DisplayName()
		f.d.Containers = append(f.d.Containers, c)
	})
}

// merge walks two sorted lists side by side; nil stands for what the other
// list alone has.
func merge[T any](a, b []T, compare func(a, b *T) int, visit func(a, b *T)) {
	for len(a) > 0 || len(b) > 0 {
		switch {
		case len(b) == 0 || len(a) > 0 && compare(&a[0], &b[0]) < 0:
			visit(&a[0], nil)
			a = a[1:]
		case len(a) == 0 || compare(&a[0], &b[0]) > 0:
			visit(nil, &b[0])
			b = b[1:]
		default:
			visit(&a[0], &b[0])
			a, b = a[1:], b[1:]
		}
	}
}
