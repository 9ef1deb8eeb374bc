package inspect

import "net/netip"

// Interface is one network interface, see rtnetlink(7) and the IFLA_*
// attributes of linux/if_link.h.
type Interface struct {
	Index    int      `json:"ifindex"`
	Name     string   `json:"ifname"`
	AltNames []string `json:"altnames,omitempty"`
	Alias    string   `json:"alias,omitempty"` // free text, up to 255 bytes
	// Kind is IFLA_INFO_KIND: veth, bridge, macvlan, …; "" for lo and for
	// hardware. Kinds this program does not know are there too.
	Kind string `json:"kind,omitempty"`
	// Type is the ARPHRD_* number of linux/if_arp.h: 1 Ethernet, 772 loopback.
	Type uint16 `json:"type"`
	// Flags are the IFF_* bits of netdevice(7).
	Flags uint32 `json:"flags"`
	// OperState is the state of RFC 2863 in the words of ip(8): UP, DOWN,
	// LOWERLAYERDOWN, DORMANT, TESTING, NOTPRESENT, UNKNOWN.
	OperState string `json:"operstate"`
	Carrier   bool   `json:"carrier"`
	MTU       uint32 `json:"mtu"`
	// Address is the link layer address, as Ethernet's or in bytes with
	// colons; "" when it has none.
	Address string `json:"address,omitempty"`
	// Master is the index of the bridge, bond, team or vrf that it is in, in
	// the same namespace; 0 when in none.
	Master int `json:"master,omitempty"`
	// LinkIndex is IFLA_LINK: the index of the peer or of the lower
	// interface; 0 when it has none. It means something only together with
	// LinkNSID, and not for vxlan and tunnels: see their Lower.
	LinkIndex int `json:"link_index,omitempty"`
	// LinkNSID is IFLA_LINK_NETNSID: the number of the namespace in which
	// LinkIndex counts; nil: in this one. -1: in one without number.
	LinkNSID *int32 `json:"link_netnsid,omitempty"`
	// Addrs are the addresses, in the order of the kernel.
	Addrs []Addr `json:"addrs,omitempty"`
	Stats *Stats `json:"stats,omitempty"`

	// What the kind adds; nil for other kinds.
	Bridge *Bridge     `json:"bridge,omitempty"`
	Port   *BridgePort `json:"port,omitempty"` // of a bridge's port
	Vxlan  *Vxlan      `json:"vxlan,omitempty"`
	Tun    *Tun        `json:"tun,omitempty"`
	VLAN   *VLAN       `json:"vlan,omitempty"`
	// Mode is the mode of macvlan, macvtap, ipvlan, bond and netkit, in ip(8)'s
	// words; "" for others.
	Mode string `json:"mode,omitempty"`
	// Lower is the index of the interface that a tunnel sends through, in the
	// namespace of LinkNSID; 0 when it is not bound to one.
	Lower  int    `json:"lower,omitempty"`
	Local  string `json:"local,omitempty"`  // of a tunnel: its own outer address
	Remote string `json:"remote,omitempty"` // of a tunnel: the outer address of the other end, or its group
}

// The IFF_* bits of netdevice(7) that views ask for.
const (
	FlagUp       = 1 << 0  // administratively up
	FlagLoopback = 1 << 3  // a loopback interface
	FlagRunning  = 1 << 6  // operational
	FlagPromisc  = 1 << 8  // receives all packets
	FlagLowerUp  = 1 << 16 // the driver signals carrier
)

// Up reports whether the interface is administratively up.
func (i *Interface) Up() bool { return i.Flags&FlagUp != 0 }

// Loopback reports whether the interface is a loopback.
func (i *Interface) Loopback() bool { return i.Flags&FlagLoopback != 0 }

// Addr is an address of an interface.
type Addr struct {
	// Prefix is the local address with the length of its network.
	Prefix netip.Prefix `json:"prefix"`
	// Peer is the other end of a point-to-point link; invalid when none.
	Peer  netip.Addr `json:"peer,omitzero"`
	Scope string     `json:"scope"`           // global, site, link, host, or a number
	Label string     `json:"label,omitempty"` // of IPv4, where it is not the interface's name
	// Flags are the IFA_F_* bits of linux/if_addr.h.
	Flags uint32 `json:"flags,omitempty"`
}

// Stats are the counters of an interface, struct rtnl_link_stats64.
type Stats struct {
	RxBytes   uint64 `json:"rx_bytes"`
	RxPackets uint64 `json:"rx_packets"`
	RxErrors  uint64 `json:"rx_errors"`
	RxDropped uint64 `json:"rx_dropped"`
	TxBytes   uint64 `json:"tx_bytes"`
	TxPackets uint64 `json:"tx_packets"`
	TxErrors  uint64 `json:"tx_errors"`
	TxDropped uint64 `json:"tx_dropped"`
}

// Bridge is what a bridge adds, IFLA_BR_*.
type Bridge struct {
	STP           bool   `json:"stp,omitempty"`
	VLANFiltering bool   `json:"vlan_filtering,omitempty"`
	ID            string `json:"id,omitempty"` // priority.address, as brctl(8) shows it
	// NFCall says whether the bridge itself sends packets through iptables,
	// ip6tables and arptables, bits 0, 1 and 2, apart from the sysctl.
	NFCall uint8 `json:"nf_call,omitempty"`
}

// BridgePort is what a bridge's port adds, IFLA_BRPORT_*.
type BridgePort struct {
	// State is disabled, listening, learning, forwarding or blocking.
	State    string `json:"state"`
	Isolated bool   `json:"isolated,omitempty"`
	Hairpin  bool   `json:"hairpin,omitempty"`
	// VLANs are the VLANs that a filtering bridge lets through, by id.
	VLANs []PortVLAN `json:"vlans,omitempty"`
}

// PortVLAN is a VLAN of a bridge's port, struct bridge_vlan_info.
type PortVLAN struct {
	ID       uint16 `json:"id"`
	PVID     bool   `json:"pvid,omitempty"`     // frames without tag get this id
	Untagged bool   `json:"untagged,omitempty"` // frames leave without tag
}

// VLAN is what a vlan interface adds.
type VLAN struct {
	ID       uint16 `json:"id"`
	Protocol string `json:"protocol,omitempty"` // 802.1Q or 802.1ad
}

// Vxlan is what a vxlan adds, IFLA_VXLAN_*.
type Vxlan struct {
	ID   uint32 `json:"id"`
	Port uint16 `json:"port,omitempty"` // UDP destination
	// External: the id comes with each packet (IFLA_VXLAN_COLLECT_METADATA).
	External bool `json:"external,omitempty"`
}

// Tun is what a tun or tap interface adds, IFLA_TUN_*.
type Tun struct {
	Mode    string  `json:"mode"` // tun or tap
	Persist bool    `json:"persist,omitempty"`
	Owner   *uint32 `json:"owner,omitempty"` // uid who may attach; nil: no one is named
	Group   *uint32 `json:"group,omitempty"`
	Queues  uint32  `json:"queues,omitempty"` // attached queues
	// Servers are the processes that hold the other end of it open, by pid.
	Servers []FD `json:"servers,omitempty"`
}

// FD is an open file of a process.
type FD struct {
	PID int `json:"pid"`
	FD  int `json:"fd"`
}
