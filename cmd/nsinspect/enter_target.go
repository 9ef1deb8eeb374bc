package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"nsinspect/enter"
	"nsinspect/inspect"
	"nsinspect/inspect/container"
)

// target finds what word means and adds it to the request. named says that
// kinds were named; else all that differ are joined. Pids, files and the names
// of containers are found without a look at all processes.
func (o *enterOptions) target(ctx context.Context, word string, named bool) error {
	r := &o.req
	r.JoinAll = o.all || !named
	switch {
	case word == "self":
		return o.targetPID(os.Getpid(), word)
	case strings.HasPrefix(word, "/") && !isProcDir(word):
		t, err := enter.TypeOf(word)
		if err != nil {
			return err
		}
		return o.targetFile(enter.File{Type: t, Path: word})
	}
	if pid, err := strconv.Atoi(strings.TrimPrefix(word, "pid:")); err == nil && (o.pid != "" || exists("/proc/"+strconv.Itoa(pid))) {
		return o.targetPID(pid, word)
	}
	question := container.Ask(ctx, word, o.app.getenv)
	_ = o.lookSelf() // while the engine works; it is called again and fails again
	found := question.Answer()
	if len(found) == 1 {
		return o.targetContainer(&found[0])
	}
	return o.resolve(ctx, word)
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// isProcDir reports whether path is /proc/7 or /proc/7/task/8.
func isProcDir(path string) bool {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	return parts[0] == "proc" && (len(parts) == 2 || len(parts) == 4 && parts[2] == "task")
}

func (o *enterOptions) targetPID(pid int, name string) error {
	if pid <= 0 {
		return withHint(fmt.Errorf("there is no process %d: engines say 0 for a container that does not run", pid), "nsinspect ls")
	}
	r := &o.req
	r.Target = enter.Target{PID: pid, Name: name, Word: name, InContainer: anyTerminal() && inContainer(pid)}
	if _, err := strconv.Atoi(name); err == nil {
		r.Target.Name, r.Target.Word = "process "+name, "-p "+name
	}
	return nil
}

// anyTerminal reports whether the command could have our terminal: it matters
// only then where the process is.
func anyTerminal() bool {
	for fd := range 3 {
		if term.IsTerminal(fd) {
			return true
		}
	}
	return false
}

// inContainer looks at the cgroups of a process.
func inContainer(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return false // enter will say what is wrong with the process
	}
	var paths []inspect.CgroupPath
	for line := range strings.Lines(string(b)) {
		if parts := strings.SplitN(strings.TrimSpace(line), ":", 3); len(parts) == 3 {
			paths = append(paths, inspect.CgroupPath{Controllers: parts[1], Path: parts[2]})
		}
	}
	_, ok := container.FromCgroups(paths)
	return ok
}

func (o *enterOptions) targetContainer(c *inspect.Container) error {
	name := c.DisplayName()
	switch {
	case c.PID == 0 && c.State == "restarting":
		return withHint(fmt.Errorf("container %s is not running: it ended and is to be started again", name), "%s logs %s", c.Engine, name)
	case c.PID == 0:
		return withHint(fmt.Errorf("container %s is not running", name), "%s start %s", c.Engine, name)
	}
	o.req.Target = enter.Target{PID: c.PID, Name: name, Word: name, Container: c.ID, InContainer: true}
	if c.State == "paused" {
		o.req.Target.Unpause = c.Engine + " unpause " + name
	}
	return nil
}

// targetFile joins one namespace that a file is of.
func (o *enterOptions) targetFile(f enter.File) error {
	r := &o.req
	if r.Join != 0 || o.all {
		return withHint(errors.New("the target is one namespace, it has no others to join"), "nsinspect enter PROCESS --KIND --%s=%s", f.Type, f.Path)
	}
	r.JoinAll = false
	r.Files = append(r.Files, f)
	return nil
}

// resolve finds any other target with a look at the whole host.
func (o *enterOptions) resolve(ctx context.Context, word string) error {
	const quick = inspect.FactTasks | inspect.FactLeads | inspect.FactContainers | inspect.FactNames | inspect.FactOwners
	x, t, err := o.lookUp(ctx, word, quick)
	var missing *inspect.NotFoundError
	unheld := err == nil && t.Kind == inspect.TargetNamespace && x.Lead(t.NS) == nil
	if errors.As(err, &missing) || unheld {
		// What no process is in may be held by an open file or a socket.
		x, t, err = o.lookUp(ctx, word, quick|inspect.FactThreads|inspect.FactsHolders)
	}
	if errors.As(err, &missing) {
		return stale(word, err)
	}
	if err != nil {
		return err
	}
	switch t.Kind {
	case inspect.TargetContainer:
		c := *t.Container
		c.PID = t.PID
		return o.targetContainer(&c)
	case inspect.TargetProcess:
		if err := o.targetPID(t.PID, t.String()); err != nil {
			return err
		}
		o.req.Target.TID = t.TID
		return nil
	}
	return o.targetNamespace(x, t)
}

// lookUp reads these facts of the host and finds word in them.
func (o *enterOptions) lookUp(ctx context.Context, word string, facts inspect.Facts) (*inspect.Index, inspect.Target, error) {
	s := source{app: o.app}
	x, err := s.index(ctx, need{facts: inspect.FactTasks, also: facts})
	if err != nil {
		return nil, inspect.Target{}, err
	}
	t, err := x.Resolve(word)
	return x, t, err
}

// stale says of a name of ip-netns(8) that was not found what its file is.
func stale(word string, err error) error {
	path := "/run/netns/" + word
	if !strings.Contains(word, "/") && strings.Trim(word, ".") != "" && exists(path) {
		_, why := enter.TypeOf(path)
		return cmp.Or(why, err)
	}
	return err
}

// targetNamespace joins a namespace by a process that is in it, or else by
// what holds it.
func (o *enterOptions) targetNamespace(x *inspect.Index, t inspect.Target) error {
	f := enter.File{Type: t.Type, NS: t.NS}
	if lead := x.Lead(t.NS); lead != nil {
		f.Path = fmt.Sprintf("/proc/%d/ns/%s", lead.PID, t.Type)
		return o.targetFile(f)
	}
	return o.held(x, f, t)
}

// held joins a namespace without process by its holder.
func (o *enterOptions) held(x *inspect.Index, f enter.File, t inspect.Target) error {
	refs := x.Snapshot().Refs
	for _, r := range refs {
		switch {
		case r.NS != t.NS:
		case r.Kind == inspect.RefMount && (r.MountNS.IsZero() || r.MountNS == x.Own(inspect.Mnt)):
			f.Path = r.Path
			return o.targetFile(f)
		case r.Kind == inspect.RefFD:
			f.Path = fmt.Sprintf("/proc/%d/fd/%d", r.PID, r.FD)
			return o.targetFile(f)
		case r.Kind == inspect.RefSocket && t.Type == inspect.Net && !r.Candidate:
			o.req.JoinAll = false
			o.req.Socket = &enter.SocketFD{PID: r.PID, FD: r.FD}
			return nil
		}
	}
	return withHint(fmt.Errorf("no process is in %s, and what holds it was not found", t), "nsinspect why %s", t)
}
