package graph

import (
	"time"

	"nsinspect/inspect"
)

// Leaks are the namespaces that no process is in.
type Leaks struct {
	Namespaces []Leak `json:"namespaces"`
	// Stale are names without a namespace.
	Stale    []StaleName       `json:"stale"`
	Census   *inspect.Census   `json:"census,omitempty"`
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}

// Leak is a namespace that no process is in, nor in one that it owns or that
// is below it.
type Leak struct {
	Why
	// AtMost is for how many seconds it can have been held by processes: since
	// the first that holds it began. Nil when no process does, or when its
	// start is not known.
	AtMost *int64 `json:"held_at_most"`
}

// StaleName is a file among the names of namespaces on which none is mounted.
type StaleName struct {
	Name string `json:"name"`
	Path string `json:"path"`
	Remedy
}

// LeaksOf returns the namespaces that no process is in. Those above one with a
// process are left out: they are held by that.
func LeaksOf(x *inspect.Index) *Leaks {
	l := &Leaks{Namespaces: []Leak{}, Stale: []StaleName{}, Census: x.Snapshot().Census, Problems: problems(x), Format: inspect.Format}
	s := x.Snapshot()
	waited := awaited(s)
	living := map[inspect.ID]bool{}
	for i := range s.Namespaces {
		n := &s.Namespaces[i]
		if len(x.Members(n.ID)) > 0 || waited[n.ID] || x.IsOwn(n.ID) {
			markLiving(x, n.ID, living)
		}
	}
	for i := range s.Namespaces {
		if n := &s.Namespaces[i]; !living[n.ID] {
			why := WhyOf(x, n)
			l.Namespaces = append(l.Namespaces, Leak{Why: why, AtMost: heldAtMost(x, &why)})
		}
	}
	for _, r := range x.RefsOf(inspect.ID{}) {
		if r.Kind == inspect.RefStale {
			l.Stale = append(l.Stale, StaleName{r.Name, r.Path, Remedy{"remove the file", "rm " + quote(r.Path)}})
		}
	}
	return l
}

// awaited are the namespaces that a task's next child will be in.
func awaited(s *inspect.Snapshot) map[inspect.ID]bool {
	ids := map[inspect.ID]bool{}
	add := func(l *inspect.Links) {
		ids[l[inspect.LinkPIDForChildren]], ids[l[inspect.LinkTimeForChildren]] = true, true
	}
	for i := range s.Processes {
		add(&s.Processes[i].NS)
		for j := range s.Processes[i].Threads {
			add(&s.Processes[i].Threads[j].NS)
		}
	}
	return ids
}

// markLiving marks a namespace and all above it.
func markLiving(x *inspect.Index, id inspect.ID, living map[inspect.ID]bool) {
	for n := x.Namespace(id); n != nil && !living[n.ID]; {
		living[n.ID] = true
		if n.Type != inspect.User {
			markLiving(x, n.Owner, living)
		}
		n = x.Namespace(parentOf(n))
	}
}

// heldAtMost is the age of the oldest process among the holders.
func heldAtMost(x *inspect.Index, w *Why) *int64 {
	h := &x.Snapshot().Host
	if h.ClockTicks == 0 || h.Uptime == 0 {
		return nil
	}
	var oldest *int64
	var look func(list []Holder)
	look = func(list []Holder) {
		for i := range list {
			look(list[i].Holders)
			if list[i].Lead == nil {
				continue
			}
			if p := x.Process(list[i].PID); p != nil && p.Info != nil {
				age := int64((h.Uptime - time.Duration(p.Info.Start)*time.Second/time.Duration(h.ClockTicks)) / time.Second)
				if oldest == nil || age > *oldest {
					oldest = &age
				}
			}
		}
	}
	look(w.Holders)
	return oldest
}
