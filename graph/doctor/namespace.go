package doctor

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"nsinspect/inspect"
)

func namespaceChecks() []Check {
	return []Check{
		{
			ID: "namespace-limit", Title: "a limit on the number of namespaces is nearly used up", Severity: Warning,
			About: "The kernel counts the namespaces of each user against /proc/sys/user/max_*_namespaces; at the limit no container starts, with the error ENOSPC. " +
				fmt.Sprintf("All namespaces of a kind in sight together are compared with the limit, from %d percent on: one user has at most these. A limit of 0 is a choice.", nearly),
			Reference: "namespaces(7), /proc/sys/user", Needs: inspect.FactLimits | inspect.FactOwners, run: namespaceLimit,
		},
		{
			ID: "host-namespace", Title: "containers share a namespace with the host", Severity: Note,
			About:     "A container in the host's pid, network or IPC namespace sees the host's processes, interfaces or shared memory. Nothing is broken; know it before you trust its isolation. That containers share the host's user namespace is usual and told in one line, where a container has all capabilities there.",
			Reference: "nsinspect diff self CONTAINER", Needs: inspect.FactLeads, run: hostNamespace,
		},
		{
			ID: "idmap-overlap", Title: "user namespaces of different owners share ids of the host", Severity: Warning,
			About:     "A process of one can then read and signal what belongs to the other. Ranges of /etc/subuid must not meet. User namespaces of one owner, those within each other, and maps of single ids are not reported.",
			Reference: "subuid(5), user_namespaces(7)", Needs: inspect.FactIDMaps | inspect.FactOwners, run: idmapOverlap,
		},
		{
			ID: "zombie-init", Title: "the first process of a pid namespace is a zombie", Severity: Warning,
			About:     "It has ended and its parent has not waited for it, so that the container neither runs nor goes away. Its parent, mostly a shim of the engine that hangs, is named.",
			Reference: "pid_namespaces(7)", Needs: inspect.FactProcesses, run: zombieInit,
		},
	}
}

func namespaceLimit(e *exam) {
	s := e.x.Snapshot()
	used := map[inspect.Type]int{}
	for i := range s.Namespaces {
		used[s.Namespaces[i].Type]++
	}
	for _, t := range inspect.Types {
		name := "max_" + t.String() + "_namespaces"
		limit := s.Host.Limits[name]
		if limit <= 0 || limit > math.MaxInt32 || used[t]*100 < int(limit)*nearly {
			continue
		}
		e.find(Finding{
			Object: t.String() + " namespaces", Namespaces: inodeOf(e.x, inspect.User),
			Cause: fmt.Sprintf("%d of at most %d are in use: at the limit no container starts, and the error says \"no space left on device\"", used[t], limit),
			Evidence: []Evidence{
				fact("sysctl user."+name, fmt.Sprintf("user.%s is %d", name, limit)),
				fact("nsinspect ls -t "+t.String(), fmt.Sprintf("%d in sight", used[t])),
			},
			Fix: &Fix{"raise the limit, then look for leaks: nsinspect why --leaked", fmt.Sprintf("sysctl -w user.%s=%d", name, 2*limit)},
		})
	}
}

func hostNamespace(e *exam) {
	for _, t := range []inspect.Type{inspect.PID, inspect.Net, inspect.IPC, inspect.User} {
		own := e.x.Own(t)
		if own.IsZero() {
			continue
		}
		var names []string
		var ids []uint64
		list := e.x.Snapshot().Containers
		for i := range list {
			p := e.x.Process(list[i].PID)
			if p == nil || p.NS.Of(t) != own || t == inspect.User && !almighty(p) {
				continue
			}
			names = append(names, list[i].DisplayName())
			ids = append(ids, own.Ino, p.NS.Of(inspect.Mnt).Ino)
		}
		if len(names) == 0 {
			continue
		}
		slices.Sort(names)
		n := len(names)
		if n > 6 {
			names = append(names[:5], fmt.Sprintf("%d more", n-5))
		}
		f := Finding{
			Object: "the host's " + t.String() + " namespace", Namespaces: ids,
			Cause:    either(n, "a container is", "these containers are") + " in it: " + strings.Join(names, ", "),
			Evidence: []Evidence{fact("nsinspect ls -t "+t.String(), fmt.Sprintf("%d %s in %s:[%d]", n, either(n, "container", "containers"), t, own.Ino))},
		}
		if t == inspect.User {
			f.Cause = either(n, "a container has", "these containers have") + " all capabilities in it: " + strings.Join(names, ", ")
		}
		e.find(f)
	}
}

// almighty reports whether a process has the capability sys_admin, which only
// privileged containers have.
func almighty(p *inspect.Process) bool {
	const sysAdmin = 21
	return p.Info != nil && p.Info.Caps != nil && p.Info.Caps.Effective&(1<<sysAdmin) != 0
}

func idmapOverlap(e *exam) {
	var all []*inspect.Namespace
	s := e.x.Snapshot()
	for i := range s.Namespaces {
		if n := &s.Namespaces[i]; n.Type == inspect.User && n.IDMap != nil && n.OwnerUID != nil && !e.x.IsOwn(n.ID) {
			all = append(all, n)
		}
	}
	told := map[[2]uint32]bool{}
	for i, a := range all {
		for _, b := range all[:i] {
			pair := [2]uint32{min(*a.OwnerUID, *b.OwnerUID), max(*a.OwnerUID, *b.OwnerUID)}
			if *a.OwnerUID == *b.OwnerUID || told[pair] || e.nested(a.ID, b.ID) {
				continue
			}
			if first, count := overlap(a.IDMap.UID, b.IDMap.UID); count > 0 {
				told[pair] = true
				e.overlaps(a, b, first, count)
			}
		}
	}
}

func (w *world) nested(a, b inspect.ID) bool {
	return slices.Contains(w.x.Ancestors(a), b) || slices.Contains(w.x.Ancestors(b), a)
}

// overlap returns the ids of the host that two maps have in common, as far as
// both give a range of them.
func overlap(a, b []inspect.IDRange) (first, count uint32) {
	for _, p := range a {
		for _, q := range b {
			if p.Count < 2 || q.Count < 2 || p.Outside == math.MaxUint32 || q.Outside == math.MaxUint32 {
				continue
			}
			from := max(uint64(p.Outside), uint64(q.Outside))
			to := min(uint64(p.Outside)+uint64(p.Count), uint64(q.Outside)+uint64(q.Count))
			if from < to {
				return uint32(from), uint32(min(to-from, math.MaxUint32))
			}
		}
	}
	return 0, 0
}

func (e *exam) overlaps(a, b *inspect.Namespace, first, count uint32) {
	f := Finding{
		Object: fmt.Sprintf("user:[%d] and user:[%d]", b.ID.Ino, a.ID.Ino), Namespaces: []uint64{a.ID.Ino, b.ID.Ino},
		Cause: fmt.Sprintf("they belong to %s and %s, and both map the host's ids %d to %d", e.user(*b.OwnerUID), e.user(*a.OwnerUID), first, first+count-1),
		Fix:   &Fix{Text: "give them ranges in /etc/subuid and /etc/subgid that do not meet, and recreate one of the two"},
	}
	for _, n := range []*inspect.Namespace{b, a} {
		f.Evidence = append(f.Evidence, fact(fmt.Sprintf("nsinspect show user:[%d]", n.ID.Ino), fmt.Sprintf("user:[%d] is of %s", n.ID.Ino, e.user(*n.OwnerUID))))
	}
	for i := range f.Evidence {
		f.Evidence[i].Command = strings.NewReplacer("[", "", "]", "").Replace(f.Evidence[i].Command)
	}
	e.find(f)
}

// user names a user of the host.
func (w *world) user(uid uint32) string {
	if name, ok := w.x.Snapshot().Host.Users[uid]; ok {
		return name
	}
	return fmt.Sprintf("uid %d", uid)
}

func zombieInit(e *exam) {
	s := e.x.Snapshot()
	for i := range s.Processes {
		p := &s.Processes[i]
		if p.Info == nil || p.Info.State != "Z" || len(p.Info.NSpid) < 2 || p.Info.NSpid[len(p.Info.NSpid)-1] != 1 {
			continue
		}
		parent := fmt.Sprintf("pid %d", p.Info.PPID)
		if q := e.x.Process(p.Info.PPID); q != nil && q.Info != nil {
			parent = fmt.Sprintf("%s (pid %d)", q.Info.Comm, q.PID)
		}
		f := Finding{
			Object: fmt.Sprintf("process %d (%s)", p.PID, p.Info.Comm), Namespaces: inodeOf(e.x, inspect.PID),
			Cause:    fmt.Sprintf("it was the first of its pid namespace and has ended; its parent %s has not waited for it", parent),
			Evidence: []Evidence{fact(fmt.Sprintf("ps -o pid,ppid,stat,etime,comm -p %d", p.PID), "state Z, pid 1 in its own pid namespace")},
			Fix:      &Fix{Text: "end or restart " + parent + ": whoever inherits the zombie waits for it"},
		}
		if c := e.x.ContainerOf(p.PID); c != nil {
			f.Object = "container " + c.DisplayName()
		}
		e.find(f)
	}
}
