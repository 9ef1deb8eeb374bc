package live

import (
	"context"
	"slices"

	"nsinspect/inspect"
)

// step reads one sort of facts about what is in focus.
type step struct {
	facts inspect.Facts
	read  func(context.Context) error
}

// run takes the snapshot. The links of all tasks come first: everything else
// is asked of the processes and namespaces that they show.
func (c *capture) run(ctx context.Context) (*inspect.Snapshot, error) {
	answer := c.askEngines(ctx)
	c.observer = c.observe()
	c.host = c.readHost()
	var err error
	q := taskQuery{only: c.Only, threads: c.Facts.Has(inspect.FactThreads)}
	if c.procs, err = c.tasks(ctx, q, &c.p); err != nil {
		return nil, err
	}
	c.groups = groupTasks(c.procs)
	c.ns.addGroups(c.groups)
	err = c.do(ctx,
		step{inspect.FactNames, c.readNames},
		step{0, c.readMounts},
		step{0, c.readFiles},
		step{inspect.FactCensus, c.readCensus},
	)
	if err != nil {
		return nil, err
	}
	if err := c.chooseFocus(ctx, answer); err != nil {
		return nil, err
	}
	c.markFocus()
	err = c.do(ctx,
		step{inspect.FactLeads, c.readLeads},
		step{inspect.FactProcesses, c.readProcesses},
		step{inspect.FactOwners, c.readOwners},
		step{inspect.FactIDMaps, c.readIDMaps},
		step{inspect.FactTimeOffsets, c.readTimeOffsets},
		step{inspect.FactHostnames, c.readHostnames},
		step{inspect.FactResolvers, c.readResolvers},
		step{inspect.FactNetwork, c.readNetworks},
	)
	if err != nil {
		return nil, err
	}
	if c.Focus == nil {
		c.engines = <-answer
	}
	c.nameUsers()
	s := c.snapshot()
	s.Settle()
	return s, nil
}

// do takes those of the steps that were asked for.
func (c *capture) do(ctx context.Context, steps ...step) error {
	for _, s := range steps {
		if !c.Facts.Has(s.facts) {
			continue
		}
		if err := s.read(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// chooseFocus lets the caller choose by what is known so far. Containers are
// known by their processes' cgroups, which the leads tell.
func (c *capture) chooseFocus(ctx context.Context, answer <-chan engineAnswer) error {
	if c.Focus == nil {
		return nil
	}
	if c.Facts.Has(inspect.FactContainers) {
		if err := c.readLeads(ctx); err != nil {
			return err
		}
	}
	c.engines = <-answer
	if pids := c.Focus(inspect.NewIndex(c.snapshot())); pids != nil {
		c.focus = slices.Compact(slices.Sorted(slices.Values(pids)))
	}
	return nil
}

// inFocus reports whether the i-th process is.
func (c *capture) inFocus(i int) bool {
	if c.focus == nil {
		return true
	}
	_, ok := slices.BinarySearch(c.focus, c.procs[i].PID)
	return ok
}

// markFocus marks the namespaces that a task in focus has a link to.
func (c *capture) markFocus() {
	for _, e := range c.ns.list {
		e.focus = c.focus == nil
	}
	for _, g := range c.groups {
		if c.focus == nil || !slices.ContainsFunc(g.tasks, func(t task) bool { return c.inFocus(t.proc) }) {
			continue
		}
		for _, id := range g.links {
			if e := c.ns.known(id); e != nil {
				e.focus = true
			}
		}
	}
}

// snapshot returns what is known by now. It shares nothing with later ones
// that they would change, but the processes.
func (c *capture) snapshot() *inspect.Snapshot {
	return &inspect.Snapshot{
		Format:     inspect.Format,
		Tool:       c.Tool,
		Host:       c.host,
		Scope:      inspect.NewScope(c.Facts|inspect.FactTasks, c.focus),
		Namespaces: c.ns.facts(),
		Processes:  c.procs,
		Containers: c.allContainers(),
		Refs:       inspect.SortRefs(slices.Clone(c.refs)),
		Mounts:     c.mounts,
		Census:     c.census,
		Networks:   c.networks,

		EngineNetworks: c.engines.networks,
		Resolvers:      c.resolvers,

		Problems: slices.Concat(c.p.all(), c.netProblems, c.engines.problems),
	}
}
