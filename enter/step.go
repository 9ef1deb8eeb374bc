package enter

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
)

// Step is one thing that is done on the way to the command.
type Step interface {
	// Words say what is done, without a subject: "join the net namespace".
	Words() string
	// Needs says which capability it takes and where; "" for none.
	Needs() string
	// handles are what the step needs open.
	handles() []handle
	compile(c *compiler)
}

// compiler writes steps down as a program.
type compiler struct {
	*stage.Program
	plan    *Plan
	fds     map[handle]int
	self    stage.Cell // descriptor of /proc/self as it was in the beginning
	offsets stage.Cell // descriptor of its timens_offsets
	keeper  *keeper    // the process that binds new namespaces to files
	parent  stage.Addr // struct pollfd that tells whether the supervisor has died
}

// fd is the constant cell of an open handle.
func (c *compiler) fd(x handle) stage.Cell { return c.Const(int64(c.fds[x])) }

func (c *compiler) prctl(option, value int64) stage.Cell {
	return c.Try(unix.SYS_PRCTL, c.Const(option), c.Const(value))
}

// mustUnless is a system call whose failure ends the program, unless it is for
// the reason accepted; 0 is none.
func (c *compiler) mustUnless(accepted syscall.Errno, f stage.Failure, nr uintptr, args ...stage.Cell) {
	if accepted == 0 {
		c.Must(f, nr, args...)
		return
	}
	failed, done := c.NewLabel(), c.NewLabel()
	result := c.SyscallTo(failed, nr, args...)
	c.Jump(done)
	c.Place(failed)
	c.JumpEqual(result, c.Const(-int64(accepted)), done)
	c.Fail(f, result)
	c.Place(done)
}

// dumpable says whether others may look into the stage by way of /proc and
// ptrace(2). It is so only while it writes to its own files in /proc.
func (c *compiler) dumpable(v int64) { c.prctl(unix.PR_SET_DUMPABLE, v) }

// compile writes the plan down as a program. fds are the open handles; guard
// is called first.
func (p *Plan) compile(fds map[handle]int, guard func(*stage.Program)) *stage.Program {
	c := &compiler{Program: stage.New(), plan: p, fds: fds}
	guard(c.Program)
	c.begin()
	for _, s := range p.Steps {
		s.compile(c)
	}
	return c.Program
}

// begin opens what of /proc/self is needed later: by then /proc may be that
// of another pid namespace, and what is the caller's now is root's.
func (c *compiler) begin() {
	at := c.Const(unix.AT_FDCWD)
	if c.plan.needsSelf() {
		c.self = c.Must(stage.Failure{Step: "open /proc/self"}, unix.SYS_OPENAT, at, c.String("/proc/self"), c.Const(unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC))
	}
	if c.plan.has(func(s Step) bool { _, ok := s.(offsetsStep); return ok }) {
		c.offsets = c.Must(stage.Failure{Step: "open /proc/self/timens_offsets"}, unix.SYS_OPENAT, at, c.String("/proc/self/timens_offsets"), c.Const(unix.O_WRONLY|unix.O_CLOEXEC))
	}
	c.Try(unix.SYS_PRCTL, c.Const(unix.PR_SET_NAME), c.String("nsinspect-enter"))
	c.dumpable(0)
}

// handles returns what must be open for the plan, each once.
func (p *Plan) handles() []handle {
	var list []handle
	seen := map[handle]bool{}
	for _, s := range p.Steps {
		for _, x := range s.handles() {
			if !seen[x] {
				seen[x] = true
				list = append(list, x)
			}
		}
	}
	return list
}

func (p *Plan) has(match func(Step) bool) bool {
	for _, s := range p.Steps {
		if match(s) {
			return true
		}
	}
	return false
}

// needsSelf reports whether a step uses files of /proc/self.
func (p *Plan) needsSelf() bool {
	return p.has(func(s Step) bool {
		switch s := s.(type) {
		case newUserStep:
			return !s.ranges
		case offsetsStep, timeStep, keepStep:
			return true
		}
		return false
	})
}

// plain is the part of a step that opens nothing and needs no privilege.
type plain struct{}

func (plain) Needs() string     { return "" }
func (plain) handles() []handle { return nil }

const (
	capSysAdmin  = "CAP_SYS_ADMIN"
	capSysChroot = "CAP_SYS_CHROOT"
)

// list joins words as in "a, b and c".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
