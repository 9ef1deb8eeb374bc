package enter

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// Plan is what will be done, in order.
type Plan struct {
	Steps    []Step
	Join     Kinds    // kinds that are joined
	New      Kinds    // kinds that are made
	Pty      bool     // the command gets a terminal of its own
	Warnings []string // what the user may not expect
	Notes    []string // what was asked for and needs no step
	Equal    string   // the same with nsenter, unshare or ip netns; "" when there is no such line

	request *Request
	facts   *Facts
	newMnt  bool // mounts can be changed without anybody noticing
	rooted  bool // the root directory is the target's already
	fork    bool
}

// Make plans a request: pure, from what is known. The error says what does not
// fit together.
func Make(r *Request, f *Facts) (*Plan, error) {
	p := &Plan{request: r, facts: f, New: r.New}
	join, err := p.joins()
	if err != nil {
		return nil, err
	}
	if err := p.consistent(); err != nil {
		return nil, err
	}
	p.keepFirst()
	if p.losesGroups() {
		p.add(groupsStep{})
	}
	if len(join.spaces) > 0 {
		p.add(join)
	}
	if err := p.newSpaces(); err != nil {
		return nil, err
	}
	if err := p.places(); err != nil {
		return nil, err
	}
	p.Pty = p.wantsPty()
	if r.Target.Unpause != "" {
		p.warn("%s is paused, its own processes stand still: %s", r.Target.Name, r.Target.Unpause)
	}
	if r.Target.PID != 0 && p.Join == 0 && p.New == 0 {
		p.warn("%s has no other namespaces than we, as far as they were asked for: the command runs here", r.Target.Name)
	}
	p.supervise()
	if err := p.command(); err != nil {
		return nil, err
	}
	p.Equal = equal(p)
	return p, nil
}

func (p *Plan) add(s Step) { p.Steps = append(p.Steps, s) }

func (p *Plan) warn(format string, args ...any) {
	p.Warnings = append(p.Warnings, fmt.Sprintf(format, args...))
}

// joins decides which namespaces are joined: those that differ from ours.
func (p *Plan) joins() (joinStep, error) {
	r, f := p.request, p.facts
	s := joinStep{process: r.Target.Name, almighty: p.almighty()}
	for _, t := range (r.Join | p.all()).List() {
		if r.fromFile(t) {
			continue
		}
		if r.Target.PID == 0 {
			return s, &HintError{fmt.Errorf("--%s needs a target or a file", t), fmt.Sprintf("nsinspect enter TARGET --%s, or --%s=FILE", t, t)}
		}
		ours, theirs := f.Self.NS.Of(t), f.Target.NS.Of(t)
		if ours.IsZero() && theirs.IsZero() {
			if r.Join.Has(t) {
				return s, fmt.Errorf("this kernel has no %s namespaces", t)
			}
			continue
		}
		if ours == theirs {
			if r.Join.Has(t) {
				p.Notes = append(p.Notes, fmt.Sprintf("%s is shared with %s already", t, r.Target.Name))
			}
			continue
		}
		s.spaces = append(s.spaces, space{kind: t, id: theirs, owner: f.Owner[theirs], ns: r.Target.ns(t)})
	}
	whole := len(s.spaces) > 0 && (r.Target.TID == 0 || r.Target.TID == r.Target.PID)
	p.joinFiles(&s)
	if whole && !slices.ContainsFunc(s.spaces, func(x space) bool { return x.from != "" }) {
		s.pidfd = handle{sort: handlePidfd, pid: r.Target.PID}
	}
	if len(s.spaces) > 0 && s.spaces[0].from != "" && !slices.ContainsFunc(s.spaces, func(x space) bool { return x.from == "" }) {
		s.process = ""
	}
	p.Join = s.kinds()
	return s, nil
}

// all are the kinds that JoinAll stands for.
func (p *Plan) all() Kinds {
	if !p.request.JoinAll || p.request.Target.PID == 0 {
		return 0
	}
	return AllKinds
}

func (r *Request) fromFile(t inspect.Type) bool {
	return t == inspect.Net && r.Socket != nil ||
		slices.ContainsFunc(r.Files, func(f File) bool { return f.Type == t })
}

func (p *Plan) joinFiles(s *joinStep) {
	r, f := p.request, p.facts
	for i, file := range r.Files {
		if f.Files[i].NS == f.Self.NS.Of(file.Type) {
			p.Notes = append(p.Notes, quote(file.Path)+" is our own "+file.Type.String()+" namespace already")
			continue
		}
		id := f.Files[i].NS
		s.spaces = append(s.spaces, space{kind: file.Type, id: id, owner: f.Owner[id], from: quote(file.Path), ns: fileNS(file.Path)})
	}
	if r.Socket != nil && f.Socket != f.Self.NS.Of(inspect.Net) {
		s.spaces = append(s.spaces, space{
			kind: inspect.Net, id: f.Socket, owner: f.Owner[f.Socket],
			from: fmt.Sprintf("of socket %d of process %d", r.Socket.FD, r.Socket.PID),
			ns:   handle{sort: handleSocketNS, pid: r.Socket.PID, fd: r.Socket.FD},
		})
	}
	order := func(x space) int { return slices.Index(joinOrder[:], x.kind) }
	slices.SortStableFunc(s.spaces, func(a, b space) int { return order(a) - order(b) })
}

// consistent refuses what does not fit together before anything is planned.
func (p *Plan) consistent() error {
	r := p.request
	needs := func(option string, t inspect.Type) error {
		return &HintError{fmt.Errorf("%s needs a new %s namespace", option, t), fmt.Sprintf("add --new-%s", t)}
	}
	switch {
	case r.Hostname != "" && !r.New.Has(inspect.UTS):
		return needs("--hostname", inspect.UTS)
	case (r.Monotonic != nil || r.Boottime != nil) && !r.New.Has(inspect.Time):
		return needs("--monotonic and --boottime", inspect.Time)
	case r.MountProc == Yes && !r.New.Has(inspect.Mnt):
		return needs("--mount-proc", inspect.Mnt)
	case r.Propagation != "" && !r.New.Has(inspect.Mnt) && !r.ResolvConf:
		return needs("--propagation", inspect.Mnt)
	case p.Join.Has(inspect.PID) && r.New.Has(inspect.PID):
		return p.twoPIDs()
	case r.Map.set() && !r.New.Has(inspect.User):
		return needs("a map of ids", inspect.User)
	case r.Map.ranges() && p.Join.Has(inspect.User):
		return &HintError{errors.New("a user namespace with ranges of ids cannot be made inside of a joined one"), "leave the ranges out: --map-root-user"}
	case r.JoinCgroup && r.Target.PID == 0, r.EnvOfTarget && r.Target.PID == 0, r.TargetCaps && r.Target.PID == 0,
		r.TargetRoot && r.Target.PID == 0, r.TargetDir && r.Target.PID == 0:
		return &HintError{errors.New("an option takes something from the target, and there is none"), "nsinspect enter TARGET, or -p PID"}
	case r.NoFork && r.KillChild:
		return &HintError{errors.New("--kill-child needs a child, and --no-fork makes none"), "leave one of them out"}
	}
	for _, f := range r.Persist {
		if !r.New.Has(f.Type) {
			return needs("--persist "+f.Type.String()+"=FILE", f.Type)
		}
		if f.Type == inspect.PID && r.NoFork {
			return &HintError{errors.New("a pid namespace can be bound to a file when it has a process, and --no-fork makes none"), "leave --no-fork out"}
		}
	}
	return p.unmapped()
}

// twoPIDs refuses to join a pid namespace and to make one in it: both are for
// the next child, see setns(2) and unshare(2).
func (p *Plan) twoPIDs() error {
	err := errors.New("a process cannot join a pid namespace and make a new one at once")
	if p.request.fromFile(inspect.PID) {
		return &HintError{err, "leave one of them out"}
	}
	line := "nsinspect enter " + p.request.Target.Word
	for _, t := range (p.Join &^ SetOf(inspect.PID)).List() {
		if !p.request.fromFile(t) {
			line += " --" + t.String()
		}
	}
	return &HintError{err, "leave --new-pid out, or name the kinds without pid: " + line + " --new-pid"}
}

func (m IDMaps) set() bool { return m.Current || m.ranges() }

// unmapped refuses a new user namespace for ids that do not exist in the
// joined one.
func (p *Plan) unmapped() error {
	t := p.facts.Target
	if !p.Join.Has(inspect.User) || !p.New.Has(inspect.User) || t == nil || maps(t.UIDMap, 0) && maps(t.GIDMap, 0) {
		return nil
	}
	return &HintError{errors.New("id 0 is not mapped in the user namespace of the target: no new one can be made in it"), "leave --new-user out"}
}

// keepFirst starts the child that binds new namespaces, while nothing has
// changed yet.
func (p *Plan) keepFirst() {
	if len(p.request.Persist) > 0 {
		p.add(keepStep{files: p.request.Persist})
	}
}

// newSpaces plans what is made: user first, because it owns the others.
func (p *Plan) newSpaces() error {
	r := p.request
	if r.New.Has(inspect.User) {
		if err := p.newUser(); err != nil {
			return err
		}
	}
	if len(p.facts.Binds) > 0 && !p.Join.Has(inspect.Mnt) {
		p.New |= SetOf(inspect.Mnt)
	}
	if r.JoinCgroup && r.New.Has(inspect.Cgroup) {
		p.joinCgroup() // its root is the cgroup that we are in then
	}
	rest := p.New &^ SetOf(inspect.User)
	if rest.Has(inspect.Mnt) && p.Join.Has(inspect.Mnt) && p.request.Root == "" && p.wantsTargetRoot() {
		// The target's root lies in the namespace that was joined: from there
		// the new one takes it along, afterwards it would lead back.
		p.add(dirStep{dir: p.targetRoot(), name: targetRootName})
		p.rooted = true
	}
	if rest != 0 {
		p.add(unshareStep{kinds: rest, newUser: p.New.Has(inspect.User)})
	}
	if r.Monotonic != nil || r.Boottime != nil {
		p.add(offsetsStep{monotonic: r.Monotonic, boottime: r.Boottime})
	}
	if rest.Has(inspect.Time) {
		p.add(timeStep{})
	}
	if len(r.Persist) > 0 {
		p.add(keptStep{})
	}
	p.newMnt = rest.Has(inspect.Mnt)
	if p.newMnt {
		p.propagation()
	}
	if p.rooted {
		p.add(rootStep{here: true, name: targetRootName}) // "/" has been a mount point so far
	}
	if r.Hostname != "" {
		p.add(hostnameStep{name: r.Hostname})
	}
	return nil
}

func (p *Plan) propagation() {
	to := p.request.Propagation
	if to == "" {
		to = Private
		if !p.request.New.Has(inspect.Mnt) {
			to = Slave // made for the binds alone: what the host mounts later is seen
		}
	}
	if to != Unchanged {
		p.add(propagationStep{to: to})
	}
}

// leaks reports whether what is mounted in the new mount namespace may be seen
// in the old one.
func (p *Plan) leaks() bool {
	return p.request.Propagation == Shared || p.request.Propagation == Unchanged
}

// places plans what of the file tree is seen.
func (p *Plan) places() error {
	r := p.request
	if len(p.facts.Binds) > 0 {
		switch {
		case p.newMnt && p.leaks():
			return &HintError{
				fmt.Errorf("--resolv-conf is for the command alone, and mounts that are %s are seen by others too", r.Propagation),
				"leave --propagation out",
			}
		case p.newMnt && !p.Join.Has(inspect.Mnt):
			p.add(bindStep{binds: p.facts.Binds})
		default:
			p.Notes = append(p.Notes, "the target's own resolv.conf is in the joined mount namespace already")
		}
	}
	switch {
	case r.Root != "" && p.newMnt && !p.Join.Has(inspect.Mnt):
		p.add(rootStep{path: r.Root, name: quote(r.Root)})
	case r.Root != "":
		p.add(rootStep{dir: dirHandle(r.Root), name: quote(r.Root)})
	case p.wantsTargetRoot() && !p.rooted:
		p.addTargetRoot()
	}
	return nil
}

func (p *Plan) wantsTargetRoot() bool {
	r := p.request
	return r.TargetRoot || p.Join.Has(inspect.Mnt) && r.Target.PID != 0 && !r.mntFromFile()
}

const targetRootName = "the target's root"

func (p *Plan) addTargetRoot() { p.add(rootStep{dir: p.targetRoot(), name: targetRootName}) }

func (p *Plan) targetRoot() handle { return dirHandle(p.request.Target.proc() + "/root") }

func (r *Request) mntFromFile() bool { return r.fromFile(inspect.Mnt) }

func dirHandle(path string) handle { return fileHandle(path, unix.O_PATH|unix.O_DIRECTORY) }

func (p *Plan) joinCgroup() {
	if procs := p.facts.CgroupProcs; len(procs) > 0 {
		p.add(cgroupStep{procs: procs})
	}
}

// wantsPty gives a terminal of its own to a command that others can get at:
// with the caller's they could push input into the shell outside (TIOCSTI).
func (p *Plan) wantsPty() bool {
	r := p.request
	terminal := p.facts.TTY[0] || p.facts.TTY[1] || p.facts.TTY[2]
	if r.Pty != Auto {
		return r.Pty == Yes
	}
	return terminal && (r.Target.InContainer || r.Target.Container != "" || p.Join.Has(inspect.User))
}

// supervise plans the fork: what is in a new or another pid namespace is a
// child.
func (p *Plan) supervise() {
	r := p.request
	pid := p.Join.Has(inspect.PID) || p.New.Has(inspect.PID)
	p.fork = pid && !r.NoFork || r.KillChild
	proc := r.MountProc == Yes || r.MountProc == Auto && p.fork && pid && p.newMnt
	if p.fork {
		s := superviseStep{init: p.New.Has(inspect.PID) && !r.NoInit, mirror: !p.Pty, tty: -1}
		for fd := len(p.facts.TTY) - 1; fd >= 0; fd-- {
			if p.facts.TTY[fd] {
				s.tty = fd
			}
		}
		if p.Pty && r.KillChild {
			s.tied = p.facts.Self.PID
		}
		p.add(s)
	}
	if proc {
		p.add(procStep{alone: p.leaks()})
	}
	switch {
	case pid && r.NoFork:
		p.warn("the command stays in the outer pid namespace, only its children are inside (--no-fork)")
	case p.New.Has(inspect.PID) && !proc:
		p.warn("/proc is that of the outer pid namespace, ps(1) shows what is outside: add --new-mnt")
	case pid && !proc && !p.Join.Has(inspect.Mnt):
		p.warn("/proc is that of the outer pid namespace, ps(1) shows what is outside: add --mnt or --new-mnt")
	}
}
