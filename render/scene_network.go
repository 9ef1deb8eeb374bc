package render

import "nsinspect/graph"

func (s *scene) network(t *graph.Topology) {
	along := publishedAlong(t)
	ends := joined(t, along)
	for _, ns := range t.Namespaces {
		b := box{key: ns.Key, label: netnsLabel(ns), anchor: ends[ns.Key]}
		switch ns.Kind {
		case graph.NetnsHost:
			b.look = own
		case graph.NetnsDark, graph.NetnsUnknown:
			b.look = vague
		}
		for _, i := range drawn(ns, ends) {
			b.nodes = append(b.nodes, node{key: i.Key, label: ifaceLabel(i), look: ifaceLook(i)})
		}
		s.boxes = append(s.boxes, b)
	}
	for i := range t.Servers {
		s.loose = append(s.loose, node{key: t.Servers[i].Key, label: serverLabel(&t.Servers[i])})
	}
	of := map[int]int{} // the line of an edge
	for i := range t.Edges {
		e := &t.Edges[i]
		l := line{
			from: e.From, to: e.To, label: sanitizeAll([]string{edgeLabel(e)}), why: Sanitize(e.Evidence), look: edgeLook(e.Kind), vague: e.OneSided,
		}
		if k, ok := along[i]; ok {
			s.lines[of[k]].publish(l)
			continue
		}
		switch e.Kind {
		case graph.EdgePort, graph.EdgeLower, graph.EdgeUnderlay, graph.EdgeRoute:
			l.from, l.to, l.up = e.To, e.From, true
		case graph.EdgePublish:
			l.ports = true
		}
		of[i] = len(s.lines)
		s.lines = append(s.lines, l)
	}
}

// publish writes what another line publishes at this one.
func (l *line) publish(other line) {
	if !l.ports {
		l.label, l.ports = append(l.label, "published"), true
	}
	l.label, l.why = append(l.label, other.label...), l.why+"; "+other.why
}

// publishedAlong finds the edge at which a published port is written, by the
// indexes of both: the veth pair that leads from the same namespace to the
// same interface. Lines of their own would cross the whole drawing. Ports that
// have no such pair share the line of the first.
func publishedAlong(t *graph.Topology) map[int]int {
	peers, first, along := map[string]int{}, map[[2]string]int{}, map[int]int{}
	for i := range t.Edges {
		switch e := &t.Edges[i]; e.Kind {
		case graph.EdgePeer:
			peers[spaceOf(t, e.From)+" "+e.To], peers[spaceOf(t, e.To)+" "+e.From] = i, i
		case graph.EdgePublish:
			ends := [2]string{e.From, e.To}
			if k, ok := peers[spaceOf(t, e.From)+" "+e.To]; ok {
				along[i] = k
			} else if k, ok := first[ends]; ok {
				along[i] = k
			} else {
				first[ends] = i
			}
		}
	}
	return along
}

// spaceOf is the key of the namespace that an end of an edge is in.
func spaceOf(t *graph.Topology, key string) string {
	if i := t.Interface(key); i != nil {
		return i.Netns().Key
	}
	return key
}

func ifaceLook(i *graph.Iface) look {
	switch {
	case i.Missing:
		return vague
	case i.Default != "" && i.Netns().Kind == graph.NetnsHost:
		return outlet
	case !i.Up || i.State == "DOWN":
		return bad
	}
	return plain
}

func edgeLook(k graph.EdgeKind) look {
	switch k {
	case graph.EdgePeer:
		return strong
	case graph.EdgeRoute, graph.EdgeUnderlay:
		return onward
	case graph.EdgePublish:
		return open
	}
	return plain
}
