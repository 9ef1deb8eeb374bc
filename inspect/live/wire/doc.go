// Package wire reads the network namespaces of a running host: interfaces,
// addresses, routes, nf_tables and sockets, by netlink alone, without sysfs
// and without running programs.
//
// One socket per namespace and protocol is opened by a thread that entered
// the namespace; such a thread never returns to other work, it ends with its
// goroutine. Links are listed first, because that makes the kernel give each
// namespace a number (nsid) for those that its links lead to; then every
// number is traced to a namespace. A number that leads to none of the known
// ones is a dark namespace: nothing visible holds it, yet its interfaces can
// be listed by number, from where it was seen.
//
// Messages are parsed here and not by a library, because no library lists a
// namespace by number, tells a list that was torn by a change, or has the
// state of a bridge's ports.
//
// All of it reads, but for [Witness]: that adds a table to nf_tables while it
// is open, on request only.
package wire
