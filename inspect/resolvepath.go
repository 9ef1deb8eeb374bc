package inspect

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// resolvePath returns what a path means: something of a process below /proc,
// or a namespace that is mounted there.
func (x *Index) resolvePath(word string) (Target, error) {
	clean := path.Clean(word)
	if rest, ok := strings.CutPrefix(clean, "/proc/"); ok {
		return x.resolveProc(word, strings.Split(rest, "/"))
	}
	f := finder{x: x, word: word}
	for _, here := range []bool{true, false} { // a mount in sight before those elsewhere
		for i := range x.s.Refs {
			r := &x.s.Refs[i]
			if r.Kind != RefMount || runPath(r.Path) != runPath(clean) || x.isHere(r) != here {
				continue
			}
			if t := x.typeOf(r.NS); t != 0 {
				f.add(targetNamespace(r.NS, t))
			}
		}
		switch len(f.found) {
		case 0:
		case 1:
			return f.found[0], nil
		default:
			return Target{}, &AmbiguousError{Word: word, Candidates: f.found}
		}
	}
	e := &NotFoundError{Word: word, Reason: "no namespace is mounted there"}
	if !x.s.Scope.Has(FactNames) && !x.s.Scope.Has(FactBinds) {
		e.Reason = "mounted namespaces were not looked at"
	}
	return Target{}, e
}

// isHere reports whether a mount is in the observer's mount namespace.
func (x *Index) isHere(r *Ref) bool { return r.MountNS.IsZero() || r.MountNS == x.Own(Mnt) }

// resolveProc resolves /proc/PID[/task/TID] with nothing, /ns, /ns/LINK or
// /fd/FD behind it.
func (x *Index) resolveProc(word string, parts []string) (Target, error) {
	t, err := x.resolveTask(word, &parts)
	if err != nil {
		return Target{}, err
	}
	switch {
	case len(parts) == 0, len(parts) == 1 && parts[0] == "ns":
		return t, nil
	case len(parts) == 2 && parts[0] == "ns":
		return x.resolveLink(word, t, parts[1])
	case len(parts) == 2 && parts[0] == "fd":
		return x.resolveFD(word, t, parts[1])
	}
	return Target{}, &NotFoundError{Word: word, Reason: "a path in /proc ends in ns/KIND or fd/NUMBER"}
}

// resolveTask takes the process or thread from the front of parts.
func (x *Index) resolveTask(word string, parts *[]string) (Target, error) {
	name := (*parts)[0]
	*parts = (*parts)[1:]
	if name == "self" || name == "thread-self" {
		return x.self()
	}
	pid, err := parsePID(name)
	if err != nil {
		return Target{}, &NotFoundError{Word: word, Reason: strconv.Quote(name) + " is no pid"}
	}
	if x.Process(pid) == nil {
		e := &NotFoundError{Word: word}
		e.Reason, e.Near = x.noProcess(pid)
		return Target{}, e
	}
	if len(*parts) < 2 || (*parts)[0] != "task" {
		return targetProcess(pid), nil
	}
	tid, err := parsePID((*parts)[1])
	*parts = (*parts)[2:]
	if err != nil || x.isNotThread(pid, tid) {
		return Target{}, &NotFoundError{Word: word, Reason: fmt.Sprintf("process %d has no such thread", pid)}
	}
	return targetThread(pid, tid), nil
}

// isNotThread reports whether tid is known not to be a thread of pid. Threads
// in the namespaces of their leader are not recorded, so that most are
// neither known to be nor known not to be.
func (x *Index) isNotThread(pid, tid int) bool {
	p := x.Process(pid)
	if tid == pid || p.thread(tid) != nil {
		return false
	}
	return x.Process(tid) != nil || p.Info != nil && p.Info.Threads == 1
}

// thread returns a thread that differs from its leader, nil for any other.
func (p *Process) thread(tid int) *Thread {
	for i := range p.Threads {
		if p.Threads[i].TID == tid {
			return &p.Threads[i]
		}
	}
	return nil
}

func (x *Index) resolveLink(word string, t Target, name string) (Target, error) {
	link, err := ParseLinkName(name)
	if err != nil {
		return Target{}, &NotFoundError{Word: word, Reason: strconv.Quote(name) + " is none of " + strings.Join(linkNames[:], ", ")}
	}
	links, err := x.NamespacesOf(t)
	if err != nil {
		return Target{}, err
	}
	if links[link].IsZero() {
		return Target{}, &NotFoundError{Word: word, Reason: "this link could not be read or does not exist"}
	}
	return targetNamespace(links[link], link.Type()), nil
}

func (x *Index) resolveFD(word string, t Target, name string) (Target, error) {
	fd, err := strconv.Atoi(name)
	for i := range x.s.Refs {
		r := &x.s.Refs[i]
		if err == nil && r.Kind == RefFD && r.PID == t.PID && r.TID == t.TID && r.FD == fd && x.typeOf(r.NS) != 0 {
			return targetNamespace(r.NS, x.typeOf(r.NS)), nil
		}
	}
	if !x.s.Scope.Has(FactFDs) {
		return Target{}, &NotFoundError{Word: word, Reason: "open files were not looked at"}
	}
	return Target{}, &NotFoundError{Word: word, Reason: "it is no namespace's file"}
}
