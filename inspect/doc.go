// Package inspect is the model of nsinspect: the facts about the namespaces
// of one host, taken at one time, and the pure functions that read them.
//
// A [Snapshot] holds facts only, never conclusions: which process is in which
// namespace, who owns a namespace, how a user namespace maps ids. Whatever
// follows from facts (trees, holders, peers, findings) is computed elsewhere,
// so that an old file gains new analysis and no two views can disagree.
//
// Facts point to each other by [ID], never by pointer. Slices are sorted and
// encoding is deterministic. A snapshot is immutable once it was made; an
// [Index] answers questions about it.
//
// The package imports the standard library only. The running host is read by
// inspect/live, which is the only code that does.
package inspect
