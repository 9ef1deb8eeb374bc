package graph

import "slices"

// Narrow returns the part of t that touches some namespaces and interfaces,
// by key: them, what is joined to them, and the way from there up to the
// uplink.
func (t *Topology) Narrow(keys ...string) *Topology {
	n := &narrower{t: t, up: map[string][]string{}, keep: map[string]bool{}}
	joined := map[string][]string{}
	for i := range t.Edges {
		e := &t.Edges[i]
		joined[e.From], joined[e.To] = append(joined[e.From], e.To), append(joined[e.To], e.From)
		if e.Kind == EdgePublish {
			continue
		}
		n.up[e.From] = append(n.up[e.From], e.To)
		if e.Kind == EdgePeer {
			n.up[e.To] = append(n.up[e.To], e.From)
		}
	}
	for _, key := range keys {
		start := []string{key}
		if ns := t.spaces[key]; ns != nil {
			for _, i := range ns.Interfaces {
				start = append(start, i.Key)
			}
		}
		for _, k := range start {
			n.climb(k)
			for _, o := range joined[k] {
				n.climb(o)
			}
		}
	}
	return n.part()
}

// narrower gathers what is kept of a topology.
type narrower struct {
	t    *Topology
	up   map[string][]string
	keep map[string]bool
}

// climb keeps key and all that it hangs on: its other end, what it is a port
// of or lies on, the uplink.
func (n *narrower) climb(key string) {
	for todo := []string{key}; len(todo) > 0; todo = todo[1:] {
		if k := todo[0]; !n.keep[k] {
			n.keep[k] = true
			todo = append(todo, n.up[k]...)
		}
	}
}

// part copies what is kept. A namespace is kept with any of its interfaces.
func (n *narrower) part() *Topology {
	p := &Topology{
		Namespaces: []*Netns{}, Edges: []Edge{}, Problems: n.t.Problems, Format: n.t.Format,
		ifaces: map[string]*Iface{}, spaces: map[string]*Netns{},
	}
	for _, ns := range n.t.Namespaces {
		c := *ns
		c.Interfaces = []*Iface{}
		for _, i := range ns.Interfaces {
			if n.keep[i.Key] {
				j := *i
				j.ns = &c
				c.Interfaces = append(c.Interfaces, &j)
				p.ifaces[j.Key] = &j
			}
		}
		if len(c.Interfaces) > 0 || n.keep[c.Key] {
			p.Namespaces = append(p.Namespaces, &c)
			p.spaces[c.Key] = &c
		}
	}
	p.Servers = slices.DeleteFunc(slices.Clone(n.t.Servers), func(s Server) bool { return !n.keep[s.Key] })
	for _, e := range n.t.Edges {
		if n.keep[e.From] && n.keep[e.To] {
			p.Edges = append(p.Edges, e)
		}
	}
	return p
}

// Named returns the keys of the interfaces with this name or alternative
// name, in whatever namespace.
func (t *Topology) Named(name string) []string {
	var keys []string
	for _, ns := range t.Namespaces {
		for _, i := range ns.Interfaces {
			if i.Name == name || slices.Contains(i.AltNames, name) {
				keys = append(keys, i.Key)
			}
		}
	}
	return keys
}
