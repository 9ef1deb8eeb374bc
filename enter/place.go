package enter

import (
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
)

// bindStep puts files in other places, in the new mount namespace alone.
type bindStep struct {
	plain
	binds []Bind
}

func (s bindStep) Words() string {
	var parts []string
	for _, b := range s.binds {
		parts = append(parts, quote(b.From)+" on "+quote(b.To))
	}
	return "bind " + list(parts)
}

func (s bindStep) compile(c *compiler) {
	for _, b := range s.binds {
		f := stage.Failure{Step: "bind " + quote(b.From) + " on " + quote(b.To), Hints: map[syscall.Errno]string{
			unix.ENOENT: "leave --resolv-conf out, or make the missing file",
		}}
		c.Must(f, unix.SYS_MOUNT, c.String(b.From), c.String(b.To), stage.Zero, c.Const(unix.MS_BIND), stage.Zero)
	}
}

// rootStep changes the root directory to one that was opened before, or to one
// by name: in a new mount namespace, for what was opened lies in the old one.
type rootStep struct {
	dir  handle
	path string
	here bool // to where we are
	name string
}

func (s rootStep) Words() string { return "take " + s.name + " as root directory" }
func (s rootStep) Needs() string { return capSysChroot }

func (s rootStep) handles() []handle {
	if s.path != "" || s.here {
		return nil
	}
	return []handle{s.dir}
}

func (s rootStep) compile(c *compiler) {
	f := stage.Failure{Step: s.Words()}
	switch {
	case s.here:
	case s.path != "":
		c.Must(f, unix.SYS_CHDIR, c.String(s.path))
	default:
		c.Must(f, unix.SYS_FCHDIR, c.fd(s.dir))
	}
	c.Must(f, unix.SYS_CHROOT, c.String("."))
}

// procStep mounts /proc for the pid namespace of the command.
type procStep struct {
	plain
	alone bool // mounts here reach others, and this one must not: /proc would be useless to them
}

func (s procStep) Words() string {
	if s.alone {
		return "make the mounts of /proc private, mount a new /proc"
	}
	return "mount a new /proc"
}

func (s procStep) compile(c *compiler) {
	if s.alone {
		c.Must(stage.Failure{Step: "make the mounts of /proc private", Hints: map[syscall.Errno]string{
			unix.EINVAL: "no /proc is mounted in this root, and a new one would be seen outside: --mount-proc=false, or leave --propagation out",
		}}, unix.SYS_MOUNT, c.String("none"), c.String("/proc"), stage.Zero, c.Const(unix.MS_REC|unix.MS_PRIVATE), stage.Zero)
	}
	c.Must(stage.Failure{Step: "mount /proc", Hints: map[syscall.Errno]string{
		unix.EPERM:  "a user namespace may mount /proc only with a pid namespace of its own and where nothing of /proc is masked: --mount-proc=false",
		unix.ENOENT: "there is no directory /proc in this root: --mount-proc=false",
	}}, unix.SYS_MOUNT, c.String("proc"), c.String("/proc"), c.String("proc"),
		c.Const(unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC), stage.Zero)
}

// cgroupStep moves the process into the target's cgroups. Their files were
// opened with the caller's rights.
type cgroupStep struct{ procs []string }

func (s cgroupStep) Words() string { return "move into the cgroups of the target" }
func (s cgroupStep) Needs() string { return "write access to " + quote(s.procs[0]) }

func (s cgroupStep) handles() []handle {
	var list []handle
	for _, path := range s.procs {
		list = append(list, fileHandle(path, unix.O_WRONLY))
	}
	return list
}

func (s cgroupStep) compile(c *compiler) {
	for _, path := range s.procs {
		c.Must(stage.Failure{Step: "write " + quote(path), Hints: map[syscall.Errno]string{
			unix.EBUSY:  "a version 2 cgroup that hands controllers to its children takes no process: leave --join-cgroup out",
			unix.ENOENT: "the cgroup of the target has gone",
		}}, unix.SYS_WRITE, c.fd(fileHandle(path, unix.O_WRONLY)), c.String("0\n"), c.Const(2))
	}
}

// dirStep goes to a directory: one by name, or one that was opened before.
type dirStep struct {
	path string
	dir  handle
	name string // of dir
}

func (s dirStep) Words() string {
	if s.path == "" {
		return "go to " + s.name
	}
	return "go to " + quote(s.path)
}

func (s dirStep) Needs() string { return "" }

func (s dirStep) handles() []handle {
	if s.path != "" {
		return nil
	}
	return []handle{s.dir}
}

func (s dirStep) compile(c *compiler) {
	if s.path != "" {
		c.Must(stage.Failure{Step: s.Words()}, unix.SYS_CHDIR, c.String(s.path))
		return
	}
	c.Must(stage.Failure{Step: s.Words()}, unix.SYS_FCHDIR, c.fd(s.dir))
}

// insideStep goes to the root directory when the working directory lies out
// of it: no path may lead out of what was joined (CVE-2024-21626).
type insideStep struct{ plain }

func (insideStep) Words() string { return "go to / unless the working directory is below it" }

func (insideStep) compile(c *compiler) {
	const size = 4096
	buf := c.Buffer(size)
	out, in := c.NewLabel(), c.NewLabel()
	c.SyscallTo(out, unix.SYS_GETCWD, c.Address(buf), c.Const(size))
	first := c.Compute(stage.And, c.Load(buf), c.Const(0xff))
	c.JumpEqual(first, c.Const('/'), in) // else "(unreachable)/..."
	c.Place(out)
	c.Must(stage.Failure{Step: "go to /"}, unix.SYS_CHDIR, c.String("/"))
	c.Place(in)
}
