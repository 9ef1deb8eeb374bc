// Package filter says what rules do with a packet, those of nf_tables and of
// the older iptables, from the facts alone. It has three answers: the packet
// passes, it is stopped, or that cannot be told; each with the rule that
// decides. A rule that cannot be read, or whose condition depends on what is
// not known of the packet, never makes a wrong answer: where the outcome hangs
// on it, the answer is [Unknown].
//
//	r := filter.Run(filter.Rules(network), filter.Query{
//		Hook: "forward", Packet: packet, Conn: filter.Conn{State: filter.New},
//		In: network.Interface(7), Out: network.Interface(2),
//		RouteType: filter.LocalTypes(network),
//	})
//	switch r.Verdict { … } // r.Rule, r.Reason, r.Packet
//
// What iptables-nft made is read too: its matches and targets are kernel
// structures in the rules, see linux/netfilter/xt_*.h.
package filter
