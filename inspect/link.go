package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Link is one entry of /proc/PID/ns. Eight of them name the namespace that a
// task is in; two name the one that its next child will be in.
type Link uint8

// The ten links, in the order in which /proc lists them.
const (
	LinkCgroup Link = iota
	LinkIPC
	LinkMnt
	LinkNet
	LinkPID
	LinkPIDForChildren
	LinkTime
	LinkTimeForChildren
	LinkUser
	LinkUTS
	NumLinks
)

var linkNames = [NumLinks]string{
	"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts",
}

var linkTypes = [NumLinks]Type{Cgroup, IPC, Mnt, Net, PID, PID, Time, Time, User, UTS}

var typeLinks = [...]Link{
	Cgroup: LinkCgroup, IPC: LinkIPC, Mnt: LinkMnt, Net: LinkNet,
	PID: LinkPID, Time: LinkTime, User: LinkUser, UTS: LinkUTS,
}

// String returns the file name in /proc/PID/ns.
func (l Link) String() string {
	if l >= NumLinks {
		return fmt.Sprintf("link(%d)", uint8(l))
	}
	return linkNames[l]
}

// ParseLinkName returns the link with this file name in /proc/PID/ns.
func ParseLinkName(name string) (Link, error) {
	for i, n := range linkNames {
		if n == name {
			return Link(i), nil
		}
	}
	return 0, fmt.Errorf("unknown namespace link %q", name)
}

// Type returns the kind of the namespace that l leads to. l must be one of
// the ten links.
func (l Link) Type() Type { return linkTypes[l] }

// Member reports whether a task is in the namespace that l leads to.
// It is false for pid_for_children and time_for_children.
func (l Link) Member() bool { return l != LinkPIDForChildren && l != LinkTimeForChildren }

// Link returns the link that names the namespace of this kind that a task is
// in. t must be valid.
func (t Type) Link() Link { return typeLinks[t] }

// Links are the namespaces that the links of one task lead to, by [Link].
// A zero ID is a link that could not be read or does not exist: a zombie
// leader's, pid_for_children before the namespace has an init, a kind that
// the kernel does not have.
type Links [NumLinks]ID

// Of returns the namespace of kind t that the task is in; zero when unknown.
func (l *Links) Of(t Type) ID { return l[t.Link()] }

// IsZero reports whether no link is known.
func (l *Links) IsZero() bool { return *l == Links{} }

// MarshalJSON encodes the known links as an object by name.
func (l Links) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 256), '{')
	for i, id := range l {
		if id.IsZero() {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, linkNames[i]...)
		b = append(b, '"', ':', '"')
		b = id.append(b)
		b = append(b, '"')
	}
	return append(b, '}'), nil
}

// UnmarshalJSON decodes an object of links. A link with an unknown name is an
// error: it would be lost.
func (l *Links) UnmarshalJSON(data []byte) error {
	*l = Links{}
	if l.unmarshalPlain(data) {
		return nil
	}
	var m map[string]ID
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	*l = Links{}
	for name, id := range m {
		link, err := ParseLinkName(name)
		if err != nil {
			return err
		}
		l[link] = id
	}
	return nil
}

// unmarshalPlain decodes what MarshalJSON writes, without blanks and escapes,
// and reports whether data is that. It is there for speed alone.
func (l *Links) unmarshalPlain(data []byte) bool {
	rest, ok := bytes.CutPrefix(data, []byte(`{"`))
	for ok {
		var name, id []byte
		if name, rest, ok = bytes.Cut(rest, []byte(`":"`)); !ok {
			return false
		}
		if id, rest, ok = bytes.Cut(rest, []byte{'"'}); !ok {
			return false
		}
		link, err := ParseLinkName(string(name))
		if err != nil || l[link].UnmarshalText(id) != nil {
			return false
		}
		if string(rest) == "}" {
			return true
		}
		rest, ok = bytes.CutPrefix(rest, []byte(`,"`))
	}
	return false
}
