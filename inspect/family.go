package inspect

// family has the relations that are stored from the child's side, turned
// round.
type family struct {
	processes  map[int][]int    // pids by ppid, ascending
	containers map[string][]int // pids by container, ascending
	children   map[ID][]ID      // by parent, ascending
	owned      map[ID][]ID      // by owner, ascending
	names      map[string][]int // mounts by name, indices of Refs
}

// ChildProcesses returns the pids of the processes whose parent is pid, in
// ascending order; 0 stands for those without a parent in sight. Processes
// without Info are not among them.
func (x *Index) ChildProcesses(pid int) []int {
	x.familyOnce.Do(x.buildFamily)
	return x.family.processes[pid]
}

// ProcessesIn returns the pids of the processes in the cgroup of the container
// with this id, in ascending order. Processes without Info are not among them.
func (x *Index) ProcessesIn(container string) []int {
	x.familyOnce.Do(x.buildFamily)
	return x.family.containers[container]
}

// Children returns the pid or user namespaces whose parent is id, in
// ascending order; the zero ID stands for those without a parent in sight.
func (x *Index) Children(id ID) []ID {
	x.familyOnce.Do(x.buildFamily)
	return x.family.children[id]
}

// Owned returns the namespaces that a user namespace owns, in ascending
// order; the zero ID stands for those without an owner in sight.
func (x *Index) Owned(id ID) []ID {
	x.familyOnce.Do(x.buildFamily)
	return x.family.owned[id]
}

func (x *Index) buildFamily() {
	f := family{processes: map[int][]int{}, containers: map[string][]int{}, children: map[ID][]ID{}, owned: map[ID][]ID{}}
	for i := range x.s.Processes {
		p := &x.s.Processes[i]
		if p.Info == nil {
			continue
		}
		f.processes[p.Info.PPID] = append(f.processes[p.Info.PPID], p.PID)
		if c := p.Info.Container; c != "" {
			f.containers[c] = append(f.containers[c], p.PID)
		}
	}
	for i := range x.s.Namespaces {
		n := &x.s.Namespaces[i]
		f.owned[n.Owner] = append(f.owned[n.Owner], n.ID)
		if n.Type == PID || n.Type == User {
			f.children[n.Parent] = append(f.children[n.Parent], n.ID)
		}
	}
	f.names = map[string][]int{}
	for i := range x.s.Refs {
		if name := x.s.Refs[i].name(); name != "" {
			f.names[name] = append(f.names[name], i)
		}
	}
	x.family = f
}

// named returns the mounts with a name, as indices of Refs.
func (x *Index) named(name string) []int {
	x.familyOnce.Do(x.buildFamily)
	return x.family.names[name]
}

// Ancestors returns the parent of a pid or user namespace, its parent and so
// on, as far as known. A loop, which no kernel makes, ends the list.
func (x *Index) Ancestors(id ID) []ID {
	var up []ID
	seen := map[ID]bool{id: true}
	for n := x.Namespace(id); n != nil && !n.Parent.IsZero() && !seen[n.Parent]; n = x.Namespace(n.Parent) {
		seen[n.Parent] = true
		up = append(up, n.Parent)
	}
	return up
}
