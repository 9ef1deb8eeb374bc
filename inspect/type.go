package inspect

import (
	"fmt"
	"strings"
)

// Type is a kind of namespace. Its text is exactly the name of the link in
// /proc/PID/ns, see namespaces(7).
type Type uint8

// The eight kinds, in the order of their names. The zero Type is no kind.
const (
	Cgroup Type = iota + 1
	IPC
	Mnt
	Net
	PID
	Time
	User
	UTS
)

// Types lists all kinds in the order of their names.
var Types = []Type{Cgroup, IPC, Mnt, Net, PID, Time, User, UTS}

var typeNames = [...]string{"", "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}

// String returns the name of the link in /proc/PID/ns: "mnt", "net".
func (t Type) String() string {
	if !t.Valid() {
		return fmt.Sprintf("type(%d)", uint8(t))
	}
	return typeNames[t]
}

// Valid reports whether t is one of the eight kinds.
func (t Type) Valid() bool { return t >= Cgroup && t <= UTS }

// ParseType returns the kind with the given link name. It also takes the
// name in which nsenter(1) and unshare(1) know it: "mount" for "mnt".
func ParseType(name string) (Type, error) {
	if name == "mount" {
		return Mnt, nil
	}
	for _, t := range Types {
		if typeNames[t] == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("unknown namespace type %q (one of %s)", name, strings.Join(typeNames[1:], ", "))
}

// MarshalText encodes t as its link name.
func (t Type) MarshalText() ([]byte, error) {
	if !t.Valid() {
		return nil, fmt.Errorf("unknown namespace type %d", uint8(t))
	}
	return []byte(typeNames[t]), nil
}

// UnmarshalText decodes a link name.
func (t *Type) UnmarshalText(text []byte) error {
	v, err := ParseType(string(text))
	if err != nil {
		return err
	}
	*t = v
	return nil
}
