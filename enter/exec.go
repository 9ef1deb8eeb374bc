package enter

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
)

// execStep becomes the command.
type execStep struct {
	plain
	name  string   // as the user wrote it
	argv  []string // of the command
	paths []string // where it is looked for, in order
	env   []string
	hint  string // what to do when it is nowhere
	shell bool   // each path has its own argv: the path itself
}

func (s execStep) Words() string {
	if s.shell {
		return "run a shell: " + strings.Join(s.paths, " or ")
	}
	words := make([]string, len(s.argv))
	for i, a := range s.argv {
		words[i] = quote(a)
	}
	return "run " + strings.Join(words, " ")
}

const (
	exitNotExecutable = 126
	exitNotFound      = 127
	fallbackShell     = "/bin/sh" // for a script without #!, as execvp(3) has it
)

func (s execStep) compile(c *compiler) {
	c.Try(unix.SYS_CLOSE_RANGE, c.Const(3), c.Const(closeAll))
	best := c.Var(-int64(unix.ENOENT)) // the error that says most
	failed, missing := c.NewLabel(), c.NewLabel()
	s.tryPaths(c, best, failed)
	c.JumpEqual(best, c.Const(-int64(unix.ENOENT)), missing)
	c.Place(failed)
	c.Fail(stage.Failure{Step: "run " + quote(s.name), Exit: exitNotExecutable}, best)
	c.Place(missing)
	var hints map[syscall.Errno]string
	if s.hint != "" {
		hints = map[syscall.Errno]string{unix.ENOENT: s.hint}
	}
	c.Fail(stage.Failure{Step: "run " + quote(s.name), Exit: exitNotFound, Hints: hints}, best)
}

// tryPaths executes the first of the paths that can be, as execvp(3) does. It
// goes on when all are missing or forbidden; best has the reason.
func (s execStep) tryPaths(c *compiler, best stage.Cell, failed stage.Label) {
	argv := s.argv
	if s.shell {
		argv = []string{""}
	}
	args, env := c.Vector(argv), c.Address(c.Vector(s.env))
	script := c.Vector(append([]string{"sh", ""}, argv[1:]...))
	tried, noexec, next, end := c.NewLabel(), c.NewLabel(), c.NewLabel(), c.NewLabel()

	at := c.Var(0)
	c.Move(at, c.Address(c.Vector(s.paths)))
	loop := c.Loop()
	path := c.Compute(stage.Load, at, stage.Zero)
	c.JumpEqual(path, stage.Zero, end)
	c.Store(script+8, path)
	if s.shell {
		c.Store(args, path)
	}
	result := c.SyscallTo(tried, unix.SYS_EXECVE, path, c.Address(args), env)
	c.Place(tried)
	c.JumpEqual(result, c.Const(-int64(unix.ENOENT)), next)
	c.JumpEqual(result, c.Const(-int64(unix.ENOTDIR)), next)
	c.Move(best, result)
	c.JumpEqual(result, c.Const(-int64(unix.EACCES)), next)
	c.JumpEqual(result, c.Const(-int64(unix.ENOEXEC)), noexec)
	c.Jump(failed)
	c.Place(noexec)
	c.Try(unix.SYS_EXECVE, c.String(fallbackShell), c.Address(script), env)
	c.Jump(failed)
	c.Place(next)
	c.Set(at, stage.Add, at, c.Const(8))
	c.Jump(loop)
	c.Place(end)
}
