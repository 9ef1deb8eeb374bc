package inspect

import "net/netip"

// Resolver is what /etc/resolv.conf of a mount namespace says, see
// resolv.conf(5). Only files are read that a container engine mounted there.
type Resolver struct {
	NS ID `json:"ns"` // the mount namespace
	// Nameservers are the addresses of its nameserver lines, in their order;
	// empty when it names none, which stands for one on the same machine.
	Nameservers []netip.Addr `json:"nameservers,omitempty"`
}

func compareResolvers(a, b *Resolver) int { return a.NS.Compare(b.NS) }
