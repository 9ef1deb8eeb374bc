package live

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"nsinspect/inspect"
)

// engineAnswer is what the container engines said.
type engineAnswer struct {
	containers []inspect.Container
	networks   []inspect.EngineNetwork
	problems   []inspect.Problem
}

// containers are those whose cgroups were seen.
type containers struct {
	mu   sync.Mutex
	byID map[string]inspect.Container
}

func (f *containers) add(k inspect.Container) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byID == nil {
		f.byID = map[string]inspect.Container{}
	}
	f.byID[k.ID] = k
}

// askEngines asks while other things are read. The engines keep their own
// time limit. The channel gets one answer.
func (c *capture) askEngines(ctx context.Context) <-chan engineAnswer {
	answer := make(chan engineAnswer, 1)
	if c.Engines == nil || c.Facts&(inspect.FactContainers|inspect.FactEngineNetworks) == 0 {
		answer <- engineAnswer{}
		return answer
	}
	go func() { answer <- c.askNow(ctx) }()
	return answer
}

// askNow asks both questions at once. An engine that answers neither is one
// problem.
func (c *capture) askNow(ctx context.Context) (a engineAnswer) {
	var wg sync.WaitGroup
	var more []inspect.Problem
	if c.Facts.Has(inspect.FactEngineNetworks) {
		wg.Go(func() { a.networks, more = c.Engines.Networks(ctx) })
	}
	if c.Facts.Has(inspect.FactContainers) {
		a.containers, a.problems = c.Engines.Containers(ctx)
	}
	wg.Wait()
	for _, p := range more {
		if !slices.ContainsFunc(a.problems, func(o inspect.Problem) bool { return o.Op == p.Op && o.Path == p.Path }) {
			a.problems = append(a.problems, p)
		}
	}
	return a
}

// allContainers returns the union, by ID, of those that the engines told of and
// those whose cgroups were found.
func (c *capture) allContainers() []inspect.Container {
	byID := map[string]*inspect.Container{}
	for _, known := range c.engines.containers {
		known.PID = c.visible(known.PID)
		byID[known.ID] = &known
	}
	start := map[string]uint64{}
	for i := range c.procs {
		info := c.procs[i].Info
		if info == nil || info.Container == "" {
			continue
		}
		id := info.Container
		if first, ok := start[id]; ok && info.Start >= first {
			continue
		}
		start[id] = info.Start
		k := byID[id]
		if k == nil {
			k = &inspect.Container{}
			byID[id] = k
		}
		k.PID = c.procs[i].PID
		fillContainer(k, c.found.byID[id])
	}
	out := make([]inspect.Container, 0, len(byID))
	for _, k := range byID {
		out = append(out, *k)
	}
	slices.SortFunc(out, func(a, b inspect.Container) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// visible returns pid if it is a process of the snapshot, else 0: the engine
// may live in another pid namespace.
func (c *capture) visible(pid int) int {
	_, ok := slices.BinarySearchFunc(c.procs, pid, func(p inspect.Process, pid int) int { return cmp.Compare(p.PID, pid) })
	if !ok {
		return 0
	}
	return pid
}

// fillContainer adds what the cgroup told to what the engine did.
func fillContainer(k *inspect.Container, found inspect.Container) {
	k.ID = found.ID
	k.Name = cmp.Or(k.Name, found.Name)
	k.Engine = cmp.Or(k.Engine, found.Engine)
	k.Pod = cmp.Or(k.Pod, found.Pod)
}
