package inspect

import (
	"fmt"
	"strconv"
	"strings"
)

// The errors of this package that a user gets to see have a method Hint that
// returns what can be done about them, "" when there is nothing sensible.
// Both texts can hold names from the host.

const hintList = "list targets with: nsinspect ls"

// NotFoundError says that a word means nothing in the snapshot.
type NotFoundError struct {
	Word   string
	Reason string   // what is known of why; "" when it is just not there
	Near   []string // words that do mean something and that may be meant
	hint   string   // instead of the usual one
}

// Error returns the message without a hint.
func (e *NotFoundError) Error() string {
	if e.Reason == "" {
		return "target " + strconv.Quote(e.Word) + " not found"
	}
	return "target " + strconv.Quote(e.Word) + " not found: " + e.Reason
}

// Hint returns what the user can do next.
func (e *NotFoundError) Hint() string {
	switch {
	case len(e.Near) > 0:
		return "did you mean " + strings.Join(e.Near, ", ") + "?"
	case e.hint != "":
		return e.hint
	}
	return hintList
}

// AmbiguousError says that a word means more than one thing.
type AmbiguousError struct {
	Word       string
	Candidates []Target // each with a Text that means it alone
}

// Error lists the first candidates in a form that can be typed.
func (e *AmbiguousError) Error() string {
	const most = 8
	var words []string
	for _, c := range e.Candidates[:min(len(e.Candidates), most)] {
		words = append(words, c.String())
	}
	if more := len(e.Candidates) - most; more > 0 {
		words = append(words, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("target %q is ambiguous: %s", e.Word, strings.Join(words, ", "))
}

// Hint returns what the user can do next.
func (e *AmbiguousError) Hint() string {
	if len(e.Candidates) == 0 {
		return hintList
	}
	return "say which one, such as " + e.Candidates[0].String()
}

// UnreadableError says that a target is there, but that its namespaces are
// not known.
type UnreadableError struct {
	Target Target
	Reason string
	hint   string
}

// Error returns the message without a hint.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("the namespaces of %s are not known: %s", e.Target, e.Reason)
}

// Hint returns what the user can do next.
func (e *UnreadableError) Hint() string { return e.hint }
