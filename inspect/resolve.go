package inspect

import (
	"fmt"
	"slices"
	"strings"
)

// Resolve returns what a user's word means:
//
//	3037  pid:3037          a process
//	self                    the process that took the snapshot
//	web1  3f2a  docker:web1 a container by name, or by the beginning of its id
//	container:web1  id:3f2a the same, of any engine
//	web  shop/web           a container by compose service, or project/service
//	net:[4026532299]        a namespace; the brackets can be left out
//	4026532299              a namespace by inode
//	blue  netns:blue        a network namespace by the name of ip-netns(8)
//	/run/netns/blue         a namespace by the path where it is mounted
//	/proc/7/ns/net          a namespace by the link of a process; also of
//	                        /proc/self and /proc/7/task/8, or by /proc/7/fd/9
//	/proc/7  /proc/7/task/8 a process or one of its threads
//
// A name in full is preferred to a service, and that to a part of an id. The
// error is a [*NotFoundError] or an [*AmbiguousError].
func (x *Index) Resolve(word string) (Target, error) {
	switch {
	case word == "":
		return Target{}, &NotFoundError{Word: word, Reason: "it is empty"}
	case word == "self":
		return x.self()
	case strings.HasPrefix(word, "/"):
		return x.resolvePath(word)
	}
	f := finder{x: x, word: word}
	if kind, rest, ok := strings.Cut(word, ":"); ok && rest != "" {
		f.qualified(kind, rest)
	}
	if len(f.found) == 0 {
		f.bare(word)
	}
	switch len(f.found) {
	case 0:
		return Target{}, f.notFound()
	case 1:
		return f.found[0], nil
	}
	return Target{}, &AmbiguousError{Word: word, Candidates: f.found}
}

// self is the process that took the snapshot. Its namespaces are known even
// when it is not among the processes.
func (x *Index) self() (Target, error) {
	pid := x.s.Host.Observer.PID
	switch {
	case x.Process(pid) != nil:
		return targetProcess(pid), nil
	case pid > 0:
		return Target{Kind: TargetProcess, PID: pid, Text: "self"}, nil
	}
	return Target{}, &NotFoundError{Word: "self", Reason: "the snapshot does not say who took it"}
}

// finder collects what a word can mean.
type finder struct {
	x      *Index
	word   string
	found  []Target
	reason string
	near   []string
}

func (f *finder) add(t Target) {
	if !slices.ContainsFunc(f.found, t.same) {
		f.found = append(f.found, t)
	}
}

// qualified looks for a word that says what it is.
func (f *finder) qualified(kind, rest string) {
	if t, err := ParseType(kind); err == nil {
		f.link(t, rest)
		if t != PID || len(f.found) > 0 {
			return
		}
	}
	switch kind {
	case "pid":
		f.process(rest)
		if ino, err := parseInode(rest); err == nil && len(f.found) == 0 && f.x.typeOf(f.x.id(ino)) == PID {
			f.inode(ino)
		}
	case "netns":
		f.names(rest)
	case "service":
		f.services(rest)
	case "id":
		f.containers(func(c *Container) bool { return c.ID == rest })
		if len(f.found) == 0 {
			f.containers(func(c *Container) bool { return strings.HasPrefix(c.ID, rest) })
		}
	case "container":
		f.containersCalled(rest, func(*Container) bool { return true })
	default:
		f.containersCalled(rest, func(c *Container) bool { return c.Engine == kind })
	}
}

// bare looks for a word that can be anything.
func (f *finder) bare(word string) {
	f.process(word)
	if ino, err := parseInode(word); err == nil {
		f.inode(ino)
	}
	f.containers(func(c *Container) bool { return c.Name == word || c.ID == word })
	f.names(word)
	if len(f.found) == 0 {
		f.thread(word)
	}
	if len(f.found) == 0 {
		f.services(word)
	}
	if _, err := parsePID(word); len(f.found) == 0 && (err != nil || len(word) >= minDigits) {
		f.containers(func(c *Container) bool { return strings.HasPrefix(c.ID, word) })
	}
}

// minDigits is how long a part of an id must be when it has only decimal
// digits: longer than any pid, so that the pid of a process that has just
// gone does not become a container.
const minDigits = 8

func (f *finder) process(word string) {
	if pid, err := parsePID(word); err == nil && f.x.Process(pid) != nil {
		f.add(targetProcess(pid))
	}
}

// thread looks for a thread that is in namespaces of its own; others are not
// recorded.
func (f *finder) thread(word string) {
	tid, err := parsePID(word)
	if err != nil {
		return
	}
	for i := range f.x.s.Processes {
		p := &f.x.s.Processes[i]
		if p.thread(tid) != nil {
			f.add(targetThread(p.PID, tid))
		}
	}
}

// link looks for "[inode]", or the inode alone, of a namespace of kind t.
func (f *finder) link(t Type, rest string) {
	num := rest
	if inner, ok := strings.CutPrefix(rest, "["); ok {
		num = strings.TrimSuffix(inner, "]") // also where a shell took the last one
	} else if t == PID {
		return // "pid:7" is a process, if there is one
	}
	ino, err := parseInode(num)
	if err != nil {
		f.reason = err.Error()
		return
	}
	id := f.x.id(ino)
	switch is := f.x.typeOf(id); is {
	case t:
		f.add(targetNamespace(id, t))
	case 0:
		f.reason = fmt.Sprintf("there is no %s namespace %d", t, ino)
	default:
		f.reason = fmt.Sprintf("%d is a %s namespace", ino, is)
		f.near = []string{linkText(is, id)}
	}
}

// id returns the namespace with this inode on the host.
func (x *Index) id(ino uint64) ID { return ID{Dev: x.s.Host.NSDev, Ino: ino} }

func (f *finder) inode(ino uint64) {
	id := f.x.id(ino)
	if t := f.x.typeOf(id); t != 0 {
		f.add(targetNamespace(id, t))
	}
}

// typeOf returns the kind of a namespace, also of one that only links or
// names of network namespaces refer to; 0 when it is not known.
func (x *Index) typeOf(id ID) Type {
	if n := x.Namespace(id); n != nil {
		return n.Type
	}
	if lead := x.Lead(id); lead != nil {
		return lead.typeOf(id)
	}
	if slices.ContainsFunc(x.RefsOf(id), func(r Ref) bool { return r.Kind == RefMount && isNetnsPath(r.Path) }) {
		return Net
	}
	return 0
}

// typeOf returns the kind of a namespace that p or a thread of it is in.
func (p *Process) typeOf(id ID) Type {
	for _, t := range Types {
		in := func(th Thread) bool { return th.NS.Of(t) == id }
		if p.NS.Of(t) == id || slices.ContainsFunc(p.Threads, in) {
			return t
		}
	}
	return 0
}

// names looks for namespaces that are mounted under a name.
func (f *finder) names(name string) {
	for _, t := range f.x.targetsNamed(name) {
		f.add(t)
	}
}

// targetsNamed returns the namespaces that are mounted under a name, of those
// whose type is known. The name alone means one only if there is no other.
func (x *Index) targetsNamed(name string) []Target {
	var found []Target
	for _, i := range x.named(name) {
		ns := x.s.Refs[i].NS
		if t := targetNamespace(ns, x.typeOf(ns)); t.Type != 0 && !slices.ContainsFunc(found, t.same) {
			found = append(found, t)
		}
	}
	if len(found) == 1 && found[0].Type == Net {
		found[0].Text = "netns:" + name
	}
	return found
}

func parsePID(s string) (int, error) {
	n, err := parseInode(s)
	if err != nil || n > maxPID {
		return 0, fmt.Errorf("%q is no pid", s)
	}
	return int(n), nil
}
