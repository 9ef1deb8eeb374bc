package path

import (
	"net/netip"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// Disposition is what becomes of a packet.
type Disposition string

// The dispositions.
const (
	Accepted            Disposition = "ACCEPTED"             // delivered to its destination
	DeniedIn            Disposition = "DENIED_IN"            // stopped where it came in
	DeniedOut           Disposition = "DENIED_OUT"           // stopped where it would go out
	NoRoute             Disposition = "NO_ROUTE"             // no route leads to its destination
	NullRoute           Disposition = "NULL_ROUTE"           // a route or rule refuses it
	NeighborUnreachable Disposition = "NEIGHBOR_UNREACHABLE" // nobody has the address of the next hop
	Loop                Disposition = "LOOP"                 // it comes where it has been
	ExitsNetwork        Disposition = "EXITS_NETWORK"        // it leaves what is known
	InsufficientInfo    Disposition = "INSUFFICIENT_INFO"    // cannot be told
)

// Good reports whether the packet gets where it should, as far as it can be
// followed.
func (d Disposition) Good() bool { return d == Accepted || d == ExitsNetwork }

// Report is the way of a packet and that of its answer.
type Report struct {
	Packet filter.Packet `json:"packet"` // as it is sent
	// Disposition is that of the packet, or of the answer where only that
	// does not arrive.
	Disposition Disposition `json:"disposition"`
	Reason      string      `json:"reason,omitempty"`
	// MTU is the smallest of the way there; 0 when not known.
	MTU     uint32 `json:"mtu,omitempty"`
	Forward Leg    `json:"forward"`
	Reply   *Leg   `json:"reply,omitempty"` // nil where the packet does not arrive
	// Reconstructed: routes come from recorded facts, not from the kernel.
	Reconstructed bool `json:"reconstructed"`
	// Proof is what a real packet showed; nil where none was sent.
	Proof    *Proof            `json:"proof,omitempty"`
	Notes    []string          `json:"notes,omitempty"`
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}

// Leg is one direction.
type Leg struct {
	Steps       []Step      `json:"steps"`
	Disposition Disposition `json:"disposition"`
	Reason      string      `json:"reason,omitempty"`
	MTU         uint32      `json:"mtu,omitempty"` // the smallest
}

// Step is something that happens to the packet.
type Step struct {
	// Netns and Iface are keys of graph.Topology; Iface is "" for none.
	Netns string `json:"netns"`
	Iface string `json:"iface,omitempty"`
	// IfName is the interface's name.
	IfName string `json:"ifname,omitempty"`
	// Do is send, receive, route, filter, nat, bridge, cross, deliver, leave.
	Do   string `json:"do"`
	Text string `json:"text"`
	// Bad says that the packet's way ends here, and should not.
	Bad  bool         `json:"bad,omitempty"`
	Rule *filter.Rule `json:"rule,omitempty"` // that decided or translated
	// Before and After are the packet around a translation.
	Before *filter.Packet `json:"before,omitempty"`
	After  *filter.Packet `json:"after,omitempty"`
	MTU    uint32         `json:"mtu,omitempty"` // of the interface it goes through
}

// RouteQuery asks for a route.
type RouteQuery struct {
	Dst, Src netip.Addr // Src is invalid where it is to be chosen
	Iif      int        // that the packet came through; 0 for one of the namespace itself
	Oif      int        // that the route has to lead through; 0 for any
	Mark     uint32
	Proto    uint8
	SrcPort  uint16 // 0: not known
	DstPort  uint16
}

// RouteAnswer is a route, or why there is none.
type RouteAnswer struct {
	Type    string       `json:"type"` // unicast, local, broadcast, …
	Table   uint32       `json:"table"`
	Prefix  netip.Prefix `json:"prefix"` // the matching one; invalid when not known
	Via     netip.Addr   `json:"via,omitzero"`
	Oif     int          `json:"oif"`
	Prefsrc netip.Addr   `json:"prefsrc,omitzero"`
	MTU     uint32       `json:"mtu,omitempty"`
	Ways    int          `json:"ways,omitempty"` // next hops; the first is taken
	// Refused is the kernel's error in errno(3)'s words, such as
	// "ENETUNREACH"; "" when there is a route.
	Refused string `json:"refused,omitempty"`
}

// Oracle asks the kernel of a namespace. An error is that it could not be asked.
type Oracle func(ns inspect.ID, q RouteQuery) (RouteAnswer, error)
