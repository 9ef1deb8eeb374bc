package render

import (
	"io"

	"nsinspect/graph"
)

// Drawing is what nsinspect graph shows: the wiring of the network
// namespaces, the hierarchies of user and pid namespaces, or all of them.
// What is nil is not shown.
type Drawing struct {
	Net   *graph.Topology
	Users *graph.UserTree
	PIDs  *graph.PIDTree
	// Path are the keys of interfaces that a packet goes through, in this
	// order; DOT draws them, and the lines between them, thick.
	Path []string
}

// Document returns what is drawn: the one view, or all by kind.
func (v Drawing) Document() any {
	switch {
	case v.Users == nil && v.PIDs == nil:
		return v.Net
	case v.Net == nil && v.PIDs == nil:
		return v.Users
	case v.Net == nil && v.Users == nil:
		return v.PIDs
	}
	return struct {
		Net    *graph.Topology `json:"net,omitempty"`
		Users  *graph.UserTree `json:"user,omitempty"`
		PIDs   *graph.PIDTree  `json:"pid,omitempty"`
		Format int             `json:"format"`
	}{v.Net, v.Users, v.PIDs, 1}
}

// views are those that are drawn.
func (v Drawing) views() (out []View) {
	if v.Net != nil {
		out = append(out, Topology{v.Net})
	}
	if v.Users != nil {
		out = append(out, UserTree{UserTree: v.Users})
	}
	if v.PIDs != nil {
		out = append(out, PIDTree{PIDTree: v.PIDs})
	}
	return out
}

// Targets returns the namespaces.
func (v Drawing) Targets() (words []string) {
	for _, view := range v.views() {
		words = append(words, view.Targets()...)
	}
	return words
}

// Text writes them as trees, one below the other.
func (v Drawing) Text(w io.Writer, wide bool, o Options) error {
	for n, view := range v.views() {
		if n > 0 {
			if _, err := io.WriteString(w, "\n"); err != nil {
				return err
			}
		}
		if err := view.Text(w, wide, o); err != nil {
			return err
		}
	}
	return nil
}
