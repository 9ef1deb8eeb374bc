package live

import (
	"context"
	"slices"
)

// readLeads reads Info of the first process of each group; where that is gone
// of the next one; and of those that are the true first of a container, or
// could be that of a namespace.
func (c *capture) readLeads(ctx context.Context) error {
	var leads []int
	tried := make(map[int]bool, len(c.groups))
	for _, g := range c.groups {
		for _, t := range g.tasks {
			if !c.inFocus(t.proc) {
				continue
			}
			if !tried[t.proc] {
				tried[t.proc] = true
				leads = append(leads, t.proc)
			}
			break
		}
	}
	leads = append(leads, c.soleHolders(tried)...)
	err := c.readInfos(ctx, leads)
	r := c.infoReader()
	for _, g := range c.groups {
		c.replaceLead(g, tried, r)
	}
	if err != nil {
		return err
	}
	first, err := c.firstborn(ctx)
	if err != nil {
		return err
	}
	if err := c.readInfos(ctx, first); err != nil {
		return err
	}
	return c.readInfos(ctx, slices.DeleteFunc(elders(c.procs, c.groups), func(i int) bool { return !c.inFocus(i) }))
}

// replaceLead reads on until Info of one process of the group is known.
func (c *capture) replaceLead(g *group, tried map[int]bool, r *infoReader) {
	for _, t := range g.tasks {
		p := &c.procs[t.proc]
		if p.Info == nil && c.inFocus(t.proc) && !tried[t.proc] {
			tried[t.proc] = true
			p.Info = r.read(p.PID)
		}
		if p.Info != nil {
			return
		}
	}
}

// readProcesses reads Info of every process in focus.
func (c *capture) readProcesses(ctx context.Context) error {
	var all []int
	for i := range c.procs {
		if c.inFocus(i) {
			all = append(all, i)
		}
	}
	return c.readInfos(ctx, all)
}

// readInfos reads Info of the processes at these places, where it was not yet.
func (c *capture) readInfos(ctx context.Context, which []int) error {
	which = slices.DeleteFunc(which, func(i int) bool { return c.procs[i].Info != nil })
	err := parallel(ctx, len(which), func() func(int, int) {
		r := c.infoReader()
		return func(from, to int) {
			for _, i := range which[from:to] {
				c.procs[i].Info = r.read(c.procs[i].PID)
			}
		}
	})
	c.infos += len(which)
	c.p.total(opInfo, c.infos)
	return err
}

func (c *capture) infoReader() *infoReader {
	return &infoReader{root: c.root, dir: c.dir, cmdline: c.Cmdline, p: &c.p, found: &c.found}
}
