package render

import (
	"fmt"
	"io"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// Can is the view of what a process may in a namespace.
type Can struct{ *graph.Can }

// Document returns the facts.
func (v Can) Document() any { return v.Can }

// Targets returns the word for the namespace.
func (v Can) Targets() []string { return []string{nsName(v.Type, v.NS)} }

// Text writes the answer, the reason and what else matters.
func (v Can) Text(w io.Writer, _ bool, o Options) error {
	s := newSheet(o)
	s.title(fmt.Sprintf("process %d", v.PID), fmt.Sprintf("%s in %s", orDash(v.Command), nsName(v.Type, v.NS)))
	switch {
	case v.Has != nil && *v.Has:
		s.styled(Good, v.Asked, "yes")
	case v.Has != nil:
		s.styled(Bad, v.Asked, "no")
	case v.Asked != "":
		s.styled(Warning, v.Asked, "not known")
	}
	s.line("because", v.Why)
	if v.Over != nil && v.Type != inspect.User {
		s.line("decided by", nsName(inspect.User, *v.Over)+", which owns it")
	}
	switch {
	case v.Asked != "":
	case v.Capabilities == nil:
		s.line("capabilities", "not known")
	case v.All:
		s.line("capabilities", fmt.Sprintf("all %d", len(v.Capabilities)))
	default:
		s.capabilities("capabilities", v.Capabilities)
	}
	s.line("mind", v.Notes...)
	return s.writeTo(w)
}
