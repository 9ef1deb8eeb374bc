package inspect

import (
	"fmt"
	"strconv"
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
	// made by Resolve. It can hold a name from the host.
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
		return linkText(t.Type, t.NS)
	}
	return t.Kind.String()
}

// same reports whether both are the same thing, however it was called.
func (t Target) same(o Target) bool {
	t.Text, o.Text = "", ""
	return t == o
}

// linkText is the text of a link in /proc/PID/ns.
func linkText(t Type, id ID) string { return fmt.Sprintf("%s:[%d]", t, id.Ino) }

func targetProcess(pid int) Target {
	t := Target{Kind: TargetProcess, PID: pid}
	t.Text = t.String()
	return t
}

func targetThread(pid, tid int) Target {
	if pid == tid {
		return targetProcess(pid)
	}
	t := Target{Kind: TargetProcess, PID: pid, TID: tid}
	t.Text = t.String()
	return t
}

func targetNamespace(id ID, kind Type) Target {
	t := Target{Kind: TargetNamespace, NS: id, Type: kind}
	t.Text = t.String()
	return t
}
