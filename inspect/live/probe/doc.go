// Package probe sends one real packet from a network namespace and watches, in
// the namespaces on its way, what the kernel does with it and with its answer.
//
// It is the one part of the house below inspect/live that changes something
// on the host, for as long as it runs: a table of nf_tables in each watched
// namespace, see [wire.Witness], which the kernel removes when the program
// ends, however that happens. The packet itself leaves what any packet does:
// neighbours and forwarding database entries that were learned, and counters.
// Its connection is forgotten by the connection trackers of the namespaces
// that it was seen in.
package probe
