package live

import (
	"context"

	"nsinspect/inspect"
)

// readLeads reads Info of the first process of each group; where that is gone
// of the next one.
func (c *capture) readLeads(ctx context.Context) error {
	var leads []int
	chosen := make(map[int]bool, len(c.groups))
	for _, g := range c.groups {
		if i := g.tasks[0].proc; !chosen[i] {
			chosen[i] = true
			leads = append(leads, i)
		}
	}
	err := c.readInfos(ctx, leads)
	r := c.infoReader()
	for _, g := range c.groups {
		for _, t := range g.tasks {
			if c.procs[t.proc].Info == nil && !chosen[t.proc] {
				c.procs[t.proc].Info = r.read(c.procs[t.proc].PID)
				chosen[t.proc] = true
			}
			if c.procs[t.proc].Info != nil {
				break
			}
		}
	}
	return err
}

// readProcesses reads Info of every process.
func (c *capture) readProcesses(ctx context.Context) error {
	all := make([]int, len(c.procs))
	for i := range all {
		all[i] = i
	}
	return c.readInfos(ctx, all)
}

// readInfos reads Info of the processes at these places, where it was not yet.
func (c *capture) readInfos(ctx context.Context, which []int) error {
	err := parallel(ctx, len(which), func() func(int, int) {
		r := c.infoReader()
		return func(from, to int) {
			for _, i := range which[from:to] {
				if c.procs[i].Info == nil {
					c.procs[i].Info = r.read(c.procs[i].PID)
				}
			}
		}
	})
	c.p.total(opInfo, len(which))
	return err
}

func (c *capture) infoReader() *infoReader {
	return &infoReader{root: c.root, dir: c.dir, cmdline: c.Cmdline, p: &c.p}
}

// uidsOf returns the uids that occur in the snapshot.
func uidsOf(procs []inspect.Process, list []inspect.Namespace) map[uint32]bool {
	uids := map[uint32]bool{}
	for i := range procs {
		if info := procs[i].Info; info != nil {
			for _, uid := range info.UID {
				uids[uid] = true
			}
		}
	}
	for i := range list {
		if uid := list[i].OwnerUID; uid != nil {
			uids[*uid] = true
		}
	}
	return uids
}
