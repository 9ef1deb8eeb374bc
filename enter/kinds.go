package enter

import (
	"strings"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// Kinds is a set of kinds of namespaces.
type Kinds uint16

// AllKinds is the set of all eight.
const AllKinds Kinds = 1<<inspect.Cgroup | 1<<inspect.IPC | 1<<inspect.Mnt | 1<<inspect.Net |
	1<<inspect.PID | 1<<inspect.Time | 1<<inspect.User | 1<<inspect.UTS

// SetOf returns the set of the given kinds.
func SetOf(types ...inspect.Type) Kinds {
	var k Kinds
	for _, t := range types {
		k |= 1 << t
	}
	return k
}

// Has reports whether t is in the set.
func (k Kinds) Has(t inspect.Type) bool { return k&(1<<t) != 0 }

// joinOrder is the order in which kinds are joined one by one: user last,
// because it takes privileges over the others away.
var joinOrder = [...]inspect.Type{
	inspect.Cgroup, inspect.IPC, inspect.UTS, inspect.Net, inspect.PID, inspect.Time, inspect.Mnt, inspect.User,
}

// List returns the kinds of the set, in the order in which they are joined.
func (k Kinds) List() []inspect.Type {
	var list []inspect.Type
	for _, t := range joinOrder {
		if k.Has(t) {
			list = append(list, t)
		}
	}
	return list
}

// String returns the names, as "net, mnt".
func (k Kinds) String() string { return k.join(", ") }

func (k Kinds) join(sep string) string {
	var names []string
	for _, t := range k.List() {
		names = append(names, t.String())
	}
	return strings.Join(names, sep)
}

var cloneFlags = [...]int64{
	inspect.Cgroup: unix.CLONE_NEWCGROUP, inspect.IPC: unix.CLONE_NEWIPC, inspect.Mnt: unix.CLONE_NEWNS,
	inspect.Net: unix.CLONE_NEWNET, inspect.PID: unix.CLONE_NEWPID, inspect.Time: unix.CLONE_NEWTIME,
	inspect.User: unix.CLONE_NEWUSER, inspect.UTS: unix.CLONE_NEWUTS,
}

// flags are the CLONE_NEW* flags of the set, see clone(2).
func (k Kinds) flags() int64 {
	var f int64
	for _, t := range k.List() {
		f |= cloneFlags[t]
	}
	return f
}
