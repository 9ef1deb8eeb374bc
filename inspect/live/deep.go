package live

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/census"
)

// readCensus looks for namespaces that nothing so far has shown.
func (c *capture) readCensus(ctx context.Context) error {
	held := map[inspect.ID]bool{}
	for _, e := range c.ns.list {
		held[e.ns.ID] = e.fd > 0
	}
	res := census.Take(ctx, census.Options{
		NSDev: c.dev, Known: c.ns.facts(), Keep: keptFiles, Without: c.CensusWithout,
		Open: func(id inspect.ID) (int, error) {
			if e := c.ns.known(id); e != nil {
				return c.open(e)
			}
			return -1, unix.ENOENT
		},
		Now: c.linksNow,
	})
	c.addFound(res.Namespaces, res.Files)
	open := c.openElsewhere()
	for id, n := range res.Refs {
		if e := c.ns.known(id); e != nil {
			if held[id] && !open[id] {
				n-- // the file that we keep open ourselves
			}
			e.ns.RefCount = &n
		}
	}
	for id, serial := range res.Serials {
		if e := c.ns.known(id); e != nil && e.ns.Serial == 0 {
			e.ns.Serial = serial // so that its handle opens it
		}
	}
	c.placeProcFiles(res.ProcNet)
	c.census = &res.Census
	if c.Facts.Has(inspect.FactInFlight) {
		c.census.Steps = append(c.census.Steps, c.peekStep())
	}
	return ctx.Err()
}

// openElsewhere are the namespaces with a file that others have open or
// mounted, which all count as one reference.
func (c *capture) openElsewhere() map[inspect.ID]bool {
	open := map[inspect.ID]bool{}
	for i := range c.refs {
		switch r := &c.refs[i]; r.Kind {
		case inspect.RefFD, inspect.RefMount, inspect.RefIOUring:
			open[r.NS] = true
		case inspect.RefInFlight:
			open[r.NS] = open[r.NS] || r.Protocol == ""
		}
	}
	return open
}

// linksNow returns what the links of all tasks lead to by now.
func (c *capture) linksNow(ctx context.Context) (map[inspect.ID]bool, error) {
	var none problems
	procs, err := c.tasks(ctx, taskQuery{threads: true}, &none)
	if err != nil {
		return nil, err
	}
	ids := map[inspect.ID]bool{}
	for _, g := range groupTasks(procs) {
		for _, id := range g.links {
			ids[id] = true
		}
	}
	return ids, nil
}

// placeProcFiles says which network namespace the open files below /proc/net
// are of: their inodes are those of its entries.
func (c *capture) placeProcFiles(entries map[uint64]inspect.ID) {
	for i := range c.refs {
		r := &c.refs[i]
		if id, ok := entries[r.Inode]; ok && r.Kind == inspect.RefProcNet && r.NS.IsZero() {
			r.NS, r.Candidate = id, false
		}
	}
}

// peekStep tells what the peek into sockets saw, which was done with the files.
func (c *capture) peekStep() inspect.CensusStep {
	n := 0
	for i := range c.refs {
		if c.refs[i].Kind == inspect.RefInFlight {
			n++
		}
	}
	return inspect.CensusStep{Name: "peek", Note: fmt.Sprintf("%d namespaces or sockets are in flight", n)}
}
