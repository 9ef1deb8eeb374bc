package enter

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// standardPath is where commands are looked for when nothing says where, and
// in addition to what a host says that has another layout than the target.
const standardPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// command plans what the child or we ourselves do last.
func (p *Plan) command() error {
	r, f := p.request, p.facts
	if err := p.checkFollow(); err != nil {
		return err
	}
	if r.JoinCgroup && !r.New.Has(inspect.Cgroup) {
		p.joinCgroup()
	}
	if r.TargetCaps {
		p.add(keysStep{})
		p.add(boundStep{keep: f.Target.Caps.Bounding})
	}
	p.ids()
	if r.KillChild {
		p.add(deathStep{})
	}
	if p.restoreCaps() {
		caps := f.Self.Caps
		if r.TargetCaps {
			caps.Inheritable &= f.Target.Caps.Bounding
			caps.Ambient = 0
		}
		p.add(capsStep{caps: caps})
	}
	if r.NoNewPrivs || r.TargetCaps {
		p.add(noNewPrivsStep{})
	}
	p.directory()
	return p.exec()
}

// restoreCaps reports whether capabilities are made ambient for the stage,
// which is so when they came with nsinspect's file and not with uid 0. In
// another user namespace they mean nothing any more.
func (p *Plan) restoreCaps() bool {
	s := &p.facts.Self
	if p.Join.Has(inspect.User) || p.New.Has(inspect.User) {
		return false
	}
	return s.UID != 0 && s.Caps.Permitted != 0 || p.request.TargetCaps && s.Caps.Inheritable != 0
}

func (p *Plan) directory() {
	r := p.request
	moved := p.has(func(s Step) bool { _, ok := s.(rootStep); return ok }) || p.Join.Has(inspect.Mnt)
	switch {
	case r.Dir != "":
		p.add(dirStep{path: r.Dir})
	case r.TargetDir:
		p.add(dirStep{dir: dirHandle(r.Target.proc() + "/cwd"), name: "the target's working directory"})
		moved = true
	}
	if moved {
		p.add(insideStep{})
	}
}

func (p *Plan) exec() error {
	r := p.request
	env := p.environment()
	s := execStep{argv: r.Command, env: env}
	if len(r.Command) == 0 {
		s.shell, s.name = true, "a shell"
		if shell := lookup(env, "SHELL"); strings.HasPrefix(shell, "/") {
			s.paths = append(s.paths, shell)
		}
		if !slices.Contains(s.paths, fallbackShell) {
			s.paths = append(s.paths, fallbackShell)
		}
		s.hint = p.noShellHint()
	} else {
		name := r.Command[0]
		if name == "" {
			return &HintError{errors.New("the command is empty"), "nsinspect enter TARGET -- COMMAND"}
		}
		s.name, s.paths = quote(name), search(name, lookup(env, "PATH"))
		if p.Join.Has(inspect.Mnt) {
			s.hint = p.noCommandHint()
		}
	}
	p.add(s)
	return nil
}

// noShellHint is for containers without a shell: the host has one.
func (p *Plan) noShellHint() string {
	if !p.Join.Has(inspect.Mnt) {
		return "name a command: nsinspect enter TARGET -- COMMAND"
	}
	return "there is no shell inside" + p.withoutMnt()
}

func (p *Plan) noCommandHint() string { return "there is no such command inside" + p.withoutMnt() }

// withoutMnt is how to get at what else is joined with the tools of the host,
// or where that is nothing at the files; "" without a target.
func (p *Plan) withoutMnt() string {
	rest := p.Join &^ SetOf(inspect.Mnt, inspect.PID, inspect.User)
	switch {
	case p.request.Target.PID == 0:
		return ""
	case rest == 0:
		return "; the tools of the host reach its files: ls -l " + p.request.Target.proc() + "/root/"
	}
	if p.Join.Has(inspect.User) && !p.almighty() {
		rest |= SetOf(inspect.User)
	}
	line := "; keep the mount namespace of the host and use its tools: nsinspect enter " + p.request.Target.Word
	for _, t := range rest.List() {
		line += " --" + t.String()
	}
	return line
}

// search returns where a command may be, as execvp(3) looks for it. Relative
// directories in PATH are left out: what they mean changes on the way.
func search(name, path string) []string {
	if strings.Contains(name, "/") {
		return []string{name}
	}
	var paths []string
	for _, dir := range filepath.SplitList(path) {
		if strings.HasPrefix(dir, "/") {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths
}

// environment is what the command gets.
func (p *Plan) environment() []string {
	r := p.request
	env := r.Env
	switch {
	case r.EnvOfTarget:
		env = p.facts.Target.Env
	case r.ClearEnv:
		env = []string{"PATH=" + standardPath}
		if term := lookup(r.Env, "TERM"); term != "" {
			env = append(env, "TERM="+term)
		}
	}
	path := lookup(env, "PATH")
	switch {
	case path == "":
		return replace(env, "PATH", standardPath)
	case p.Join.Has(inspect.Mnt) && !r.EnvOfTarget:
		// The host's PATH may name none of the directories of the target.
		return replace(env, "PATH", extend(path))
	}
	return env
}

func extend(path string) string {
	have := filepath.SplitList(path)
	for dir := range strings.SplitSeq(standardPath, ":") {
		if !slices.Contains(have, dir) {
			path += ":" + dir
		}
	}
	return path
}

func lookup(env []string, name string) string {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			return v
		}
	}
	return ""
}

// replace returns env with name set to value.
func replace(env []string, name, value string) []string {
	out := make([]string, 0, len(env)+1)
	for _, e := range env {
		if !strings.HasPrefix(e, name+"=") {
			out = append(out, e)
		}
	}
	return append(out, fmt.Sprintf("%s=%s", name, value))
}
