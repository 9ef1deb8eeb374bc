package render

import (
	"fmt"

	"nsinspect/graph"
)

// scene is a drawing without a language: boxes with nodes in them, and lines.
// All text in it is sanitised and not yet quoted. Every format comes from it.
type scene struct {
	boxes []box
	loose []node // outside of any box
	lines []line
}

// look is how something is drawn.
type look uint8

const (
	plain  look = iota
	own         // the observer's own namespace
	vague       // not seen, or not known for certain
	bad         // down
	outlet      // packets leave the host here
	strong      // the two ends of a pair
	onward      // a direction: routed, sent through, above
	open        // a published port
)

type box struct {
	key   string
	label []string
	look  look
	nodes []node
	// anchor: a line ends at the box itself.
	anchor bool
}

type node struct {
	key   string
	label []string
	look  look
	hit   bool // a packet's path goes through it
}

// line leads from what is nearer to the world to what hangs on it, so that a
// drawing runs from the uplink to the containers; up says that it is an arrow
// against that direction.
type line struct {
	from, to string
	up       bool
	label    []string
	why      string
	look     look
	vague    bool
	ports    bool // the label has published ports
	hit      bool // a packet's path goes along it
}

// sceneOf lays a drawing out.
func sceneOf(v Drawing) *scene {
	s := &scene{}
	if v.Net != nil {
		s.network(v.Net)
	}
	if v.Users != nil {
		s.users(v.Users)
	}
	if v.PIDs != nil {
		s.pids(v.PIDs)
	}
	s.highlight(v.Path)
	return s
}

// highlight marks what a packet goes through.
func (s *scene) highlight(path []string) {
	on, step := map[string]bool{}, map[[2]string]bool{}
	for i, key := range path {
		on[key] = true
		if i > 0 {
			step[[2]string{path[i-1], key}], step[[2]string{key, path[i-1]}] = true, true
		}
	}
	for i := range s.boxes {
		for k := range s.boxes[i].nodes {
			n := &s.boxes[i].nodes[k]
			n.hit = on[n.key]
		}
	}
	for i := range s.lines {
		s.lines[i].hit = step[[2]string{s.lines[i].from, s.lines[i].to}]
	}
}

// users draws a box for each user namespace with what it owns.
func (s *scene) users(t *graph.UserTree) {
	var add func(n *graph.UserNode, above string)
	add = func(n *graph.UserNode, above string) {
		b := box{key: rowKey(&n.Row), label: rowLabel(&n.Row), look: rowLook(&n.Row), anchor: true}
		for i := range n.Owns {
			r := &n.Owns[i]
			b.nodes = append(b.nodes, node{key: "owned:" + rowKey(r), label: rowLabel(r), look: rowLook(r)})
		}
		s.boxes = append(s.boxes, b)
		if above != "" {
			s.lines = append(s.lines, line{from: above, to: b.key, look: onward, why: "parent"})
		}
		for _, c := range n.Children {
			add(c, b.key)
		}
	}
	for _, n := range t.Roots {
		add(n, "")
	}
	if len(t.Unowned) > 0 {
		b := box{key: "owner unknown", label: []string{"owner not known"}, look: vague}
		for i := range t.Unowned {
			r := &t.Unowned[i]
			b.nodes = append(b.nodes, node{key: "owned:" + rowKey(r), label: rowLabel(r), look: rowLook(r)})
		}
		s.boxes = append(s.boxes, b)
	}
}

// maxDrawnProcesses is how many processes of a pid namespace are drawn.
const maxDrawnProcesses = 12

// pids draws a box for each pid namespace with its processes.
func (s *scene) pids(t *graph.PIDTree) {
	var add func(n *graph.PIDNode, above string)
	add = func(n *graph.PIDNode, above string) {
		b := box{key: rowKey(&n.Row), label: rowLabel(&n.Row), look: rowLook(&n.Row), anchor: true}
		for i := range n.Processes {
			if i == maxDrawnProcesses {
				b.nodes = append(b.nodes, node{key: b.key + "/more", label: []string{fmt.Sprintf("%d more", len(n.Processes)-i)}, look: vague})
				break
			}
			p := &n.Processes[i]
			b.nodes = append(b.nodes, node{key: fmt.Sprintf("process:%d", p.PID), label: pidLabel(p)})
		}
		s.boxes = append(s.boxes, b)
		if above != "" {
			s.lines = append(s.lines, line{from: above, to: b.key, look: onward, why: "parent"})
		}
		for _, c := range n.Children {
			add(c, b.key)
		}
	}
	for _, n := range t.Roots {
		add(n, "")
	}
}

func rowKey(r *graph.Row) string { return fmt.Sprintf("%s:[%d]", r.Type, r.NS) }

func rowLabel(r *graph.Row) []string {
	lines := []string{rowKey(r)}
	if r.Container != nil {
		lines = append(lines, r.Container.Name)
	} else if r.Command != nil && r.PID != nil {
		lines = append(lines, fmt.Sprintf("%s (pid %d)", *r.Command, *r.PID))
	}
	return sanitizeAll(lines)
}

func rowLook(r *graph.Row) look {
	if r.Host != nil && *r.Host {
		return own
	}
	return plain
}

func pidLabel(p *graph.PIDProcess) []string {
	pids := fmt.Sprint(p.PID)
	for i, n := range p.PIDs {
		if i > 0 {
			pids += fmt.Sprintf(" → %d", n)
		}
	}
	if p.Command == nil {
		return []string{pids}
	}
	return sanitizeAll([]string{*p.Command, pids})
}
