package live

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/mounts"
)

// capture is one run of Collect.
type capture struct {
	Options
	dir  string // where proc is mounted
	root int    // an open descriptor of it
	self int    // our own pid as it sees it; 0 when it does not
	dev  uint64 // of nsfs
	// hidden is set when proc does not show processes of other users.
	hidden bool
	p      problems
	tasks  taskSource

	observer  inspect.Observer
	host      inspect.Host
	procs     []inspect.Process
	infos     int // how many processes Info was asked of
	groups    []*group
	ns        namespaces
	refs      []inspect.Ref
	engines   engineAnswer
	found     containers
	networks  []inspect.Network
	resolvers []inspect.Resolver
	// netProblems are of the networks.
	netProblems []inspect.Problem
	focus       []int // pids, ascending; nil for all
	mounts      []inspect.Mount
	binds       mounts.Result
	census      *inspect.Census
}

func newCapture(o Options) (*capture, error) {
	c := &capture{Options: o, dir: o.ProcRoot}
	if c.dir == "" {
		c.dir = "/proc"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	var err error
	if c.root, err = openProc(c.dir); err != nil {
		return nil, err
	}
	if err := c.prepare(); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// prepare finds out what this proc is good for.
func (c *capture) prepare() error {
	c.self = ownPID(c.root)
	var err error
	if c.dev, err = nsfsDevice(c.root, c.dir, c.self); err != nil {
		return err
	}
	c.checkProc()
	for _, pid := range c.Only {
		if err := c.checkProcess(pid); err != nil {
			return err
		}
	}
	c.tasks = newProcTasks(c.root, c.dir, c.dev).read
	return nil
}

func (c *capture) close() {
	unix.Close(c.root)
	for _, e := range c.ns.list {
		if e.fd > 0 {
			unix.Close(e.fd)
		}
	}
}

// where names a namespace in a message.
func (c *capture) where(e *entry) string {
	return fmt.Sprintf("%s:[%d]", e.ns.Type, e.ns.ID.Ino)
}
