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
	argv, env := c.Strings(s.argv), c.Strings(s.env)
	best := c.Var(-int64(unix.ENOENT)) // the error that says most
	failed, missing := c.NewLabel(), c.NewLabel()
	for _, path := range s.paths {
		if s.shell {
			argv = c.Strings([]string{path})
		}
		tried, script, next := c.NewLabel(), c.NewLabel(), c.NewLabel()
		result := c.SyscallTo(tried, unix.SYS_EXECVE, c.String(path), argv, env)
		c.Place(tried)
		c.JumpEqual(result, c.Const(-int64(unix.ENOENT)), next)
		c.JumpEqual(result, c.Const(-int64(unix.ENOTDIR)), next)
		c.Move(best, result)
		c.JumpEqual(result, c.Const(-int64(unix.EACCES)), next)
		c.JumpEqual(result, c.Const(-int64(unix.ENOEXEC)), script)
		c.Jump(failed)
		c.Place(script)
		c.Try(unix.SYS_EXECVE, c.String(fallbackShell), c.Strings(append([]string{"sh", path}, s.argv[min(1, len(s.argv)):]...)), env)
		c.Jump(failed)
		c.Place(next)
	}
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
