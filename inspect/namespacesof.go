package inspect

import (
	"fmt"
	"slices"
)

// NamespacesOf returns the namespaces of a target: those of a process, of a
// single thread or of a container's first process by link, and of a namespace
// the one alone. Of a process whose leader is a zombie they are those of its
// first thread that differs. Links that are zero are not known. When none is
// known the error, an [*UnreadableError], says why.
func (x *Index) NamespacesOf(t Target) (Links, error) {
	switch t.Kind {
	case TargetNamespace:
		var l Links
		if t.Type.Valid() {
			l[t.Type.Link()] = t.NS
		}
		return l, nil
	case TargetContainer:
		if t.Container != nil {
			return x.namespacesOfContainer(t)
		}
	case TargetProcess:
		if l := x.linksOf(t.PID, t.TID); !l.IsZero() {
			return l, nil
		}
	}
	return Links{}, x.whyUnread(t)
}

// linksOf returns the links of a task, zero when they are not known.
func (x *Index) linksOf(pid, tid int) Links {
	p := x.Process(pid)
	switch {
	case p == nil && pid > 0 && pid == x.s.Host.Observer.PID:
		return x.s.Host.Observer.NS
	case p == nil:
		return Links{}
	case tid != 0 && tid != pid && p.thread(tid) != nil:
		return p.thread(tid).NS
	case p.NS.IsZero() && tid == 0 && len(p.Threads) > 0:
		return p.Threads[0].NS
	}
	return p.NS
}

func (x *Index) namespacesOfContainer(t Target) (Links, error) {
	for _, pid := range append([]int{t.PID}, x.ProcessesIn(t.Container.ID)...) {
		if l := x.linksOf(pid, 0); !l.IsZero() {
			return l, nil
		}
	}
	c := t.Container
	switch {
	case t.PID != 0:
		return Links{}, x.whyUnread(t)
	case c.State != "" && c.State != "running":
		e := &UnreadableError{Target: t, Reason: "it is " + c.State}
		if c.Engine == "docker" || c.Engine == "podman" {
			e.hint = c.Engine + " start " + c.DisplayName()
		}
		return Links{}, e
	}
	return Links{}, &UnreadableError{Target: t, Reason: "none of its processes is in sight", hint: "run as root"}
}

// whyUnread says why no link of a process is known.
func (x *Index) whyUnread(t Target) error {
	e := &UnreadableError{Target: t}
	p := x.Process(t.PID)
	problem := x.ProblemOf(t.PID)
	switch {
	case problem != nil:
		e.Reason, e.hint = problem.Err, problem.Hint
	case p == nil:
		e.Reason, e.hint = fmt.Sprintf("process %d was not looked at", t.PID), hintList
	case p.Info != nil && p.Info.State == "Z":
		e.Reason = "it is a zombie, which has left them"
	default:
		e.Reason = "its links could not be read"
	}
	return e
}

// ProblemOf returns the first problem that concerns a process, nil when there
// is none.
func (x *Index) ProblemOf(pid int) *Problem {
	for i := range x.s.Problems {
		if slices.Contains(x.s.Problems[i].PIDs, pid) {
			return &x.s.Problems[i]
		}
	}
	return nil
}
