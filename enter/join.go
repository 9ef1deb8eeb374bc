package enter

import (
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
	"nsinspect/inspect"
)

// joinStep joins namespaces that exist.
type joinStep struct {
	almighty bool   // nothing is out of our power, as far as capabilities go
	process  string // name of the target, "" when all come from files
	pidfd    handle // of the target; zero when only descriptors will do
	spaces   []space
}

// space is a namespace to join.
type space struct {
	kind  inspect.Type
	id    inspect.ID // zero when unknown
	owner inspect.ID // its owning user namespace, zero when unknown
	from  string     // "" for the target, else where it is from
	ns    handle
}

func (s space) words() string {
	if s.from == "" {
		return s.kind.String()
	}
	return s.kind.String() + " (" + s.from + ")"
}

func (s joinStep) kinds() Kinds {
	var k Kinds
	for _, x := range s.spaces {
		k |= SetOf(x.kind)
	}
	return k
}

func (s joinStep) Words() string {
	var names []string
	for _, x := range s.spaces {
		names = append(names, x.words())
	}
	w := "join the " + list(names) + " namespace"
	if len(names) > 1 {
		w += "s"
	}
	if s.process != "" {
		w += " of " + s.process
	}
	return w
}

// Needs lists who owns what is joined, see setns(2).
func (s joinStep) Needs() string {
	var owners, parts []string
	owned := map[string][]string{}
	user := inspect.ID{}
	for _, x := range s.spaces {
		if x.kind == inspect.User {
			user = x.id
			parts = append(parts, capSysAdmin+" in "+userName(x.id))
		}
	}
	for _, x := range s.spaces {
		if x.kind == inspect.User || !user.IsZero() && x.owner == user {
			continue
		}
		name := userName(x.owner)
		if owned[name] == nil {
			owners = append(owners, name)
		}
		owned[name] = append(owned[name], x.kind.String())
	}
	for _, name := range owners {
		parts = append(parts, capSysAdmin+" in "+name+", which owns "+list(owned[name]))
	}
	if s.kinds().Has(inspect.Mnt) {
		parts = append(parts, capSysChroot)
	}
	return strings.Join(parts, "; ")
}

func userName(id inspect.ID) string {
	if id.IsZero() {
		return "the owning user namespace"
	}
	return fmt.Sprintf("user:[%d]", id.Ino)
}

func (s joinStep) handles() []handle {
	var list []handle
	if s.pidfd != (handle{}) {
		list = append(list, s.pidfd)
	}
	for _, x := range s.spaces {
		list = append(list, x.ns)
	}
	return list
}

// compile joins all at once by the pidfd (Linux 5.8): that is atomic and the
// kernel takes the user namespace into account. Where that fails, one by one:
// it names the kind that does not work. All but user first, with their
// errors kept; then user; then again what did not work without it.
func (s joinStep) compile(c *compiler) {
	done := c.NewLabel()
	if s.pidfd != (handle{}) {
		single := c.NewLabel()
		c.SyscallTo(single, unix.SYS_SETNS, c.fd(s.pidfd), c.Const(s.kinds().flags()))
		c.Jump(done)
		c.Place(single)
	}
	results := make([]stage.Cell, len(s.spaces))
	for i, x := range s.spaces {
		if x.kind != inspect.User {
			results[i] = c.Try(unix.SYS_SETNS, c.fd(x.ns), c.Const(cloneFlags[x.kind]))
		}
	}
	for i := len(s.spaces) - 1; i >= 0; i-- {
		x := s.spaces[i]
		joined := c.NewLabel()
		if x.kind != inspect.User {
			c.JumpEqual(results[i], stage.Zero, joined)
		}
		c.Must(s.failure(x), unix.SYS_SETNS, c.fd(x.ns), c.Const(cloneFlags[x.kind]))
		c.Place(joined)
	}
	c.Place(done)
}

func (s joinStep) failure(x space) stage.Failure {
	step := "join the " + x.words() + " namespace"
	if x.from == "" && s.process != "" {
		step += " of " + s.process
	}
	hints := map[syscall.Errno]string{
		unix.EPERM: fmt.Sprintf("it takes %s in %s, which owns it: run as root (sudo)", capSysAdmin, userName(x.owner)),
	}
	if s.almighty {
		hints[unix.EPERM] = forbidden
	}
	switch x.kind {
	case inspect.User:
		if !s.almighty {
			hints[unix.EPERM] = fmt.Sprintf("it takes %s in %s: run as root (sudo) or as its owner", capSysAdmin, userName(x.id))
		}
		hints[unix.EINVAL] = "this process is in that user namespace already"
	case inspect.PID:
		hints[unix.EINVAL] = "a pid namespace can be joined from itself or from an ancestor only: leave --pid out"
	case inspect.Mnt:
		hints[unix.EPERM] += "; it also takes " + capSysChroot + " here"
	}
	return stage.Failure{Step: step, Hints: hints}
}
