package demo

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/enter"
)

// actor is a process of an experiment, seen from nsinspect.
type actor struct {
	name  string
	pid   int // as nsinspect sees it
	plan  []string
	proc  *os.Process // it, or what supervises it
	in    *os.File
	out   *os.File
	read  *json.Decoder
	errs  chan string   // what it wrote to stderr, when it has ended
	ended chan struct{} // closed when proc has been waited for
	kept  bool
}

// order is what an actor is told, one JSON value a line.
type order struct {
	Act  string   `json:"act"`
	Args []string `json:"args"`
}

// answer is what it says.
type answer struct {
	Value json.RawMessage `json:"value,omitempty"`
	Err   string          `json:"err,omitempty"`
	Errno syscall.Errno   `json:"errno,omitempty"`
}

// hello is the first answer of a process that was launched.
type hello struct {
	Plan []string `json:"plan"`
}

// ActError is what went wrong in a process of the experiment.
type ActError struct {
	Actor, Act string
	Text       string
	Errno      syscall.Errno // 0 when there is none
}

func (e *ActError) Error() string {
	if e.Act == "" {
		return e.Actor + ": " + e.Text
	}
	return fmt.Sprintf("%s: %s: %s", e.Actor, e.Act, e.Text)
}

// Unwrap returns the errno.
func (e *ActError) Unwrap() error {
	if e.Errno == 0 {
		return nil
	}
	return e.Errno
}

// StartError says that a process could not be started as the experiment wants
// it.
type StartError struct {
	Text string
	Help string // something to type or to set; "" for none
}

func (e *StartError) Error() string { return e.Text }

// Hint says what can be done about it.
func (e *StartError) Hint() string { return e.Help }

// start starts an actor in the namespaces of a request.
func (p *play) start(name string, r enter.Request) (*actor, error) {
	return p.startIn(name, r, &syscall.SysProcAttr{Setsid: true})
}

func (p *play) startIn(name string, r enter.Request, attr *syscall.SysProcAttr) (*actor, error) {
	if r.Command == nil {
		r.Command = append(append([]string{}, p.o.Self...), name)
	}
	if r.New.Has(kindPID) {
		r.KillChild = true
	}
	r.Env, r.Pty = p.o.Env, enter.No
	a, err := p.spawn(name, append(append([]string{}, p.o.Self...), launchWord), attr)
	if err != nil {
		return nil, err
	}
	err = json.NewEncoder(a.in).Encode(r)
	var h hello
	if err == nil {
		err = a.hear(p.ctx, &h)
	}
	if err == nil {
		err = a.hear(p.ctx, nil) // that of Act, inside
	}
	if err != nil {
		return nil, p.notStarted(a, err)
	}
	a.plan = h.Plan
	if r.New.Has(kindPID) && !r.NoFork {
		if a.pid, err = childOf(a.proc.Pid); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// startBare starts an actor without package enter, with what clone(2) does.
func (p *play) startBare(name string, attr *syscall.SysProcAttr) (*actor, error) {
	attr.Setsid = true
	a, err := p.spawn(name, append(append([]string{}, p.o.Self...), name), attr)
	if err != nil {
		return nil, err
	}
	if err := a.hear(p.ctx, nil); err != nil {
		return nil, p.notStarted(a, err)
	}
	return a, nil
}

// launchWord makes nsinspect call [Launch].
const launchWord = "launch"

// spawn starts nsinspect with pipes to and from it.
func (p *play) spawn(name string, argv []string, attr *syscall.SysProcAttr) (*actor, error) {
	var files [6]*os.File // read and write ends of its stdin, stdout and stderr
	for i := 0; i < len(files); i += 2 {
		var err error
		if files[i], files[i+1], err = os.Pipe(); err != nil {
			return nil, err
		}
	}
	proc, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Dir: "/", Env: p.o.Env, Files: []*os.File{files[0], files[3], files[5]}, Sys: attr,
	})
	for _, i := range []int{0, 3, 5} {
		files[i].Close()
	}
	if err != nil {
		for _, i := range []int{1, 2, 4} {
			files[i].Close()
		}
		return nil, startFailed(err, attr.Cloneflags)
	}
	a := &actor{
		name: name, pid: proc.Pid, proc: proc, in: files[1], out: files[2],
		read: json.NewDecoder(bufio.NewReader(files[2])), errs: make(chan string, 1), ended: make(chan struct{}),
	}
	p.actors = append(p.actors, a)
	go a.listen(files[4])
	go func() {
		defer close(a.ended)
		_, _ = proc.Wait()
	}()
	return a, nil
}

func startFailed(err error, cloneFlags uintptr) error {
	var errno syscall.Errno
	if cloneFlags == 0 || !errors.As(err, &errno) {
		return &StartError{Text: "start a process: " + err.Error()}
	}
	return &StartError{Text: "make a user namespace: " + errno.Error(), Help: userHint(errno)}
}

// userHint says what forbids a user namespace.
func userHint(errno syscall.Errno) string {
	switch errno {
	case unix.EPERM:
		return "sudo nsinspect demo user, or see what forbids it: sysctl kernel.unprivileged_userns_clone kernel.apparmor_restrict_unprivileged_userns"
	case unix.ENOSPC:
		return "the limit is reached: sysctl -w user.max_user_namespaces=10000"
	case unix.EINVAL:
		return "the kernel has no user namespaces: nsinspect features"
	}
	return ""
}

// listen keeps what the process writes to stderr, up to a limit.
func (a *actor) listen(r *os.File) {
	defer r.Close()
	b, _ := io.ReadAll(io.LimitReader(r, 1<<14))
	a.errs <- string(b)
}

// notStarted turns what a process said before it ended into an error.
func (p *play) notStarted(a *actor, err error) error {
	if p.ctx.Err() != nil {
		return p.ctx.Err()
	}
	var act *ActError
	if errors.As(err, &act) {
		return err
	}
	a.stop()
	e := &StartError{}
	for line := range strings.Lines(<-a.errs) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "nsinspect: error: "); ok {
			e.Text = text
		} else if hint, ok := strings.CutPrefix(line, "nsinspect: hint: "); ok {
			e.Help = hint
		} else if e.Text == "" {
			e.Text = line
		}
	}
	if e.Text == "" {
		e.Text = fmt.Sprintf("the process %q ended at once: %v", a.name, err)
	}
	return e
}

// hear waits for an answer.
func (a *actor) hear(ctx context.Context, v any) error {
	stop := context.AfterFunc(ctx, func() { _ = a.out.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var ans answer
	if err := a.read.Decode(&ans); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("hear of %s: %w", a.name, err)
	}
	if ans.Err != "" {
		return &ActError{Actor: a.name, Text: ans.Err, Errno: ans.Errno}
	}
	if v == nil || len(ans.Value) == 0 {
		return nil
	}
	return json.Unmarshal(ans.Value, v)
}

// ask has the actor do something and decodes its answer into v, which may be
// nil.
func (p *play) ask(a *actor, v any, act string, args ...string) error {
	if err := p.ctx.Err(); err != nil {
		return err
	}
	err := json.NewEncoder(a.in).Encode(order{Act: act, Args: args})
	if err == nil {
		err = a.hear(p.ctx, v)
	}
	var e *ActError
	if errors.As(err, &e) {
		e.Act = act
	}
	return err
}

// text is ask for an answer that is one string.
func (p *play) text(a *actor, act string, args ...string) (s string, err error) {
	err = p.ask(a, &s, act, args...)
	return s, err
}

// stopLimit is how long a process gets to end by itself what it began.
const stopLimit = 3 * time.Second

// stop ends the process: it reads the end of its input, or else is killed.
func (a *actor) stop() {
	if a.kept {
		return
	}
	a.in.Close()
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-a.ended:
	case <-limit.C:
		_ = a.proc.Kill()
		<-a.ended
	}
	a.out.Close()
}
