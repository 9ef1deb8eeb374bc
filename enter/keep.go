package enter

import (
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"nsinspect/enter/stage"
	"nsinspect/inspect"
)

// keepStep binds new namespaces to files, so that they outlive the command.
// The files are where and with the rights from which we started: a child that
// was forked before anything was joined mounts them. It shares our
// descriptors, by which it gets the namespaces.
type keepStep struct{ files []File }

func (s keepStep) Words() string {
	var parts []string
	for _, f := range s.files {
		parts = append(parts, f.Type.String()+" on "+quote(f.Path))
	}
	return "fork a child that will bind the new namespaces: " + list(parts)
}

func (s keepStep) Needs() string { return capSysAdmin + " in the owner of our mount namespace" }

func (s keepStep) handles() []handle {
	var list []handle
	for _, f := range s.files {
		list = append(list, reserved(f.Type))
	}
	return list
}

// reserved is the number on which a new namespace is put for the child.
func reserved(t inspect.Type) handle { return handle{sort: handleReserved, fd: int(t)} }

// keeper is the child as the rest of the program knows it.
type keeper struct {
	files      []File
	pid, event stage.Cell
	wait       stage.Addr
}

func (s keepStep) compile(c *compiler) {
	k := &keeper{files: s.files, wait: c.Buffer(8)}
	c.keeper = k
	failed := stage.Failure{Step: "fork the child that binds namespaces"}
	c.watchParent()
	k.event = c.Must(failed, unix.SYS_EVENTFD2, stage.Zero, stage.Zero)
	k.pid = c.Must(failed, unix.SYS_CLONE, c.Const(unix.CLONE_FILES|int64(unix.SIGCHLD)))
	child, after := c.NewLabel(), c.NewLabel()
	c.JumpEqual(k.pid, stage.Zero, child)
	c.Jump(after)
	c.Place(child)
	c.dieWithParent()
	c.Must(failed, unix.SYS_READ, k.event, c.Address(c.Buffer(8)), c.Const(8))
	for _, f := range s.files {
		keepFile(c, f)
	}
	c.Exit(stage.Zero)
	c.Place(after)
}

// keepFile makes the file and mounts the namespace on it.
func keepFile(c *compiler, f File) {
	if _, ok := netnsName(f.Path); ok {
		netnsDir(c, filepath.Dir(f.Path))
	}
	at, path := c.Const(unix.AT_FDCWD), c.String(f.Path)
	needs := "it takes " + capSysAdmin + " here: run as root (sudo)"
	step := stage.Failure{Step: "make " + quote(f.Path), Hints: map[syscall.Errno]string{
		unix.EACCES: needs, unix.EPERM: needs,
		unix.ENOENT: "make its directory first: mkdir -p " + quote(filepath.Dir(f.Path)),
	}}
	exists, made, mount := c.NewLabel(), c.Var(0), c.NewLabel()
	fd := c.SyscallTo(exists, unix.SYS_OPENAT, at, path, c.Const(unix.O_RDONLY|unix.O_CREAT|unix.O_EXCL|unix.O_CLOEXEC), c.Const(0o444))
	c.Try(unix.SYS_CLOSE, fd)
	c.Move(made, c.Const(1))
	c.Jump(mount)
	c.Place(exists)
	other := c.NewLabel()
	c.JumpEqual(fd, c.Const(-int64(unix.EEXIST)), mount)
	c.Place(other)
	c.Fail(step, fd)

	c.Place(mount)
	failed, done, keep := c.NewLabel(), c.NewLabel(), c.NewLabel()
	result := c.SyscallTo(failed, unix.SYS_MOUNT, c.String(handlePath(c.fds[reserved(f.Type)])), path, stage.Zero, c.Const(unix.MS_BIND), stage.Zero)
	c.Jump(done)
	c.Place(failed)
	c.JumpEqual(made, stage.Zero, keep)
	c.Try(unix.SYS_UNLINKAT, at, path, stage.Zero)
	c.Place(keep)
	c.Fail(stage.Failure{Step: "bind the " + f.Type.String() + " namespace to " + quote(f.Path), Hints: map[syscall.Errno]string{
		unix.EINVAL: "a mount namespace can be bound only where mounts are private: mount --bind DIR DIR; mount --make-private DIR",
		unix.EPERM:  needs,
	}}, result)
	c.Place(done)
}

func handlePath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// netnsDir prepares the directory of ip-netns(8) as that does: a shared mount,
// so that what is mounted and unmounted there reaches all mount namespaces.
func netnsDir(c *compiler, dir string) {
	path := c.String(dir)
	f := stage.Failure{Step: "prepare " + dir, Hints: map[syscall.Errno]string{
		unix.EPERM: "it takes " + capSysAdmin + " here: run as root (sudo)", unix.ENOENT: "it takes the right to make it: run as root (sudo)",
	}}
	c.Try(unix.SYS_MKDIRAT, c.Const(unix.AT_FDCWD), path, c.Const(0o755))
	share := func(to stage.Label) {
		c.SyscallTo(to, unix.SYS_MOUNT, c.String(""), path, c.String("none"), c.Const(unix.MS_SHARED|unix.MS_REC), stage.Zero)
	}
	bind, done := c.NewLabel(), c.NewLabel()
	share(bind)
	c.Jump(done)
	c.Place(bind) // not a mount point yet
	c.Must(f, unix.SYS_MOUNT, path, path, c.String("none"), c.Const(unix.MS_BIND|unix.MS_REC), stage.Zero)
	c.Must(f, unix.SYS_MOUNT, c.String(""), path, c.String("none"), c.Const(unix.MS_SHARED|unix.MS_REC), stage.Zero)
	c.Place(done)
}

// release hands the namespaces over and waits until they are bound. A new pid
// namespace can be bound once it has its first process; when says that this
// is the case now.
func (k *keeper) release(c *compiler, when inspect.Type) {
	if k == nil || k.last() != when {
		return
	}
	f := stage.Failure{Step: "hand the new namespaces over"}
	for _, file := range k.files {
		fd := c.Must(f, unix.SYS_OPENAT, c.self, c.String("ns/"+newLink(file.Type)), c.Const(unix.O_RDONLY|unix.O_CLOEXEC))
		c.Must(f, unix.SYS_DUP3, fd, c.fd(reserved(file.Type)), stage.Zero)
		c.Try(unix.SYS_CLOSE, fd)
	}
	one := c.Buffer(8)
	c.Store(one, c.Const(1))
	c.Must(f, unix.SYS_WRITE, k.event, c.Address(one), c.Const(8))
	again := c.Loop()
	done, failed, interrupted := c.NewLabel(), c.NewLabel(), c.NewLabel()
	pid := c.SyscallTo(interrupted, unix.SYS_WAIT4, k.pid, c.Address(k.wait))
	c.JumpEqual(pid, k.pid, failed)
	c.Place(interrupted)
	c.JumpEqual(pid, c.Const(-int64(unix.EINTR)), again)
	c.Place(failed)
	c.JumpEqual(c.Compute(stage.And, c.Load(k.wait), c.Const(0xffff)), stage.Zero, done)
	c.Exit(c.Const(125)) // the child has said why
	c.Place(done)
}

// last is PID when a pid namespace is among the files, else 0.
func (k *keeper) last() inspect.Type {
	for _, f := range k.files {
		if f.Type == inspect.PID {
			return inspect.PID
		}
	}
	return 0
}

// newLink is the name in /proc/PID/ns of what unshare(2) made.
func newLink(t inspect.Type) string {
	if t == inspect.PID {
		return "pid_for_children"
	}
	return t.String()
}

// keptStep marks where the namespaces are there, if not for pid.
type keptStep struct{ plain }

func (keptStep) Words() string { return "wait until the new namespaces are bound" }

func (keptStep) compile(c *compiler) { c.keeper.release(c, 0) }
