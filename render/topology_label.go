package render

import (
	"fmt"
	"strings"

	"nsinspect/graph"
)

// The label of a namespace and of an interface in a drawing, line by line.
// They are sanitised and not yet quoted.

func netnsLabel(ns *graph.Netns) []string {
	lines := []string{ns.Title}
	for _, c := range ns.Containers {
		if c.Name != ns.Title {
			lines[0] += " + " + c.Name
		}
	}
	if ns.Service != "" {
		lines = append(lines, ns.Service)
	}
	if ns.NS != 0 && ns.Title != ns.Key {
		lines = append(lines, ns.Key)
	}
	if ns.Unread && ns.Kind != graph.NetnsUnknown {
		lines = append(lines, "could not be read")
	}
	return sanitizeAll(lines)
}

func ifaceLabel(i *graph.Iface) []string {
	name := i.Name
	if i.Kind != "" && i.Kind != "veth" {
		name += " (" + i.Kind + ")"
	}
	lines := []string{name}
	for _, a := range i.Addrs {
		if !linkLocal(a) {
			lines = append(lines, a)
		}
	}
	if i.Missing {
		return sanitizeAll(append(lines, "not seen"))
	}
	state := i.State
	if i.PortState != "" && i.PortState != "forwarding" {
		state += " port " + i.PortState
	}
	lines = append(lines, fmt.Sprintf("%s mtu %d", state, i.MTU))
	for _, note := range []struct{ word, text string }{{"", i.Detail}, {"network ", i.Network}, {"default ", i.Default}, {"alias ", i.Alias}} {
		if note.text != "" {
			lines = append(lines, note.word+note.text)
		}
	}
	return sanitizeAll(lines)
}

func serverLabel(s *graph.Server) []string {
	return sanitizeAll([]string{strings.TrimSpace(s.Command + " "), fmt.Sprintf("pid %d", s.PID)})
}

// edgeLabel is what is written at an edge.
func edgeLabel(e *graph.Edge) string {
	switch e.Kind {
	case graph.EdgePort, graph.EdgePeer:
		if e.OneSided {
			return "one end only"
		}
		return ""
	}
	return e.Label
}

func sanitizeAll(lines []string) []string {
	out := lines[:0]
	for _, l := range lines {
		if l != "" {
			out = append(out, Sanitize(l))
		}
	}
	return out
}

// joined are the keys at which an edge ends that is not drawn along another.
func joined(t *graph.Topology, along map[int]int) map[string]bool {
	ends := make(map[string]bool, 2*len(t.Edges))
	for i := range t.Edges {
		if _, ok := along[i]; ok {
			continue
		}
		ends[t.Edges[i].From], ends[t.Edges[i].To] = true, true
	}
	return ends
}

// drawn are the interfaces of a namespace in a drawing: all, but a loopback
// only where something hangs on it or there is nothing else.
func drawn(ns *graph.Netns, ends map[string]bool) []*graph.Iface {
	var out []*graph.Iface
	for _, i := range ns.Interfaces {
		if !i.Loopback || ends[i.Key] {
			out = append(out, i)
		}
	}
	if len(out) == 0 {
		return ns.Interfaces
	}
	return out
}
