package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nsinspect/graph"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// world is what the checks look at: the network namespaces of the snapshot,
// their bridges, and who hangs on these. It is made once.
type world struct {
	x      *inspect.Index
	topo   *graph.Topology
	spaces []*space // those whose interfaces are known, in the order of the topology
	byKey  map[string]*space
}

// space is a network namespace.
type space struct {
	*inspect.Network
	rules      *inspect.Ruleset // nil where not all of them were read
	key, title string
	own        bool          // the observer's
	container  bool          // of a container
	enter      string        // what a command begins with to run in it; "" in the observer's
	reachable  bool          // enter is known
	links      map[int]*link // by index
	bridges    []*bridge     // by index
}

// link is an interface with its other end.
type link struct {
	*inspect.Interface
	sp   *space
	peer *link // of a veth; nil when not known
}

// bridge is a bridge with its ports.
type bridge struct {
	*link
	network  string                 // the engine's name of its network; ""
	engine   *inspect.EngineNetwork // nil when no engine told of it
	ports    []*link
	stations []*station
	// closed: every port is a veth whose other end is known, in another
	// namespace, so that all who hang on the bridge are known.
	closed bool
}

// station is an interface that hangs on a bridge by a veth.
type station struct {
	*link
	port   *link
	bridge *bridge
}

func newWorld(x *inspect.Index) *world {
	w := &world{x: x, topo: graph.NewTopology(x), byKey: map[string]*space{}}
	for i := range x.Snapshot().Networks {
		w.addSpace(&x.Snapshot().Networks[i])
	}
	w.join()
	for _, sp := range w.spaces {
		for _, l := range sp.links {
			if l.Kind == "bridge" {
				sp.bridges = append(sp.bridges, w.newBridge(l))
			}
		}
		slices.SortFunc(sp.bridges, func(a, b *bridge) int { return a.Index - b.Index })
	}
	return w
}

func (w *world) addSpace(n *inspect.Network) {
	sp := &space{Network: n, rules: filter.Rules(n), key: fmt.Sprintf("net:[%d]", n.NS.Ino), links: map[int]*link{}}
	if n.Dark > 0 {
		sp.key = fmt.Sprintf("dark:%d", n.Dark)
	}
	t := w.topo.Netns(sp.key)
	if t == nil {
		return
	}
	sp.title, sp.own, sp.container = t.Title, t.Kind == graph.NetnsHost, t.Kind == graph.NetnsContainer
	switch {
	case sp.own:
		sp.reachable = true
	case t.Lead != nil:
		sp.enter, sp.reachable = fmt.Sprintf("nsenter -t %d -n ", t.Lead.PID), true
	case len(t.Names) > 0 && !strings.Contains(t.Names[0], "/"):
		sp.enter, sp.reachable = "ip netns exec "+word(t.Names[0])+" ", true
	}
	for i := range n.Interfaces {
		l := &n.Interfaces[i]
		sp.links[l.Index] = &link{Interface: l, sp: sp}
	}
	w.spaces = append(w.spaces, sp)
	w.byKey[sp.key] = sp
}

// join finds the other ends of veths.
func (w *world) join() {
	for i := range w.topo.Edges {
		e := &w.topo.Edges[i]
		if e.Kind != graph.EdgePeer || e.OneSided {
			continue
		}
		a, b := w.linkOf(e.From), w.linkOf(e.To)
		if a != nil && b != nil {
			a.peer, b.peer = b, a
		}
	}
}

// linkOf returns the interface with a key of the topology, nil when its facts
// are not known.
func (w *world) linkOf(key string) *link {
	i := w.topo.Interface(key)
	if i == nil {
		return nil
	}
	if sp := w.byKey[i.Netns().Key]; sp != nil {
		return sp.links[i.IfIndex]
	}
	return nil
}

func (w *world) newBridge(l *link) *bridge {
	b := &bridge{link: l, closed: true}
	if i := w.topo.Interface(fmt.Sprintf("%s/%d", l.sp.key, l.Index)); i != nil {
		b.network, b.engine = i.Network, i.Engine()
	}
	for i := range l.sp.Interfaces {
		p := l.sp.links[l.sp.Interfaces[i].Index]
		if p.Master != l.Index {
			continue
		}
		b.ports = append(b.ports, p)
		if p.peer == nil || p.peer.sp == l.sp || p.peer.Master != 0 {
			b.closed = false
			continue
		}
		b.stations = append(b.stations, &station{link: p.peer, port: p, bridge: b})
	}
	return b
}

// each calls do with every bridge that somebody hangs on.
func (w *world) each(do func(*bridge)) {
	for _, sp := range w.spaces {
		for _, b := range sp.bridges {
			if len(b.stations) > 0 {
				do(b)
			}
		}
	}
}

// command is a command to run in the namespace, "" when there is no way in
// that can be typed.
func (sp *space) command(format string, args ...any) string {
	if !sp.reachable {
		return ""
	}
	return sp.enter + fmt.Sprintf(format, args...)
}

// commands joins commands that are to run one after the other.
func (sp *space) commands(list ...string) string {
	if !sp.reachable {
		return ""
	}
	return sp.enter + strings.Join(list, " && "+sp.enter)
}

// of says where an object is, "" for the host.
func (sp *space) of() string {
	if sp.own {
		return ""
	}
	return " of " + sp.title
}

// name is the interface as a report calls it: "eth0 of web".
func (l *link) name() string { return l.Name + l.sp.of() }

// object names a bridge.
func (b *bridge) object() string {
	if b.network != "" && b.network != b.Name {
		return fmt.Sprintf("bridge %s (network %s)%s", b.Name, b.network, b.sp.of())
	}
	return "bridge " + b.Name + b.sp.of()
}

// docker reports whether a Docker engine made the bridge.
func (b *bridge) docker() bool {
	rest, ok := strings.CutPrefix(b.Name, "br-")
	return b.Name == "docker0" || ok && len(rest) == 12 && strings.Trim(rest, "0123456789abcdef") == ""
}

// titles are the names of whom the stations are, at most a few.
func titles(list []*station) string {
	var names []string
	for i, s := range list {
		if i == 4 && len(list) > 5 {
			names = append(names, fmt.Sprintf("%d more", len(list)-i))
			break
		}
		names = append(names, s.sp.title)
	}
	return strings.Join(names, ", ")
}

// inodes are those of the namespaces; a dark one has none.
func inodes(list ...*space) []uint64 {
	var out []uint64
	for _, sp := range list {
		if sp.Dark == 0 {
			out = append(out, sp.NS.Ino)
		}
	}
	return out
}

// concerned are the inodes of a bridge's namespace and of stations on it.
func concerned(b *bridge, list []*station) []uint64 {
	out := inodes(b.sp)
	for _, s := range list {
		out = append(out, inodes(s.sp)...)
	}
	return out
}

// addrs returns the addresses of an interface in a family that are not
// link-local.
func (l *link) addrs(f inspect.Family) (out []netip.Prefix) {
	for _, a := range l.Addrs {
		if p := a.Prefix; familyOf(p.Addr()) == f && !p.Addr().IsLinkLocalUnicast() {
			out = append(out, p)
		}
	}
	return out
}

// first is the first of addrs; invalid where there is none.
func (l *link) first(f inspect.Family) netip.Addr {
	if list := l.addrs(f); len(list) > 0 {
		return list[0].Addr()
	}
	return netip.Addr{}
}

// addressed reports whether an interface has an address that is not link-local.
func (l *link) addressed() bool {
	return slices.ContainsFunc(l.Addrs, func(a inspect.Addr) bool { return !a.Prefix.Addr().IsLinkLocalUnicast() })
}

// conf returns the settings of an interface, nil when not known.
func (sp *space) conf(f inspect.Family, index int) *inspect.NetConf {
	for i := range sp.Conf {
		if c := &sp.Conf[i]; c.Family == f && c.Index == index {
			return c
		}
	}
	return nil
}

// words are facts as people say them.
func words(f inspect.Facts) string {
	return strings.ReplaceAll(strings.Join(f.Names(), ", "), "_", " ")
}
