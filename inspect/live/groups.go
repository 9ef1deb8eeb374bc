package live

import "nsinspect/inspect"

// task is one task in its process.
type task struct {
	proc int // index into the processes
	tid  int // 0 for the leader
}

// group is all tasks with the same ten links. There are far fewer of them
// than of processes: what is asked once per namespace goes over the groups.
type group struct {
	links inspect.Links
	tasks []task // by pid
}

// groupTasks returns the groups in the order of their first task.
func groupTasks(procs []inspect.Process) []*group {
	var groups []*group
	byLinks := map[inspect.Links]*group{}
	var last *group
	add := func(links *inspect.Links, t task) {
		g := last
		if g == nil || g.links != *links {
			if g = byLinks[*links]; g == nil {
				g = &group{links: *links}
				byLinks[*links] = g
				groups = append(groups, g)
			}
			last = g
		}
		g.tasks = append(g.tasks, t)
	}
	for i := range procs {
		add(&procs[i].NS, task{proc: i})
		for j := range procs[i].Threads {
			th := &procs[i].Threads[j]
			add(&th.NS, task{proc: i, tid: th.TID})
		}
	}
	return groups
}
