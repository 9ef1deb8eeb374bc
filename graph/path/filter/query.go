package filter

import (
	"net/netip"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// Packet is what is known of a packet, as it is at the hook.
type Packet struct {
	Proto uint8      `json:"protocol"` // number of protocols(5): 6 tcp, 17 udp, 1 icmp, 58 icmp of IPv6
	Src   netip.Addr `json:"src"`
	Dst   netip.Addr `json:"dst"`
	// SrcUnknown and DstUnknown say that Src or Dst stand for any address
	// that is in none of Query.Inside.
	SrcUnknown bool `json:"src_unknown,omitempty"`
	DstUnknown bool `json:"dst_unknown,omitempty"`
	// SrcPort and DstPort are 0 where not known, as the port that a client
	// will take, and where the protocol has none.
	SrcPort uint16 `json:"sport,omitempty"`
	DstPort uint16 `json:"dport,omitempty"`
	// Ports are the lowest and highest that a port which is not known can be;
	// zero: any.
	Ports [2]uint16 `json:"-"`
	// ICMPType and ICMPCode are those of an ICMP packet; 8 of IPv4 and 128 of
	// IPv6 are an echo request.
	ICMPType uint8  `json:"icmp_type,omitempty"`
	ICMPCode uint8  `json:"icmp_code,omitempty"`
	Mark     uint32 `json:"mark,omitempty"`
	// MarkUnknown says that Mark cannot be told.
	MarkUnknown bool `json:"mark_unknown,omitempty"`
	// UID is who sends a packet of this host; nil where not known.
	UID *uint32 `json:"uid,omitempty"`
}

// The protocols that packets are told apart by.
const (
	ICMP   = 1
	TCP    = 6
	UDP    = 17
	ICMPv6 = 58
)

// State is what the connection tracker says of a packet, in nft(8)'s words.
type State string

// The states of connections.
const (
	New         State = "new"
	Established State = "established"
	Related     State = "related"
	Invalid     State = "invalid"
	Untracked   State = "untracked"
)

// Conn is what the connection tracker knows.
type Conn struct {
	State State `json:"state"`
	Reply bool  `json:"reply,omitempty"` // the packet goes against the direction of the first
	// Original is the first packet of the connection as it was before any
	// translation. Without addresses: as the packet is.
	Original Packet `json:"original,omitzero"`
	// SNAT and DNAT: source or destination were translated.
	SNAT bool   `json:"snat,omitempty"`
	DNAT bool   `json:"dnat,omitempty"`
	Mark uint32 `json:"mark,omitempty"`
	// MarkUnknown says that Mark cannot be told.
	MarkUnknown bool `json:"mark_unknown,omitempty"`
	// DstBound and SrcBound: whether and how destination or source are
	// translated was settled at an earlier hook, and rules are not asked again.
	DstBound bool `json:"dst_bound,omitempty"`
	SrcBound bool `json:"src_bound,omitempty"`
}

// Query is a packet at a hook.
type Query struct {
	// Hook is prerouting, input, forward, output, postrouting, or ingress and
	// egress of an interface.
	Hook string
	// Bridge asks for the hooks of a bridge, family bridge, instead of those
	// of IP; Netdev for those of the interface.
	Bridge bool
	Netdev bool
	Packet Packet
	Conn   Conn
	// In and Out are the interfaces; nil at hooks that have none. For packets
	// that a bridge passes through iptables they are the bridge.
	In, Out *inspect.Interface
	// PhysIn and PhysOut are the ports of the bridge that a packet came
	// through and will go through, with bridge-nf-call-iptables; "" for none.
	// Of Query.Bridge they are the bridge itself, In and Out its ports.
	PhysIn, PhysOut string
	// Bridged says that a bridge passes the packet on, so that PhysOut counts.
	Bridged bool
	// RouteType is the type of the route to an address in the table of local
	// addresses, in ip-route(8)'s words; by the addresses of one interface
	// where index is not 0. Nil: not known. See [LocalTypes].
	RouteType func(a netip.Addr, index int) (word string, ok bool)
	// Lookup is the interface of the unicast route to an address, nil where
	// there is none: for the reverse path filters of nft and iptables. from is
	// what policy rules take for the source. Where dev is not 0 only routes
	// through that interface count. Nil: not known.
	Lookup func(to, from netip.Addr, dev int, mark uint32) (out *inspect.Interface, ok bool)
	// Inside are the networks that an unknown address is in none of.
	Inside []netip.Prefix
	// OutAddr is the address that masquerade takes, InAddr the one that
	// redirect takes; invalid where not known.
	OutAddr, InAddr netip.Addr
}

// Verdict is the answer.
type Verdict string

// The answers. Drop and Reject both stop the packet; Reject tells the sender.
const (
	Accept  Verdict = "accept"
	Drop    Verdict = "drop"
	Reject  Verdict = "reject"
	Unknown Verdict = "unknown"
)

// Stops reports whether the packet certainly goes no further.
func (v Verdict) Stops() bool { return v == Drop || v == Reject }

// Rule is a rule, or the policy of a chain, as it is told to people.
type Rule struct {
	Family string `json:"family"`
	Table  string `json:"table"`
	Chain  string `json:"chain"`
	// Legacy says that the table is one of the older iptables.
	Legacy bool `json:"legacy,omitempty"`
	// Handle is that of `nft -a list ruleset`, of a rule of the older iptables
	// its number in the chain; 0 for the chain's policy.
	Handle uint64 `json:"handle,omitempty"`
	Text   string `json:"text"` // as nft lists it
}

// Place is where the rule is.
func (r *Rule) Place() graph.RulePlace {
	return graph.RulePlace{Family: r.Family, Table: r.Table, Chain: r.Chain, Legacy: r.Legacy, Handle: r.Handle}
}

// Result is what becomes of a packet at a hook.
type Result struct {
	Verdict Verdict `json:"verdict"`
	// Rule decides: it stops the packet, or is why that cannot be told. Of a
	// packet that passes it is the last that accepted it; nil where there is
	// no chain at the hook.
	Rule *Rule `json:"rule,omitempty"`
	// Reason says what cannot be told, or how the sender is told.
	Reason string `json:"reason,omitempty"`
	// Packet and Conn are as they leave the hook, translated and marked.
	Packet Packet `json:"packet"`
	Conn   Conn   `json:"conn"`
	// NAT is the rule that translated, and Translation what it does: dnat,
	// snat, masquerade, redirect; nil and "" for none.
	NAT         *Rule  `json:"nat,omitempty"`
	Translation string `json:"translation,omitempty"`
	// Chains are the base chains that the packet went through, in this order:
	// "ip filter FORWARD", with "(legacy)" behind those of the older iptables.
	Chains []string `json:"chains,omitempty"`
}
