package live

import (
	"context"
	"strconv"

	"nsinspect/inspect"
)

// firstborn returns the places of the processes that started first in their
// group, for the groups of containers, where that is not the one that is
// known. The process with the lowest pid stands for its group, but after pids
// wrapped around what docker exec starts can have a lower pid than the
// container's first process, which is the one that a container is known by.
// Containers are small: their start times alone are soon read.
func (c *capture) firstborn(ctx context.Context) ([]int, error) {
	var asked []sibling
	for _, g := range c.groups {
		info := g.info(c.procs)
		if info == nil || info.Container == "" {
			continue
		}
		for _, t := range g.tasks {
			if c.inFocus(t.proc) && t.tid == 0 && c.procs[t.proc].Info == nil {
				asked = append(asked, sibling{g: g, proc: t.proc})
			}
		}
	}
	err := parallel(ctx, len(asked), func() func(int, int) {
		var r startReader
		return func(from, to int) {
			for i := range asked[from:to] {
				s := &asked[from+i]
				s.start, s.known = r.read(c.root, c.procs[s.proc].PID)
			}
		}
	})
	return oldest(c.procs, asked), err
}

// sibling is a process of a group of which another one is known.
type sibling struct {
	g     *group
	proc  int
	start uint64
	known bool // start is
}

// oldest returns of each group the sibling that started before the known one
// and all others.
func oldest(procs []inspect.Process, list []sibling) []int {
	var which []int
	for i := 0; i < len(list); {
		g, best, first := list[i].g, -1, list[i].g.info(procs).Start
		for ; i < len(list) && list[i].g == g; i++ {
			if s := &list[i]; s.known && s.start < first {
				best, first = s.proc, s.start
			}
		}
		if best >= 0 {
			which = append(which, best)
		}
	}
	return which
}

// startReader reads when processes started. It is for one goroutine.
type startReader struct{ buf []byte }

// read is false for a process that is gone. What cannot be read is told when
// more of it is asked for.
func (r *startReader) read(root, pid int) (uint64, bool) {
	var err error
	if r.buf, err = readFile(root, strconv.Itoa(pid)+"/stat", r.buf); err != nil {
		return 0, false
	}
	var info inspect.Info
	if parseStat(r.buf, &info) != nil {
		return 0, false
	}
	return info.Start, true
}
