// Package live reads the namespaces of the running host into an
// [inspect.Snapshot]. It is the only package that does; everything that looks
// at a snapshot works on a file from another host as well.
//
// [Collect] makes one pass over /proc for the links of all tasks, then asks
// for the rest once per namespace or once per set of namespaces, not once per
// process. What goes away meanwhile is left out in silence; what may not be
// read becomes an [inspect.Problem].
//
// Nothing on the host changes. One thread enters foreign UTS namespaces to ask
// for their names, and ends there.
//
// # Text
//
// Names in /proc are bytes that anyone chose, a snapshot is valid UTF-8. A
// byte that is not valid UTF-8 is written as \xNN, four characters, and the
// backslash of a name that holds such four characters itself as \x5c, so that
// two different names stay different. All other text is left as it is, control
// characters included.
package live
