package graph

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// topologyBuilder gathers a topology.
type topologyBuilder struct {
	x *inspect.Index
	t *Topology
	// nets are the facts by the key of the namespace.
	nets   map[string]*inspect.Network
	seen   map[Edge]bool
	byAddr map[netip.Addr][]*Iface
	holes  int // unknown namespaces so far
	// containers are those with a process in a namespace, also in the host's.
	containers map[inspect.ID][]*inspect.Container
}

func newTopologyBuilder(x *inspect.Index) *topologyBuilder {
	b := &topologyBuilder{
		x: x, nets: map[string]*inspect.Network{}, seen: map[Edge]bool{}, byAddr: map[netip.Addr][]*Iface{},
		containers: map[inspect.ID][]*inspect.Container{},
		t: &Topology{
			Namespaces: []*Netns{}, Edges: []Edge{}, Problems: problems(x), Format: 1,
			ifaces: map[string]*Iface{}, spaces: map[string]*Netns{},
		},
	}
	list := x.Snapshot().Containers
	for i := range list {
		if p := x.Process(list[i].PID); p != nil {
			id := p.NS.Of(inspect.Net)
			b.containers[id] = append(b.containers[id], &list[i])
		}
	}
	return b
}

// namespaces adds all network namespaces with their interfaces: the
// observer's first.
func (b *topologyBuilder) namespaces() {
	s := b.x.Snapshot()
	nets := make(map[inspect.ID]*inspect.Network, len(s.Networks))
	for i := range s.Networks {
		if n := &s.Networks[i]; n.Dark == 0 {
			nets[n.NS] = n
		}
	}
	own := b.x.Own(inspect.Net)
	add := func(id inspect.ID) {
		if n := nets[id]; n == nil || !n.Gone {
			b.addNetns(b.describe(id), n)
		}
	}
	if !own.IsZero() {
		add(own)
	}
	for i := range s.Namespaces {
		if n := &s.Namespaces[i]; n.Type == inspect.Net && n.ID != own {
			add(n.ID)
		}
	}
	for i := range s.Networks {
		if n := &s.Networks[i]; n.Dark != 0 {
			b.addNetns(b.describeDark(n), n)
		}
	}
}

func (b *topologyBuilder) addNetns(ns *Netns, n *inspect.Network) *Netns {
	ns.Interfaces, ns.order = []*Iface{}, len(b.t.Namespaces)
	b.t.Namespaces = append(b.t.Namespaces, ns)
	b.t.spaces[ns.Key] = ns
	if n == nil || !n.Has(inspect.FactNetwork) {
		ns.Unread = true
		return ns
	}
	b.nets[ns.Key] = n
	ns.Torn = n.Torn
	for i := range n.Interfaces {
		f := &n.Interfaces[i]
		iface := b.addIface(ns, newIface(f))
		for _, a := range f.Addrs {
			b.byAddr[a.Prefix.Addr()] = append(b.byAddr[a.Prefix.Addr()], iface)
		}
	}
	return ns
}

func (b *topologyBuilder) addIface(ns *Netns, i *Iface) *Iface {
	i.ns, i.Key = ns, ifaceKey(ns, i.IfIndex)
	ns.Interfaces = append(ns.Interfaces, i)
	b.t.ifaces[i.Key] = i
	return i
}

func newIface(f *inspect.Interface) *Iface {
	i := &Iface{
		IfIndex: f.Index, Name: f.Name, AltNames: f.AltNames, Alias: f.Alias, Kind: f.Kind, State: f.OperState,
		Up: f.Up(), Loopback: f.Loopback(), MTU: f.MTU, Address: f.Address, Detail: ifaceDetail(f), facts: f,
	}
	if f.Port != nil {
		i.PortState = f.Port.State
	}
	var local []string
	for _, a := range f.Addrs {
		text := a.Prefix.String()
		if a.Peer.IsValid() {
			text += " peer " + a.Peer.String()
		}
		if a.Prefix.Addr().IsLinkLocalUnicast() {
			local = append(local, text)
		} else {
			i.Addrs = append(i.Addrs, text)
		}
	}
	i.Addrs = append(i.Addrs, local...)
	return i
}

// ifaceDetail is what the kind of an interface adds, in ip-link(8)'s words.
func ifaceDetail(f *inspect.Interface) string {
	var words []string
	add := func(format string, args ...any) { words = append(words, fmt.Sprintf(format, args...)) }
	if f.Mode != "" {
		add("mode %s", f.Mode)
	}
	if f.VLAN != nil {
		add("vlan %d", f.VLAN.ID)
	}
	if v := f.Vxlan; v != nil {
		if v.External {
			add("external")
		} else {
			add("id %d", v.ID)
		}
	}
	if f.Local != "" {
		add("local %s", f.Local)
	}
	if f.Remote != "" {
		kind := "remote"
		if ip, err := netip.ParseAddr(f.Remote); err == nil && ip.IsMulticast() {
			kind = "group"
		}
		add("%s %s", kind, f.Remote)
	}
	if f.Tun != nil {
		add("%s", f.Tun.Mode)
	}
	if f.Bridge != nil && f.Bridge.VLANFiltering {
		add("vlan_filtering")
	}
	if f.Bridge != nil && f.Bridge.STP {
		add("stp")
	}
	return strings.Join(words, " ")
}

// unknown returns a namespace of which only a link is known; label says how.
func (b *topologyBuilder) unknown(label string) *Netns {
	for _, ns := range b.t.Namespaces {
		if ns.Kind == NetnsUnknown && ns.Via == label {
			return ns
		}
	}
	b.holes++
	return b.addNetns(&Netns{
		Key: fmt.Sprintf("unknown:%d", b.holes), Kind: NetnsUnknown,
		Title: "unknown netns (" + label + ")", Via: label,
	}, nil)
}

// iface returns the interface of ns with this index; a missing one is added,
// known by its index only.
func (b *topologyBuilder) iface(ns *Netns, index int) *Iface {
	if i := b.t.ifaces[ifaceKey(ns, index)]; i != nil {
		return i
	}
	return b.addIface(ns, &Iface{IfIndex: index, Name: fmt.Sprintf("if%d", index), Missing: true})
}

func (b *topologyBuilder) edge(e Edge) {
	if same := (Edge{Kind: e.Kind, From: e.From, To: e.To, Label: e.Label}); !b.seen[same] {
		b.seen[same] = true
		b.t.Edges = append(b.t.Edges, e)
	}
}

// edgeOrder is the order of kinds in a topology.
var edgeOrder = []EdgeKind{EdgePeer, EdgePort, EdgeLower, EdgeUnderlay, EdgeServes, EdgeRoute, EdgePublish}

func (b *topologyBuilder) finish() *Topology {
	t := b.t
	for _, ns := range t.Namespaces {
		slices.SortFunc(ns.Interfaces, func(a, b *Iface) int { return cmp.Compare(a.IfIndex, b.IfIndex) })
	}
	place := func(key string) (order, index int) {
		if i := t.ifaces[key]; i != nil {
			return i.ns.order, i.IfIndex
		}
		if ns := t.spaces[key]; ns != nil {
			return ns.order, 0
		}
		return len(t.Namespaces), 0
	}
	slices.SortStableFunc(t.Edges, func(a, b Edge) int {
		an, ai := place(a.From)
		bn, bi := place(b.From)
		label := cmp.Compare(a.Label, b.Label)
		if a.Kind == EdgePublish {
			label = 0 // they are in the order of the ports
		}
		return cmp.Or(cmp.Compare(slices.Index(edgeOrder, a.Kind), slices.Index(edgeOrder, b.Kind)),
			cmp.Compare(an, bn), cmp.Compare(ai, bi), cmp.Compare(a.To, b.To), label)
	})
	slices.SortFunc(t.Servers, func(a, b Server) int { return cmp.Compare(a.PID, b.PID) })
	t.Servers = slices.Compact(t.Servers)
	return t
}
