package inspect

import "net/netip"

// Route is a route of a network namespace, see rtnetlink(7) and ip-route(8).
type Route struct {
	Family Family `json:"family"`
	// Table is the number of its table: 254 main, 255 local, 253 default.
	Table uint32 `json:"table"`
	// Dst is the destination; the zero network is the default route.
	Dst netip.Prefix `json:"dst"`
	Src netip.Prefix `json:"src,omitzero"` // of a route by source; IPv6 only
	// Type is in ip-route(8)'s words: unicast, local, broadcast, blackhole, …
	Type string `json:"type"`
	// Protocol is who made it: kernel, boot, static, dhcp, ra, … or a number.
	Protocol string     `json:"protocol"`
	Scope    string     `json:"scope"`
	Prefsrc  netip.Addr `json:"prefsrc,omitzero"`
	Metric   uint32     `json:"metric,omitempty"`
	// Hops are the next hops; one, but for multipath routes; none for routes
	// that refuse.
	Hops []Hop `json:"hops,omitempty"`
	// Nexthop is the id of the nexthop object that it uses; 0 for none.
	Nexthop uint32 `json:"nexthop,omitempty"`
	MTU     uint32 `json:"mtu,omitempty"` // RTAX_MTU; 0 when not set
	// Flags are the RTM_F_* and RTNH_F_* bits.
	Flags uint32 `json:"flags,omitempty"`
}

// Hop is where a route goes.
type Hop struct {
	Via    netip.Addr `json:"via,omitzero"` // invalid: on link
	Oif    int        `json:"oif,omitempty"`
	Weight int        `json:"weight,omitempty"` // of a multipath hop, from 1
	Flags  uint8      `json:"flags,omitempty"`  // RTNH_F_*: 1 dead, 4 onlink, 16 linkdown
}

// Family is an address family by its number in socket(2).
type Family uint8

// The families of network facts.
const (
	FamilyUnix   Family = 1
	FamilyIPv4   Family = 2
	FamilyBridge Family = 7
	FamilyIPv6   Family = 10
)

// PolicyRule is a rule of the routing policy, see ip-rule(8).
type PolicyRule struct {
	Family   Family       `json:"family"`
	Priority uint32       `json:"priority"`
	Not      bool         `json:"not,omitempty"`
	Src      netip.Prefix `json:"src,omitzero"` // invalid: from all
	Dst      netip.Prefix `json:"dst,omitzero"`
	Iif      string       `json:"iif,omitempty"`
	Oif      string       `json:"oif,omitempty"`
	Mark     uint32       `json:"fwmark,omitempty"`
	Mask     uint32       `json:"fwmask,omitempty"`
	TOS      uint8        `json:"tos,omitempty"`
	UIDs     *[2]uint32   `json:"uid_range,omitempty"`
	IPProto  uint8        `json:"ipproto,omitempty"`
	Sport    *[2]uint16   `json:"sport,omitempty"`
	Dport    *[2]uint16   `json:"dport,omitempty"`
	L3mdev   bool         `json:"l3mdev,omitempty"`
	// Action is lookup, goto, nop, blackhole, unreachable or prohibit.
	Action string `json:"action"`
	Table  uint32 `json:"table,omitempty"` // of lookup
	Goto   uint32 `json:"goto,omitempty"`  // priority that goto jumps to
	// SuppressPrefix: routes with at most this prefix length are not taken;
	// nil when not set.
	SuppressPrefix *uint32 `json:"suppress_prefixlength,omitempty"`
	Protocol       string  `json:"protocol,omitempty"`
}

// Neighbor is an entry of the ARP or NDP table, see ip-neighbour(8).
type Neighbor struct {
	Index   int        `json:"ifindex"`
	Addr    netip.Addr `json:"addr"`
	Address string     `json:"address,omitempty"` // link layer address; "" when not resolved
	State   string     `json:"state"`             // PERMANENT, NOARP, REACHABLE, STALE, INCOMPLETE, …
	Router  bool       `json:"router,omitempty"`
	Proxy   bool       `json:"proxy,omitempty"`
}

// FDBEntry is a link layer address that a bridge or a vxlan knows, see
// bridge(8), "fdb".
type FDBEntry struct {
	Index   int    `json:"ifindex"`
	Address string `json:"address"`
	VLAN    uint16 `json:"vlan,omitempty"`
	Master  int    `json:"master,omitempty"` // the bridge, where the entry is the bridge's
	State   string `json:"state"`            // permanent, static (NOARP), reachable, stale
	// Dst is the address of the far end, for vxlan.
	Dst netip.Addr `json:"dst,omitzero"`
	// Self: the entry is the interface's own, not its master's.
	Self bool `json:"self,omitempty"`
}

// NetConf is the configuration of one family on an interface, see ip-netconf(8).
type NetConf struct {
	Family Family `json:"family"`
	// Index is the interface; -1 is "all", -2 is "default".
	Index      int  `json:"ifindex"`
	Forwarding bool `json:"forwarding"`
	// RPFilter is rp_filter: 0 off, 1 strict, 2 loose; nil for IPv6.
	RPFilter         *uint8 `json:"rp_filter,omitempty"`
	ProxyNeigh       bool   `json:"proxy_neigh,omitempty"`
	IgnoreRoutesDown bool   `json:"ignore_routes_with_linkdown,omitempty"`
}

// The indexes of [NetConf] that are no interface.
const (
	ConfAll     = -1
	ConfDefault = -2
)
