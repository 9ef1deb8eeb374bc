package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/enter"
	"nsinspect/inspect"
)

// Options say how an experiment is run. Self and Collect must be set.
type Options struct {
	// Self is the command line to which a word is appended that says what the
	// process is for: launchWord calls [Launch], any other calls [Act].
	Self []string
	Env  []string // of the processes
	// Collect reads facts about processes of this host from outside.
	Collect func(ctx context.Context, f inspect.Facts, pids []int) (*inspect.Snapshot, error)
	// Draw turns a snapshot into a drawing of its network, several lines.
	Draw func(*inspect.Snapshot) (string, error)
	// Show returns what nsinspect show says of a process, several lines.
	Show func(ctx context.Context, pid int) (string, error)

	Without bool // run the control
	Keep    bool // leave the processes running in the end
	// OnStep is called with each step when it is done; nil is not.
	OnStep func(Step) error
	// Shell is called with the pid of the process inside when the experiment
	// is over but nothing has been removed yet; nil is not.
	Shell func(ctx context.Context, pid int) error
}

// play is a run of an experiment.
type play struct {
	ctx        context.Context
	o          Options
	e          Experiment
	r          *Report
	actors     []*actor
	privileged bool   // makes namespaces without a user namespace
	shell      *actor // for Options.Shell
}

// Run runs an experiment. Whatever it made is removed when it returns, unless
// Options.Keep and the report say otherwise. When ctx is cancelled the error
// is that of ctx.
func Run(ctx context.Context, e Experiment, o Options) (r *Report, err error) {
	p := newPlay(ctx, e, o)
	defer func() { p.end(err == nil && o.Keep) }()
	if err := e.run(p); err != nil {
		return nil, err
	}
	p.r.conclude()
	if o.Shell != nil && p.shell != nil {
		if err := o.Shell(ctx, p.shell.pid); err != nil {
			return nil, err
		}
	}
	if o.Keep {
		if err := p.keep(); err != nil {
			return nil, err
		}
	}
	return p.r, ctx.Err()
}

func newPlay(ctx context.Context, e Experiment, o Options) *play {
	p := &play{ctx: ctx, o: o, e: e, privileged: privileged(), r: &Report{
		Name: e.Name, Title: e.Title, Without: o.Without, Property: isolated,
		Steps: []Step{}, Check: []Check{}, Notes: []string{}, Format: inspect.Format,
	}}
	p.r.As = "root"
	if !p.privileged {
		p.r.As = fmt.Sprintf("uid %d, in a new user namespace", os.Geteuid())
	}
	return p
}

// Possible tells why an experiment cannot be run here, nil when it can: it
// makes the namespaces of the experiment.
func Possible(ctx context.Context, e Experiment, o Options) error {
	p := newPlay(ctx, e, o)
	defer p.end(false)
	r := p.request(e.Kinds | e.lab)
	if e.inner {
		r.New |= enter.SetOf(inspect.User)
	}
	_, err := p.start("try", r)
	return err
}

// privileged reports whether we are root with the capabilities over
// namespaces and networks.
func privileged() bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	const needed = 1<<unix.CAP_SYS_ADMIN | 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_SETUID
	return os.Geteuid() == 0 && unix.Capget(&head, &data[0]) == nil && data[0].Effective&needed == needed
}

// end ends all processes, the last that was started first.
func (p *play) end(keep bool) {
	for _, a := range slices.Backward(p.actors) {
		if !keep {
			a.kept = false
		}
		a.stop()
	}
}

// keep has the processes live on without us.
func (p *play) keep() error {
	p.r.Kept = &Kept{}
	for _, a := range p.actors {
		select {
		case <-a.ended:
			continue
		default:
		}
		if err := p.ask(a, nil, "keep"); err != nil {
			return err
		}
		a.kept = true
		p.r.Kept.PIDs = append(p.r.Kept.PIDs, a.pid)
		p.r.Kept.Names = append(p.r.Kept.Names, a.name)
	}
	return nil
}

// request asks for new namespaces, in a new user namespace where that is
// what gives the right to.
func (p *play) request(kinds enter.Kinds) enter.Request {
	if !p.privileged {
		kinds |= enter.SetOf(inspect.User)
	}
	return enter.Request{New: kinds}
}

// outside starts the process outside, in namespaces that stand for the host's
// of the kinds that the experiment changes.
func (p *play) outside(name string) (*actor, error) {
	return p.start(name, p.request(p.e.lab))
}

// beside asks for the namespaces of an actor and, of these kinds, new ones;
// none in the control.
func (p *play) beside(a *actor, kinds enter.Kinds) enter.Request {
	r := enter.Request{Join: p.e.lab &^ enter.SetOf(inspect.Mnt)}
	if !p.privileged {
		r.Join |= enter.SetOf(inspect.User)
	}
	if p.e.lab.Has(inspect.Mnt) {
		// By file: with its process the root directory would be joined too,
		// which is not that of a new mount namespace.
		r.Files = []enter.File{mountsOf(a.pid)}
	}
	if r.Join != 0 {
		r.Target = enter.Target{PID: a.pid, Name: a.name, Word: fmt.Sprintf("-p %d", a.pid)}
	}
	if !p.o.Without {
		r.New = kinds
	}
	return r
}

// mountsOf names the mount namespace of a process.
func mountsOf(pid int) enter.File {
	f := enter.File{Type: inspect.Mnt, Path: fmt.Sprintf("/proc/%d/ns/mnt", pid)}
	var st unix.Stat_t
	if unix.Stat(f.Path, &st) == nil { // else joining it will say what is wrong
		f.NS = inspect.ID{Dev: st.Dev, Ino: st.Ino}
	}
	return f
}

// step records a step, in its turn.
func (p *play) step(s Step) error {
	s.N = len(p.r.Steps) + 1
	if s.Seen == nil {
		s.Seen = []Fact{}
	}
	p.r.Steps = append(p.r.Steps, s)
	if err := p.ctx.Err(); err != nil || p.o.OnStep == nil {
		return err
	}
	return p.o.OnStep(s)
}

// check records a comparison; the sides are isolated when they differ.
func (p *play) check(what, inside, outside string) {
	p.r.Check = append(p.r.Check, Check{what, inside, outside, inside != outside})
}

func (p *play) note(format string, args ...any) {
	p.r.Notes = append(p.r.Notes, fmt.Sprintf(format, args...))
}

// flags are the CLONE_NEW* flags of the kinds, as written in C.
func flags(k enter.Kinds) string {
	var names []string
	for _, t := range k.List() {
		names = append(names, Flag(t))
	}
	return strings.Join(names, "|")
}

// made is how the kinds were made: unshare(2) with its flags, in the control
// not at all.
func (p *play) made(k enter.Kinds) (call string, same []string) {
	if p.o.Without {
		return "fork(), without " + flags(k), nil
	}
	enterLine, unshareLine := "nsinspect enter", "unshare"
	if !p.privileged {
		call = "unshare(CLONE_NEWUSER); "
		enterLine, unshareLine = enterLine+" --new-user", unshareLine+" --user --map-root-user"
	}
	for _, t := range k.List() {
		enterLine += " --new-" + t.String()
		unshareLine += " --" + longName(t)
	}
	return call + "unshare(" + flags(k) + ")", []string{enterLine, unshareLine}
}

func longName(t inspect.Type) string {
	if t == inspect.Mnt {
		return "mount"
	}
	return t.String()
}

// stands is the step that tells who stands for the host.
func (p *play) stands(a *actor, what string, seen ...Fact) error {
	k := p.e.lab
	call := "unshare(" + flags(k) + ")"
	if !p.privileged {
		call = "unshare(CLONE_NEWUSER); " + call
	}
	return p.step(Step{Title: "A process stands for the host, with " + what + " of its own: this machine stays as it is", Call: call, Plan: a.plan, Seen: seen})
}

// namespaces reads which namespaces the processes are in, from outside.
func (p *play) namespaces(actors ...*actor) ([]inspect.Links, error) {
	pids := make([]int, len(actors))
	for i, a := range actors {
		pids[i] = a.pid
	}
	s, err := p.o.Collect(p.ctx, inspect.FactTasks, slices.Clone(pids))
	if err != nil {
		return nil, err
	}
	links := make([]inspect.Links, len(actors))
	for i, pid := range pids {
		n := slices.IndexFunc(s.Processes, func(q inspect.Process) bool { return q.PID == pid })
		if n < 0 {
			return nil, fmt.Errorf("read the namespaces of process %d: %w", pid, unix.ESRCH)
		}
		links[i] = s.Processes[n].NS
	}
	return links, nil
}

// checkLinks compares the namespaces of two processes, as seen from outside.
func (p *play) checkLinks(inside, outside *actor, kinds enter.Kinds) error {
	links, err := p.namespaces(inside, outside)
	if err != nil {
		return err
	}
	for _, t := range kinds.List() {
		in, out := links[0].Of(t), links[1].Of(t)
		if in.IsZero() || out.IsZero() {
			return fmt.Errorf("the %s namespace of process %d or %d could not be read", t, inside.pid, outside.pid)
		}
		p.check(t.String()+" namespace", linkText(t, in), linkText(t, out))
	}
	return nil
}

func linkText(t inspect.Type, id inspect.ID) string { return fmt.Sprintf("%s:[%d]", t, id.Ino) }

// errno returns the error number of what an actor was refused; 0 for none.
func errno(err error) syscall.Errno {
	var e *ActError
	if errors.As(err, &e) {
		return e.Errno
	}
	return 0
}
