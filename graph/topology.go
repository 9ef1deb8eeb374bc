package graph

import (
	"fmt"
	"strconv"

	"nsinspect/inspect"
)

// Topology is how the network namespaces of a host are wired: namespaces with
// their interfaces, and edges between these, each with its evidence. It says
// what the facts say: an end that is not known is there as unknown.
type Topology struct {
	// Namespaces are in this order: the observer's, others by ID, those that
	// nothing visible holds, those of which nothing but a number is known.
	Namespaces []*Netns `json:"namespaces"`
	// Edges are by kind, then by their ends.
	Edges []Edge `json:"edges"`
	// Servers are the processes that serve tun and tap interfaces, by pid.
	Servers  []Server          `json:"servers,omitempty"`
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`

	ifaces map[string]*Iface
	spaces map[string]*Netns
}

// Netns is a network namespace of a topology.
type Netns struct {
	// Key names it within the topology: "net:[4026531833]", "dark:1",
	// "unknown:1".
	Key string `json:"key"`
	// NS and Dev are inode and device; 0 for one that nothing visible holds.
	NS   uint64    `json:"ns,omitempty"`
	Dev  uint64    `json:"dev,omitempty"`
	Kind NetnsKind `json:"kind"`
	// Title is what people call it: host, the container, its name or the
	// process in it.
	Title string `json:"title"`
	// Containers are those with a process in it, also where it is the host's.
	Containers []ContainerName `json:"containers,omitempty"`
	// Service is the compose project and service, "shop/web"; "" for none.
	Service string   `json:"service,omitempty"`
	Names   []string `json:"names,omitempty"`
	*Lead
	// Via says how one was seen that nothing visible holds: "nsid 3 of host".
	Via string `json:"via,omitempty"`
	// Unread says that its interfaces could not be read: those shown are known
	// from others. Torn says that they changed while they were read.
	Unread     bool     `json:"unread,omitempty"`
	Torn       bool     `json:"torn,omitempty"`
	Interfaces []*Iface `json:"interfaces"`

	order int // place in the topology
}

// NetnsKind says by what a network namespace is known.
type NetnsKind string

// The kinds of network namespaces, in the order of preference.
const (
	NetnsHost      NetnsKind = "host"      // the observer's own
	NetnsContainer NetnsKind = "container" // of a container
	NetnsNamed     NetnsKind = "named"     // under /run/netns
	NetnsProcess   NetnsKind = "process"   // by a process in it
	NetnsBare      NetnsKind = "bare"      // by its inode only
	NetnsDark      NetnsKind = "dark"      // nothing visible holds it, but it could be read
	NetnsUnknown   NetnsKind = "unknown"   // only a number or a link leads to it
)

// Iface is an interface of a topology. Its keys are those of `ip -j` where
// these exist.
type Iface struct {
	// Key names it within the topology: that of its namespace, "/", ifindex.
	Key      string   `json:"key"`
	IfIndex  int      `json:"ifindex"`
	Name     string   `json:"ifname"` // "if7" where only the index is known
	AltNames []string `json:"altnames,omitempty"`
	Alias    string   `json:"ifalias,omitempty"`
	Kind     string   `json:"kind,omitempty"` // as `ip -d` has it; "" for hardware and lo
	State    string   `json:"operstate,omitempty"`
	// PortState is the STP state of a bridge's port.
	PortState string   `json:"port_state,omitempty"`
	Up        bool     `json:"up"` // administratively
	Loopback  bool     `json:"loopback,omitempty"`
	MTU       uint32   `json:"mtu,omitempty"`
	Address   string   `json:"address,omitempty"`
	Addrs     []string `json:"addrs,omitempty"` // with prefix length, link-local last
	Master    string   `json:"master,omitempty"`
	// Detail is what the kind adds: "vlan 10", "id 42 remote 10.0.0.2", "mode
	// bridge".
	Detail string `json:"detail,omitempty"`
	// Network is the container engine's network that a bridge or another
	// parent makes up.
	Network string `json:"network,omitempty"`
	// Default says that the namespace's default routes leave through it:
	// "via 192.0.2.1".
	Default string `json:"default,omitempty"`
	// Published are the ports of the host that lead here.
	Published []inspect.PublishedPort `json:"published,omitempty"`
	// Servers are the processes that serve a tun or tap.
	Servers []Server `json:"servers,omitempty"`
	// Missing: known from its other end only.
	Missing bool `json:"missing,omitempty"`

	ns     *Netns
	facts  *inspect.Interface
	engine *inspect.EngineNetwork
}

// Netns returns the namespace that the interface is in.
func (i *Iface) Netns() *Netns { return i.ns }

// EdgeKind says what an edge is.
type EdgeKind string

// The kinds of edges, From and To as said.
const (
	EdgePeer     EdgeKind = "peer"     // the two ends of a veth or netkit
	EdgePort     EdgeKind = "port"     // a port and its bridge, bond, team or vrf
	EdgeLower    EdgeKind = "lower"    // macvlan, ipvlan, vlan and what it lies on
	EdgeUnderlay EdgeKind = "underlay" // a tunnel and what it sends through
	EdgeServes   EdgeKind = "serves"   // a process and its tun
	EdgeRoute    EdgeKind = "route"    // a bridge and the interface that its packets leave through
	EdgePublish  EdgeKind = "publish"  // the host's uplink or namespace and a container's interface
)

// Edge joins two interfaces; an end can also be a namespace or a server.
type Edge struct {
	Kind EdgeKind `json:"kind"`
	From string   `json:"from"` // key
	To   string   `json:"to"`
	// Label is what is written at it; "" for nothing.
	Label string `json:"label,omitempty"`
	// Evidence is why it is there, in words.
	Evidence string `json:"evidence"`
	// OneSided: the other end does not say the same, or could not be read.
	OneSided bool `json:"one_sided,omitempty"`
}

// Server is a process that serves a tun or tap interface.
type Server struct {
	Key     string `json:"key"`
	PID     int    `json:"pid"`
	Command string `json:"command,omitempty"`
	Netns   string `json:"netns,omitempty"` // key of the namespace that it is in
}

// Interface returns the interface with a key, nil when there is none.
func (t *Topology) Interface(key string) *Iface { return t.ifaces[key] }

// Netns returns the namespace with a key, nil when there is none.
func (t *Topology) Netns(key string) *Netns { return t.spaces[key] }

// Document returns t itself: it is what JSON and YAML show.
func (t *Topology) Document() any { return t }

// NewTopology concludes from the network facts of a snapshot how its
// namespaces are wired.
func NewTopology(x *inspect.Index) *Topology {
	b := newTopologyBuilder(x)
	b.namespaces()
	b.edges()
	b.networks()
	b.emptyNetworks()
	b.defaults()
	b.publish()
	return b.finish()
}

func netnsKey(id inspect.ID) string { return "net:[" + strconv.FormatUint(id.Ino, 10) + "]" }

func darkKey(n int) string { return fmt.Sprintf("dark:%d", n) }

func ifaceKey(ns *Netns, index int) string { return ns.Key + "/" + strconv.Itoa(index) }
