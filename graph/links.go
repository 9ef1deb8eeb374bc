package graph

import (
	"fmt"
	"strconv"

	"nsinspect/inspect"
)

// LinkRow is one interface of one network namespace as a line of a list. Its
// keys are those of `ip -j -d link` where these exist.
type LinkRow struct {
	// Netns is the key of the namespace in a topology, NetnsTitle what people
	// call it.
	Netns      string  `json:"netns"`
	NetnsTitle string  `json:"netns_title"`
	NS         *uint64 `json:"ns"` // inode; nil where nothing visible holds it

	IfIndex    int             `json:"ifindex"`
	IfName     string          `json:"ifname"`
	AltNames   []string        `json:"altnames,omitempty"`
	IfAlias    string          `json:"ifalias,omitempty"`
	Flags      []string        `json:"flags"`
	MTU        uint32          `json:"mtu"`
	OperState  string          `json:"operstate"`
	LinkType   string          `json:"link_type"`
	Address    string          `json:"address,omitempty"`
	Master     string          `json:"master,omitempty"`
	LinkIndex  int             `json:"link_index,omitempty"`
	LinkNSID   *int32          `json:"link_netnsid,omitempty"`
	LinkInfo   *LinkInfo       `json:"linkinfo,omitempty"`
	AddrInfo   []AddrInfo      `json:"addr_info"`
	Stats      *StatsInfo      `json:"stats64,omitempty"`
	PortState  string          `json:"port_state,omitempty"` // STP state of a bridge's port
	Detail     string          `json:"detail,omitempty"`
	Network    string          `json:"network,omitempty"`    // of the container engine
	Containers []ContainerName `json:"containers,omitempty"` // in the namespace
	// Peer is the other end or what it lies on; nil when it has neither.
	Peer *LinkPeer `json:"peer,omitempty"`
	// Servers are the processes that serve a tun or tap.
	Servers []Server `json:"servers,omitempty"`

	key string
}

// LinkInfo is what `ip -d` says of the kind.
type LinkInfo struct {
	Kind      string `json:"info_kind,omitempty"`
	SlaveKind string `json:"info_slave_kind,omitempty"`
}

// AddrInfo is an address, as `ip -j address` has it.
type AddrInfo struct {
	Family    string `json:"family"` // inet or inet6
	Local     string `json:"local"`
	PrefixLen int    `json:"prefixlen"`
	Scope     string `json:"scope"`
}

// StatsInfo are counters, as `ip -j -s` has them.
type StatsInfo struct {
	Rx Counters `json:"rx"`
	Tx Counters `json:"tx"`
}

// Counters are those of one direction.
type Counters struct {
	Bytes   uint64 `json:"bytes"`
	Packets uint64 `json:"packets"`
	Errors  uint64 `json:"errors"`
	Dropped uint64 `json:"dropped"`
}

// LinkPeer is what an interface leads to.
type LinkPeer struct {
	Kind       EdgeKind `json:"kind"`  // peer, lower or underlay
	Netns      string   `json:"netns"` // key
	NetnsTitle string   `json:"netns_title"`
	IfIndex    int      `json:"ifindex,omitempty"`
	IfName     string   `json:"ifname,omitempty"`
	Master     string   `json:"master,omitempty"` // what it is a port of
	Network    string   `json:"network,omitempty"`
	Evidence   string   `json:"evidence"`
	OneSided   bool     `json:"one_sided,omitempty"`
}

// Title is what people call the process.
func (s *Server) Title() string {
	if s.Command == "" {
		return fmt.Sprintf("pid %d", s.PID)
	}
	return fmt.Sprintf("%s (pid %d)", s.Command, s.PID)
}

// Key names the interface within its topology.
func (r *LinkRow) Key() string { return r.key }

// Links lists the interfaces of a topology, by namespace and index. Those of
// which only another's link is known are left out: they are peers.
func Links(t *Topology) []LinkRow {
	peers := t.peers()
	rows := []LinkRow{}
	for _, ns := range t.Namespaces {
		for _, i := range ns.Interfaces {
			if i.facts != nil {
				rows = append(rows, t.linkRow(ns, i, peers[i.Key]))
			}
		}
	}
	return rows
}

// peers finds for each interface what it leads to.
func (t *Topology) peers() map[string]*LinkPeer {
	out := map[string]*LinkPeer{}
	add := func(from, to string, e *Edge) {
		if out[from] != nil {
			return
		}
		p := &LinkPeer{Kind: e.Kind, Evidence: e.Evidence, OneSided: e.OneSided}
		if ns := t.spaces[to]; ns != nil {
			p.Netns, p.NetnsTitle = ns.Key, ns.Title
		} else if i := t.ifaces[to]; i != nil {
			p.Netns, p.NetnsTitle = i.ns.Key, i.ns.Title
			p.IfIndex, p.IfName, p.Master, p.Network = i.IfIndex, i.Name, i.Master, i.Network
		}
		out[from] = p
	}
	for k := range t.Edges {
		switch e := &t.Edges[k]; e.Kind {
		case EdgePeer:
			add(e.From, e.To, e)
			add(e.To, e.From, e)
		case EdgeLower, EdgeUnderlay:
			add(e.From, e.To, e)
		}
	}
	return out
}

func (t *Topology) linkRow(ns *Netns, i *Iface, peer *LinkPeer) LinkRow {
	f := i.facts
	r := LinkRow{
		Netns: ns.Key, NetnsTitle: ns.Title, IfIndex: i.IfIndex, IfName: i.Name, AltNames: i.AltNames, IfAlias: i.Alias,
		Flags: flagNames(f.Flags), MTU: i.MTU, OperState: i.State, LinkType: linkType(f.Type), Address: i.Address,
		Master: i.Master, LinkIndex: f.LinkIndex, LinkNSID: f.LinkNSID, AddrInfo: addrInfo(f), PortState: i.PortState,
		Detail: i.Detail, Network: i.Network, Containers: ns.Containers, Peer: peer, Servers: i.Servers, key: i.Key,
	}
	if ns.NS != 0 {
		r.NS = &ns.NS
	}
	if i.Kind != "" || f.Port != nil {
		r.LinkInfo = &LinkInfo{Kind: i.Kind}
		if f.Port != nil {
			r.LinkInfo.SlaveKind = "bridge"
		}
	}
	if s := f.Stats; s != nil {
		r.Stats = &StatsInfo{
			Rx: Counters{s.RxBytes, s.RxPackets, s.RxErrors, s.RxDropped},
			Tx: Counters{s.TxBytes, s.TxPackets, s.TxErrors, s.TxDropped},
		}
	}
	return r
}

func addrInfo(f *inspect.Interface) []AddrInfo {
	out := []AddrInfo{}
	for _, a := range f.Addrs {
		family := "inet"
		if a.Prefix.Addr().Is6() {
			family = "inet6"
		}
		out = append(out, AddrInfo{Family: family, Local: a.Prefix.Addr().String(), PrefixLen: a.Prefix.Bits(), Scope: a.Scope})
	}
	return out
}

// ifFlags are the IFF_* bits in ip-link(8)'s words and order.
var ifFlags = [...]struct {
	bit  uint32
	name string
}{
	{1 << 3, "LOOPBACK"},
	{1 << 1, "BROADCAST"},
	{1 << 4, "POINTOPOINT"},
	{1 << 12, "MULTICAST"},
	{1 << 7, "NOARP"},
	{1 << 9, "ALLMULTI"},
	{1 << 8, "PROMISC"},
	{1 << 10, "MASTER"},
	{1 << 11, "SLAVE"},
	{1 << 2, "DEBUG"},
	{1 << 15, "DYNAMIC"},
	{1 << 14, "AUTOMEDIA"},
	{1 << 13, "PORTSEL"},
	{1 << 5, "NOTRAILERS"},
	{1 << 0, "UP"},
	{1 << 16, "LOWER_UP"},
	{1 << 17, "DORMANT"},
	{1 << 18, "ECHO"},
}

// flagNames are the flags as ip(8) has them: NO-CARRIER first for an interface
// that is up and does not run.
func flagNames(flags uint32) []string {
	names := []string{}
	if flags&inspect.FlagUp != 0 && flags&inspect.FlagRunning == 0 {
		names = append(names, "NO-CARRIER")
	}
	for _, f := range ifFlags {
		if flags&f.bit != 0 {
			names = append(names, f.name)
		}
	}
	return names
}

// linkType is ip-link(8)'s word for an ARPHRD_* number.
func linkType(n uint16) string {
	switch n {
	case 1:
		return "ether"
	case 32:
		return "infiniband"
	case 512:
		return "ppp"
	case 768:
		return "ipip"
	case 769:
		return "tunnel6"
	case 772:
		return "loopback"
	case 776:
		return "sit"
	case 778:
		return "gre"
	case 823:
		return "gre6"
	case 0xfffe:
		return "none"
	}
	return strconv.Itoa(int(n))
}
