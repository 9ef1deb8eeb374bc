// Package graph draws conclusions from the facts of a snapshot: which
// namespace lies in which and who owns it ([UserHierarchy], [PIDHierarchy]),
// who shares a namespace with whom ([Memberships]), all that is known of one
// process, container or namespace ([ProfileOf]) and the processes inside a
// target ([Inside]).
//
// Every function is pure: it takes an [inspect.Index] and returns a view, a
// struct whose JSON is documented in docs/json.md. A view keeps apart what is
// none and what is not known: the latter is nil, and null or absent in JSON.
// The facts can come from a file that somebody else wrote, so nothing here
// trusts a parent link to end, or an id to lead anywhere.
//
// "Host" in names and JSON keys means the namespaces of the observer, the
// process that took the snapshot.
package graph
