package inspect

// Network is what was read of one network namespace.
//
// Which namespace lies at the other end of a link is a conclusion: the facts
// are Interface.LinkIndex and LinkNSID together with the NSIDs of the network.
type Network struct {
	// NS is the namespace. It is zero for a dark one, which nothing visible
	// holds, so that its inode is not known.
	NS ID `json:"ns,omitzero"`
	// Dark numbers the dark networks of a snapshot from 1; 0 for the others.
	Dark int `json:"dark,omitempty"`
	// Via is where a dark network was read from: a namespace and the number
	// that it has for the dark one.
	Via *Via `json:"via,omitempty"`
	// Cookie is SO_NETNS_COOKIE of a socket in the namespace (Linux 5.14),
	// never reused while the host is up; 0 when unknown.
	Cookie uint64 `json:"cookie,omitempty"`
	// Facts are what was read of the network, as in Scope: a fact that was
	// asked for and is missing here could not be read.
	Facts []string `json:"facts"`
	// Torn says that the kernel changed what it listed while it listed it,
	// also when asked again: some entries may be missing or old.
	Torn bool `json:"torn,omitempty"`
	// Gone says that nothing led to the namespace any more when it was to be
	// read: it ended after it was seen. Nothing is known of it then.
	Gone bool `json:"gone,omitempty"`
	// NSIDs are the numbers that the namespace has for others, by number.
	NSIDs []NSID `json:"nsids,omitempty"`
	// Interfaces are by index.
	Interfaces []Interface `json:"interfaces,omitempty"`

	Routes     []Route      `json:"routes,omitempty"`     // of all tables, as the kernel lists them; see FactGateways
	Rules      []PolicyRule `json:"rules,omitempty"`      // policy rules, in the order of the kernel
	Neighbors  []Neighbor   `json:"neighbors,omitempty"`  // ARP and NDP, by interface and address
	Forwarding []FDBEntry   `json:"forwarding,omitempty"` // MAC addresses that bridges and vxlans know
	Conf       []NetConf    `json:"conf,omitempty"`       // per family: all, default, each interface
	// Sysctls are the few settings of /proc/sys/net that no netlink message
	// has, by name in dots ("net.bridge.bridge-nf-call-iptables"). A name
	// that is absent does not exist or could not be read.
	Sysctls map[string]string `json:"sysctls,omitempty"`

	// Ruleset is what nf_tables holds; nil when it was not read.
	Ruleset *Ruleset `json:"ruleset,omitempty"`
	Sockets []Socket `json:"sockets,omitempty"`
	// Flows are the tracked connections over UDP and IPv4, where rules of the
	// namespace translate the destination of such that come from elsewhere, and
	// not too many are tracked. They come with FactNeighbors and FactNetfilter together.
	Flows []Flow `json:"flows,omitempty"`
}

// Via is a namespace and a number that it has for another.
type Via struct {
	NS   ID    `json:"ns"`
	NSID int32 `json:"nsid"`
}

// NSID is a number that one network namespace has for another, see
// ip-netns(8), "set". Exactly one of NS and Dark is set.
type NSID struct {
	NSID int32 `json:"nsid"`
	NS   ID    `json:"ns,omitzero"`
	Dark int   `json:"dark,omitempty"`
}

// Peer returns what n has for a network namespace number: its ID, or its
// number among the dark ones. ok is false when the number is not known.
func (n *Network) Peer(nsid int32) (ns ID, dark int, ok bool) {
	for i := range n.NSIDs {
		if e := &n.NSIDs[i]; e.NSID == nsid {
			return e.NS, e.Dark, true
		}
	}
	return ID{}, 0, false
}

// Interface returns the interface with the given index, nil when there is none.
func (n *Network) Interface(index int) *Interface {
	for i := range n.Interfaces {
		if n.Interfaces[i].Index == index {
			return &n.Interfaces[i]
		}
	}
	return nil
}

// Has reports whether fact was read.
func (n *Network) Has(fact Facts) bool { return Scope{Facts: n.Facts}.Has(fact) }
