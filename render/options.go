package render

import "time"

// Options say where a view is shown.
type Options struct {
	// Width is the number of columns of the terminal; 0 where the output is
	// no terminal, and nothing is cut then.
	Width int
	// Color allows escape sequences for colours.
	Color bool
	// ASCII draws trees without box characters, for terminals without UTF-8.
	ASCII bool
	// Now is the time that relative times refer to.
	Now time.Time
}
