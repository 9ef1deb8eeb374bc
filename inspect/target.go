package inspect

import (
	"fmt"
	"strconv"
	"strings"
)

// TargetKind says what a [Target] is.
type TargetKind uint8

// The kinds of targets.
const (
	TargetProcess TargetKind = iota + 1
	TargetContainer
	TargetNamespace
)

var targetKindNames = [...]string{"none", "process", "container", "namespace"}

// String returns "process", "container" or "namespace".
func (k TargetKind) String() string {
	if int(k) >= len(targetKindNames) {
		return fmt.Sprintf("target(%d)", uint8(k))
	}
	return targetKindNames[k]
}

// MarshalText encodes k as its name.
func (k TargetKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Target is what a user's word means.
type Target struct {
	Kind TargetKind `json:"kind"`
	// PID is the process; of a container its first process, 0 when it has
	// none, as when it is stopped. 0 for a namespace.
	PID int `json:"pid,omitempty"`
	// TID is set for a single thread of the process other than its leader.
	TID int `json:"tid,omitempty"`
	// Container is set for a container.
	Container *Container `json:"container,omitempty"`
	// NS and Type are set for a namespace.
	NS   ID   `json:"ns,omitzero"`
	Type Type `json:"type,omitzero"`
	// Text is a word that means this target and no other; "" when it was not
	// made by Resolve.
	Text string `json:"text,omitempty"`
}

// String returns a word that means this target: Text if set, else one like
// "pid:3037", "docker:web1" or "net:[4026532299]".
func (t Target) String() string {
	switch {
	case t.Text != "":
		return t.Text
	case t.Kind == TargetProcess && t.TID != 0:
		return fmt.Sprintf("/proc/%d/task/%d", t.PID, t.TID)
	case t.Kind == TargetProcess:
		return "pid:" + strconv.Itoa(t.PID)
	case t.Kind == TargetContainer && t.Container != nil:
		return t.Container.Engine + ":" + t.Container.DisplayName()
	case t.Kind == TargetNamespace:
		return fmt.Sprintf("%s:[%d]", t.Type, t.NS.Ino)
	}
	return t.Kind.String()
}

// NotFoundError says that a word means nothing in the snapshot.
type NotFoundError struct {
	Word   string
	Reason string   // why, if more is known than that it is not there
	Near   []string // words that do mean something and look alike
	hint   string
}

// Error returns the message without a hint.
func (e *NotFoundError) Error() string {
	msg := "target " + strconv.Quote(e.Word) + " not found"
	if e.Reason != "" {
		msg += ": " + e.Reason
	}
	return msg
}

// Hint returns what the user can do next.
func (e *NotFoundError) Hint() string {
	if e.hint != "" {
		return e.hint
	}
	if len(e.Near) > 0 {
		return "did you mean " + strings.Join(e.Near, ", ") + "?"
	}
	return "list targets with: nsinspect ls"
}

// AmbiguousError says that a word means more than one thing.
type AmbiguousError struct {
	Word       string
	Candidates []Target // each with a Text that means it alone
}

// Error lists the candidates in a form that can be typed.
func (e *AmbiguousError) Error() string {
	words := make([]string, len(e.Candidates))
	for i, c := range e.Candidates {
		words[i] = c.String()
	}
	return fmt.Sprintf("target %q is ambiguous: %s", e.Word, strings.Join(words, ", "))
}

// Hint returns what the user can do next.
func (e *AmbiguousError) Hint() string {
	if len(e.Candidates) == 0 {
		return "list targets with: nsinspect ls"
	}
	return "say which one, such as " + e.Candidates[0].String()
}

// Word is a completion: a word that means a target and what it stands for.
// Both hold text from the host, which is not fit for a terminal as it is.
type Word struct {
	Text        string `json:"text"`
	Description string `json:"description"`
}
