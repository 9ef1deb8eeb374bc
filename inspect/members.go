package inspect

import "slices"

// memberTable has the members of all namespaces. Namespaces are numbered in
// the order in which they are met.
type memberTable struct {
	number map[ID]int32
	pids   [][]int    // by number, each ascending
	at     [][]int32  // by number, the positions of the same processes
	lead   []*Process // by number
}

// Members returns the pids of the processes in a namespace in ascending
// order: those whose leader is in it and those of which only a thread is,
// also where the leader is a zombie. The two *_for_children links make no
// member. The slice must not be changed.
func (x *Index) Members(id ID) []int {
	x.membersOnce.Do(x.buildMembers)
	if n, ok := x.members.number[id]; ok {
		return x.members.pids[n]
	}
	return nil
}

// positions returns where the members of a namespace are among the processes.
func (x *Index) positions(id ID) []int32 {
	x.membersOnce.Do(x.buildMembers)
	if n, ok := x.members.number[id]; ok {
		return x.members.at[n]
	}
	return nil
}

// Lead returns the process that stands for a namespace: the member that
// started first among those whose start time is known, else the one with the
// lowest pid; nil when the namespace has no member.
func (x *Index) Lead(id ID) *Process {
	x.membersOnce.Do(x.buildMembers)
	if n, ok := x.members.number[id]; ok {
		return x.members.lead[n]
	}
	return nil
}

func (x *Index) buildMembers() {
	b := memberBuilder{x: x, number: map[ID]int32{}, sets: map[Links][]int32{}}
	procs := x.s.Processes
	lists := make([][]int32, len(procs))
	total := 0
	for i := range procs {
		lists[i] = b.list(&procs[i])
		total += len(lists[i])
		for _, n := range lists[i] {
			b.count[n]++
		}
	}
	t := memberTable{number: b.number, lead: make([]*Process, len(b.count))}
	t.pids, t.at = parts[int](b.count, total), parts[int32](b.count, total)
	for i, list := range lists {
		for _, n := range list {
			t.pids[n] = append(t.pids[n], procs[i].PID)
			t.at[n] = append(t.at[n], int32(i))
			if t.lead[n] == nil || procs[i].olderThan(t.lead[n]) {
				t.lead[n] = &procs[i]
			}
		}
	}
	x.members = t
}

// parts returns empty slices with room for as many elements as sizes say, all
// in one array.
func parts[T any](sizes []int, total int) [][]T {
	all := make([]T, total)
	list := make([][]T, len(sizes))
	for i, n := range sizes {
		list[i], all = all[:0:n], all[n:]
	}
	return list
}

// olderThan reports whether p started before q as far as that is known; a
// known start is before an unknown one.
func (p *Process) olderThan(q *Process) bool {
	if p.Info == nil || q.Info == nil {
		return p.Info != nil
	}
	return p.Info.Start < q.Info.Start
}

type memberBuilder struct {
	x      *Index
	number map[ID]int32
	count  []int
	sets   map[Links][]int32 // most processes share their links with many others
}

// list returns the numbers of the namespaces that p is a member of.
func (b *memberBuilder) list(p *Process) []int32 {
	set, ok := b.sets[p.NS]
	if !ok {
		set = b.add(nil, &p.NS)
		b.sets[p.NS] = set
	}
	if len(p.Threads) == 0 {
		return set
	}
	set = slices.Clone(set)
	for i := range p.Threads {
		set = b.add(set, &p.Threads[i].NS)
	}
	return set
}

// add appends the numbers of the namespaces of links that are not in set.
func (b *memberBuilder) add(set []int32, links *Links) []int32 {
	for _, t := range Types {
		id := links.Of(t)
		if id.IsZero() {
			continue
		}
		n, ok := b.number[id]
		if !ok {
			n = int32(len(b.count))
			b.number[id] = n
			b.count = append(b.count, 0)
		}
		if !slices.Contains(set, n) {
			set = append(set, n)
		}
	}
	return set
}
