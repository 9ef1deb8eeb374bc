package live

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/mounts"
)

// capture is one run of Collect.
type capture struct {
	Options
	dir   string // where proc is mounted
	root  int    // an open descriptor of it
	self  int    // our own pid as it sees it; 0 when it does not
	dev   uint64 // of nsfs
	p     problems
	tasks taskSource

	observer inspect.Observer
	procs    []inspect.Process
	groups   []*group
	ns       namespaces
	refs     []inspect.Ref
	engines  engineAnswer
	found    containers
	networks []inspect.Network
	// netProblems are of the networks.
	netProblems []inspect.Problem
	focus       []int // pids, ascending; nil for all
	mounts      []inspect.Mount
	binds       mounts.Result
}

func newCapture(o Options) (*capture, error) {
	c := &capture{Options: o, dir: o.ProcRoot}
	if c.dir == "" {
		c.dir = "/proc"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	root, err := openProc(c.dir)
	if err != nil {
		return nil, err
	}
	c.root = root
	if c.dev, err = nsfsDevice(root); err != nil {
		c.close()
		return nil, err
	}
	c.self = ownPID(root)
	c.tasks = newProcTasks(root, c.dir, c.dev).read
	return c, nil
}

func (c *capture) close() {
	unix.Close(c.root)
	for _, e := range c.ns.list {
		if e.fd > 0 {
			unix.Close(e.fd)
		}
	}
}

// openProc opens a mount of proc.
func openProc(dir string) (int, error) {
	root, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, &os.PathError{Op: "open", Path: dir, Err: err}
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(root, &st); err == nil && st.Type == unix.PROC_SUPER_MAGIC {
		return root, nil
	}
	unix.Close(root)
	return -1, fmt.Errorf("%s is not a proc file system: mount one with 'mount -t proc proc %[1]s'", dir)
}

// ownPID returns our pid as this mount of proc sees it; 0 when it belongs to a
// pid namespace that we are not in.
func ownPID(root int) int {
	var buf [20]byte
	n, err := unix.Readlinkat(root, "self", buf[:])
	if err != nil {
		return 0
	}
	pid, _ := parseUint(buf[:n], 1<<31-1)
	return int(pid)
}

// nsfsDevice returns the device of all namespace files.
func nsfsDevice(root int) (uint64, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(root, "self/ns/net", &st, 0); err != nil {
		return 0, fmt.Errorf("stat own network namespace: %w", err)
	}
	return uint64(st.Dev), nil
}

// where names a namespace in a message.
func (c *capture) where(e *entry) string {
	return fmt.Sprintf("%s:[%d]", e.ns.Type, e.ns.ID.Ino)
}
