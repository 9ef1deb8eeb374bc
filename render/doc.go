// Package render writes views for people and for programs: text tables and
// trees, JSON, YAML, names and templates.
//
// Everything here takes an io.Writer, a view and [Options]. Nothing looks at
// os.Stdout, the environment or the clock: the same view and options always
// give the same bytes.
//
// Text from the host (command names, host names, container names, paths) is
// chosen by whoever runs there. On its way to a terminal it passes [Sanitize],
// which [Table] does by itself for every cell.
package render
