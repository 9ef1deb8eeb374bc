package graph

// ShellWord returns s as one word of a shell, quoted where it has to be, so
// that a command with a name from the host is safe to type.
func ShellWord(s string) string { return quote(s) }
