package live

import (
	"context"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/wire"
)

// readNetworks reads all network namespaces, whatever the focus: what a link
// leads to can be told only when both its ends are known.
func (c *capture) readNetworks(ctx context.Context) error {
	o := wire.Options{Facts: c.Facts & wire.Facts, Own: c.observer.NS.Of(inspect.Net), ProcRoot: c.dir, Denied: hint(unix.EPERM)}
	for _, e := range c.ns.list {
		if e.ns.Type == inspect.Net {
			o.Sources = append(o.Sources, wire.Source{ID: e.ns.ID, Open: func() (int, error) { return c.open(e) }})
		}
	}
	if c.Facts&(inspect.FactPorts|inspect.FactConnections|inspect.FactServers) != 0 {
		for i := range c.procs {
			o.PIDs = append(o.PIDs, c.procs[i].PID)
		}
	}
	var found []inspect.Problem
	c.networks, found = wire.Collect(ctx, o)
	c.netProblems = found
	return nil
}
