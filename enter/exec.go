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
	name  string   // as it is shown: what the user wrote
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
	paths := c.Vector(s.paths)
	s.tryPaths(c, paths, best, failed)
	c.JumpEqual(best, c.Const(-int64(unix.ENOENT)), missing)
	c.Place(failed)
	c.Fail(stage.Failure{Step: "run " + s.name, Exit: exitNotExecutable}, best)
	c.Place(missing)
	s.present(c, paths, best)
	var hints map[syscall.Errno]string
	if s.hint != "" {
		hints = map[syscall.Errno]string{unix.ENOENT: s.hint}
	}
	c.Fail(stage.Failure{Step: "run " + s.name, Exit: exitNotFound, Hints: hints}, best)
}

// tryPaths executes the first of the paths that can be, as execvp(3) does. It
// goes on when all are missing or forbidden; best has the reason.
func (s execStep) tryPaths(c *compiler, paths stage.Addr, best stage.Cell, failed stage.Label) {
	argv := s.argv
	if s.shell {
		argv = []string{""}
	}
	args, env := c.Vector(argv), c.Address(c.Vector(s.env))
	script := c.Vector(append([]string{"sh", ""}, argv[1:]...))
	tried, noexec, next, end := c.NewLabel(), c.NewLabel(), c.NewLabel(), c.NewLabel()

	at := c.Var(0)
	c.Move(at, c.Address(paths))
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

// present tells of a file that is there and cannot run: what execve(2) did not
// find is its interpreter then.
func (s execStep) present(c *compiler, paths stage.Addr, reason stage.Cell) {
	next, end, at := c.NewLabel(), c.NewLabel(), c.Var(0)
	c.Move(at, c.Address(paths))
	loop := c.Loop()
	path := c.Compute(stage.Load, at, stage.Zero)
	c.JumpEqual(path, stage.Zero, end)
	c.SyscallTo(next, unix.SYS_FACCESSAT, c.Const(unix.AT_FDCWD), path, stage.Zero)
	c.Fail(stage.Failure{Step: "run " + s.name, Exit: exitNotFound, Hints: map[syscall.Errno]string{
		unix.ENOENT: "the file is there, what it needs is not: the interpreter of its #! line, or the dynamic loader that it was linked for (file, ldd)",
	}}, reason)
	c.Place(next)
	c.Set(at, stage.Add, at, c.Const(8))
	c.Jump(loop)
	c.Place(end)
}
