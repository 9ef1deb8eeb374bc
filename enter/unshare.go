package enter

import (
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
	"nsinspect/inspect"
)

// unshareStep makes namespaces of other kinds than user.
type unshareStep struct {
	kinds   Kinds
	newUser bool // in a new user namespace
}

func (s unshareStep) Words() string {
	w := "make new namespaces: "
	if len(s.kinds.List()) == 1 {
		w = "make a new namespace: "
	}
	return w + s.kinds.String()
}

func (s unshareStep) Needs() string {
	if s.newUser {
		return capSysAdmin + " in the new user namespace, which has it"
	}
	return capSysAdmin
}

func (s unshareStep) handles() []handle { return nil }

// compile makes all at once; where that fails one by one, to name the kind.
func (s unshareStep) compile(c *compiler) {
	single, done := c.NewLabel(), c.NewLabel()
	c.SyscallTo(single, unix.SYS_UNSHARE, c.Const(s.kinds.flags()))
	c.Jump(done)
	c.Place(single)
	for _, t := range s.kinds.List() {
		c.Must(stage.Failure{Step: "make a new " + t.String() + " namespace", Hints: s.hints(t)},
			unix.SYS_UNSHARE, c.Const(cloneFlags[t]))
	}
	c.Place(done)
}

func (s unshareStep) hints(t inspect.Type) map[syscall.Errno]string {
	eperm := "it takes " + capSysAdmin + ": run as root (sudo), or add --new-user"
	if s.newUser {
		eperm = "the new user namespace has no power here: sysctl kernel.apparmor_restrict_unprivileged_userns"
	}
	return map[syscall.Errno]string{
		unix.EPERM:  eperm,
		unix.ENOSPC: "the limit is reached: sysctl user.max_" + t.String() + "_namespaces",
		unix.EINVAL: "the kernel has no " + t.String() + " namespaces",
	}
}

// offsetsStep sets the clocks of the new time namespace, while it is empty.
type offsetsStep struct {
	plain
	monotonic, boottime *time.Duration
}

func (s offsetsStep) Words() string {
	var parts []string
	if s.monotonic != nil {
		parts = append(parts, "monotonic by "+s.monotonic.String())
	}
	if s.boottime != nil {
		parts = append(parts, "boottime by "+s.boottime.String())
	}
	return "shift its clocks: " + list(parts)
}

func (s offsetsStep) Needs() string { return "CAP_SYS_TIME in its user namespace" }

// text is what time_namespaces(7) wants written: "clock seconds nanoseconds",
// the nanoseconds not negative.
func (s offsetsStep) text() string {
	line := func(clock string, d *time.Duration) string {
		if d == nil {
			return ""
		}
		seconds, rest := int64(*d/time.Second), int64(*d%time.Second)
		if rest < 0 {
			seconds, rest = seconds-1, rest+int64(time.Second)
		}
		return fmt.Sprintf("%s %d %d\n", clock, seconds, rest)
	}
	return line("monotonic", s.monotonic) + line("boottime", s.boottime)
}

func (s offsetsStep) compile(c *compiler) {
	text := s.text()
	c.Must(stage.Failure{Step: "set the time offsets", Hints: map[syscall.Errno]string{
		unix.ERANGE: "no clock can be set to before the boot: a negative offset must be less than the uptime",
		unix.EPERM:  "it takes CAP_SYS_TIME: run as root (sudo), or add --new-user",
	}}, unix.SYS_WRITE, c.offsets, c.String(text), c.Const(int64(len(text))))
}

// timeStep moves the stage into the time namespace that unshare(2) made for
// its children, so that no fork is needed on any kernel.
type timeStep struct{ plain }

func (timeStep) Words() string { return "enter the new time namespace" }

func (timeStep) compile(c *compiler) {
	f := stage.Failure{Step: "enter the new time namespace"}
	fd := c.Must(f, unix.SYS_OPENAT, c.self, c.String("ns/time_for_children"), c.Const(unix.O_RDONLY|unix.O_CLOEXEC))
	c.Must(f, unix.SYS_SETNS, fd, c.Const(unix.CLONE_NEWTIME))
}

// propagationStep separates the mounts of a new mount namespace.
type propagationStep struct {
	plain
	to Propagation
}

func (p Propagation) flag() int64 {
	switch p {
	case Slave:
		return unix.MS_SLAVE
	case Shared:
		return unix.MS_SHARED
	}
	return unix.MS_PRIVATE
}

func (s propagationStep) Words() string { return "make all mounts " + string(s.to) }

func (s propagationStep) compile(c *compiler) {
	c.Must(stage.Failure{Step: s.Words()}, unix.SYS_MOUNT, c.String("none"), c.String("/"), stage.Zero,
		c.Const(unix.MS_REC|s.to.flag()), stage.Zero)
}

// hostnameStep names the new UTS namespace.
type hostnameStep struct {
	plain
	name string
}

func (s hostnameStep) Words() string { return "set the hostname to " + quote(s.name) }

func (s hostnameStep) compile(c *compiler) {
	c.Must(stage.Failure{Step: s.Words()}, unix.SYS_SETHOSTNAME, c.String(s.name), c.Const(int64(len(s.name))))
}
