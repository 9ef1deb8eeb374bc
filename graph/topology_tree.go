package graph

import "slices"

// Branch is a line of a topology drawn as a tree: a namespace, or an
// interface below what it hangs on.
type Branch struct {
	Depth int
	Netns *Netns // of the line; the heading where Iface is nil
	Iface *Iface
	// Peer is the other end of a pair, on the same line.
	Peer *Iface
	// Toward is the namespace of the other end where nothing more is known of
	// that.
	Toward *Netns
	// Abroad says that the interface is in another namespace than the heading
	// above it.
	Abroad bool
	// OneSided: the pair, as only one end has it.
	OneSided bool
	// Alone: the namespace has nothing but a loopback.
	Alone bool
}

// topologyTree lays a topology out as a forest: a heading for each namespace,
// below it what it has, each interface once; namespaces with nothing but a
// loopback come last. An uplink carries the bridges
// that are routed through it, a bridge its ports, an interface those that lie
// on it. A namespace all of which was shown at the other end of a pair gets
// no heading of its own.
type topologyTree struct {
	t        *Topology
	children map[*Iface][]*Iface
	child    map[*Iface]bool
	peers    map[*Iface]*Edge
	shown    map[*Iface]bool
	seen     map[*Netns]bool // shown, at least in part
	rows     []Branch
}

// Tree returns the lines of the topology as a tree, in preorder.
func (t *Topology) Tree() []Branch {
	w := &topologyTree{
		t: t, children: map[*Iface][]*Iface{}, child: map[*Iface]bool{},
		peers: map[*Iface]*Edge{}, shown: map[*Iface]bool{}, seen: map[*Netns]bool{},
	}
	for i := range t.Edges {
		w.take(&t.Edges[i])
	}
	for _, leftovers := range []bool{false, true} {
		for _, ns := range t.Namespaces {
			w.section(ns, leftovers)
		}
	}
	for _, ns := range t.Namespaces {
		if !w.seen[ns] {
			w.rows = append(w.rows, Branch{Netns: ns, Alone: true})
		}
	}
	return w.rows
}

// take sorts an edge in: who lies on whom, and who is paired.
func (w *topologyTree) take(e *Edge) {
	from, to := w.t.ifaces[e.From], w.t.ifaces[e.To]
	if from == nil {
		return
	}
	switch e.Kind {
	case EdgePeer:
		w.peers[from] = e
		if to != nil && (w.peers[to] == nil || !e.OneSided) {
			w.peers[to] = e
		}
	case EdgePort, EdgeLower, EdgeUnderlay, EdgeRoute:
		if to != nil && !w.child[from] {
			w.child[from] = true
			w.children[to] = append(w.children[to], from)
		}
	}
}

// section writes what a namespace has that hangs on nothing and is not better
// shown at its other end. Leftovers are what no section has shown: they hang
// on themselves, which no kernel has but a file may.
func (w *topologyTree) section(ns *Netns, leftovers bool) {
	start := len(w.rows)
	w.rows = append(w.rows, Branch{Netns: ns})
	for _, i := range w.order(ns) {
		if !i.Loopback && (leftovers || !w.child[i] && !w.shadowed(i)) {
			w.iface(ns, i, 1)
		}
	}
	if len(w.rows) == start+1 {
		w.rows = w.rows[:start]
	} else {
		w.seen[ns] = true
	}
}

// shadowed reports whether i is better shown at its other end, which hangs on
// something or comes in an earlier namespace.
func (w *topologyTree) shadowed(i *Iface) bool {
	p := w.peer(i)
	return p != nil && !w.shown[p] && w.child[p]
}

// order puts the interfaces with a default route first.
func (w *topologyTree) order(ns *Netns) []*Iface {
	list := slices.Clone(ns.Interfaces)
	slices.SortStableFunc(list, func(a, b *Iface) int {
		switch {
		case (a.Default != "") == (b.Default != ""):
			return 0
		case a.Default != "":
			return -1
		}
		return 1
	})
	return list
}

func (w *topologyTree) peer(i *Iface) *Iface {
	e := w.peers[i]
	if e == nil {
		return nil
	}
	if p := w.t.ifaces[e.To]; p != i {
		return p
	}
	return w.t.ifaces[e.From]
}

func (w *topologyTree) iface(heading *Netns, i *Iface, depth int) {
	if w.shown[i] {
		return
	}
	w.shown[i], w.seen[i.ns] = true, true
	row := Branch{Depth: depth, Netns: i.ns, Iface: i, Abroad: i.ns != heading}
	if e := w.peers[i]; e != nil {
		p := w.peer(i)
		row.OneSided = e.OneSided
		if p == nil {
			row.Toward = w.t.spaces[e.To]
		} else if !w.shown[p] || e.OneSided {
			w.shown[p], w.seen[p.ns] = true, true
			row.Peer = p
		}
	}
	w.rows = append(w.rows, row)
	for _, c := range w.children[i] {
		w.iface(heading, c, depth+1)
	}
	if row.Peer == nil {
		return
	}
	for _, c := range w.children[row.Peer] {
		w.iface(heading, c, depth+1)
	}
}
