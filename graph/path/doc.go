// Package path says which way a packet takes through the network namespaces of
// a host: routes, translation, filters, bridges and veth pairs, there and
// back. Routes are asked of the kernel through [Oracle]; without one they are
// reconstructed from the recorded routes and rules, and the [Report] says so.
package path
