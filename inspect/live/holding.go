package live

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/holders"
	"nsinspect/inspect/live/mounts"
)

// keptFiles is how many namespaces that have no process may be kept open until
// the capture ends, so that they can be asked more.
const keptFiles = 512

// readMounts reads which namespaces are mounted somewhere, and with FactMounts
// everything that is mounted.
func (c *capture) readMounts(ctx context.Context) error {
	if c.Facts&(inspect.FactBinds|inspect.FactMounts|inspect.FactResolvers) == 0 {
		return nil
	}
	c.binds = mounts.Scan(ctx, mounts.Options{
		Proc: c.root, NSDev: c.dev, Processes: c.procs, Known: c.ns.facts(), Keep: keptFiles,
		All: c.Facts&(inspect.FactMounts|inspect.FactResolvers) != 0, Report: c.p.add,
	})
	c.mounts = append(c.mounts, c.binds.Mounts...)
	c.addFound(c.binds.Namespaces, c.binds.Files)
	if c.Facts.Has(inspect.FactBinds) {
		c.addBinds(c.binds.Refs)
	}
	return ctx.Err()
}

// addBinds adds mounts of namespaces. What readNames saw of the same is left
// out, for these say more.
func (c *capture) addBinds(refs []inspect.Ref) {
	own := c.observer.NS[inspect.LinkMnt]
	type place struct {
		id   inspect.ID
		path string
	}
	mounted := map[place]bool{}
	for _, r := range refs {
		if r.MountNS == own {
			mounted[place{r.NS, r.Path}] = true
		}
		if e := c.ns.known(r.NS); e != nil {
			e.paths = append(e.paths, c.pathOf(r)...)
		}
	}
	for _, r := range c.refs {
		if r.Kind != inspect.RefMount || !mounted[place{r.NS, r.Path}] {
			refs = append(refs, r)
		}
	}
	c.refs = refs
}

// pathOf is where a mount of a namespace can be opened. In another mount
// namespace that is below the root of a process in it.
func (c *capture) pathOf(r inspect.Ref) []string {
	if r.MountNS == c.observer.NS[inspect.LinkMnt] {
		return []string{r.Path}
	}
	if e := c.ns.known(r.MountNS); e != nil && len(e.tasks) > 0 {
		return []string{fmt.Sprintf("%s/%s/root%s", c.dir, c.taskPath(e.tasks[0].group.tasks[0]), r.Path)}
	}
	return nil
}

// readFiles reads which namespaces the open files of all processes hold.
func (c *capture) readFiles(ctx context.Context) error {
	o := holders.Options{
		Files: c.Facts.Has(inspect.FactFDs), Sockets: c.Facts.Has(inspect.FactSockets), InFlight: c.Facts.Has(inspect.FactInFlight),
		Proc: c.root, PIDs: c.pids(), NSDev: c.dev, Known: c.ns.facts(), Keep: keptFiles,
		ProcDevs: c.binds.ProcDevs, MountNS: c.binds.ByMount, Report: c.p.add,
	}
	if o.Sockets && c.Sockets != nil && !c.Sockets(inspect.NewIndex(c.snapshot())) {
		o.Sockets = false
		c.Facts &^= inspect.FactSockets
	}
	if !o.Files && !o.Sockets && !o.InFlight {
		return nil
	}
	res := holders.Scan(ctx, o)
	c.addFound(res.Namespaces, res.Files)
	c.refs = append(c.refs, res.Refs...)
	c.enterMounts(res.Namespaces)
	return ctx.Err()
}

// enterMounts reads the mounts of mount namespaces without process that were
// found by an open file, where the kernel does not list them all.
func (c *capture) enterMounts(found []inspect.Namespace) {
	for _, ns := range found {
		e := c.ns.known(ns.ID)
		if ns.Type != inspect.Mnt || e.fd == 0 || c.binds.Read == nil || c.binds.Read[ns.ID] {
			continue
		}
		res, err := mounts.Enter(c.root, e.fd, mounts.Options{
			NSDev: c.dev, Known: c.ns.facts(), All: c.Facts.Has(inspect.FactMounts), Report: c.p.add,
		})
		if err != nil {
			c.p.add("read mounts", c.where(e), 0, err)
			continue
		}
		c.mounts = append(c.mounts, res.Mounts...)
		c.addFound(res.Namespaces, nil)
		c.refs = append(c.refs, res.Refs...)
	}
}

func (c *capture) pids() []int {
	pids := make([]int, len(c.procs))
	for i := range c.procs {
		pids[i] = c.procs[i].PID
	}
	return pids
}

// addFound adds namespaces that no task's link leads to.
func (c *capture) addFound(list []inspect.Namespace, files map[inspect.ID]int) {
	for _, ns := range list {
		e := c.ns.add(ns.ID, ns.Type)
		if e.fd == 0 {
			e.fd = files[ns.ID]
		} else if fd := files[ns.ID]; fd != 0 {
			unix.Close(fd)
		}
		if ns.Serial != 0 || !ns.Owner.IsZero() {
			e.ns, e.described = ns, true
		}
	}
}

// soleHolders returns the processes that have a file of a namespace that no
// task is in, by index, and marks them as tried: who they are is all that there is to tell of it.
func (c *capture) soleHolders(tried map[int]bool) []int {
	at := map[int]int{}
	var list []int
	for i := range c.refs {
		r := &c.refs[i]
		if r.PID == 0 {
			continue
		}
		if e := c.ns.known(r.NS); e != nil && len(e.tasks) > 0 {
			continue
		}
		if len(at) == 0 {
			for i := range c.procs {
				at[c.procs[i].PID] = i
			}
		}
		if i, ok := at[r.PID]; ok && !tried[i] {
			tried[i] = true
			list = append(list, i)
		}
	}
	return list
}
