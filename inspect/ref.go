package inspect

import (
	"cmp"
	"slices"
)

// Ref is one thing that pins a namespace or names it, other than a task that
// is in it and other than a child or owned namespace: those are in Process
// and Namespace.
type Ref struct {
	NS   ID      `json:"ns,omitzero"` // zero for RefStale, and for a Candidate that can be of any
	Kind RefKind `json:"kind"`
	// PID is the process that holds it; 0 for a mount.
	PID int `json:"pid,omitempty"`
	// TID is the thread that has the descriptor in a table of its own; 0 when
	// it is in the table of the leader.
	TID int `json:"tid,omitempty"`
	// FD is the number of the descriptor for the kinds that have one, see
	// RefKind.HasFD; 0 is a valid number.
	FD int `json:"fd,omitempty"`
	// Path is the mount point of a mount, as seen from the root of its mount
	// namespace; else the text of the link in /proc/PID/fd.
	Path string `json:"path,omitempty"`
	// Name is the name under which ip-netns(8) or a container engine knows a
	// mount: the last element of Path; "" for any other mount.
	Name string `json:"name,omitempty"`
	// MountNS and MountID say where a mount is; zero when it is the observer's
	// own mount namespace that was read without more.
	MountNS ID     `json:"mount_ns,omitzero"`
	MountID uint64 `json:"mount_id,omitempty"`
	// Inode is the inode of a socket, as in "socket:[4711]".
	Inode uint64 `json:"inode,omitempty"`
	// Protocol of a socket: tcp, udp, unix, netlink, packet, raw, …
	Protocol string `json:"protocol,omitempty"`
	// Local and Remote are the addresses of a socket, "" when it has none.
	Local  string `json:"local,omitempty"`
	Remote string `json:"remote,omitempty"`
	// Listening is set for a socket that waits for connections.
	Listening bool `json:"listening,omitempty"`
	// Interface is the name of the interface of a tun file; "" unattached.
	Interface string `json:"interface,omitempty"`
	// Slot is the index of a file registered with an io_uring.
	Slot int `json:"slot,omitempty"`
	// Candidate is set when this may hold the namespace, but the kernel does
	// not say so.
	Candidate bool `json:"candidate,omitempty"`
}

// RefKind says what sort of thing pins a namespace.
type RefKind string

// The sorts of references.
const (
	// RefMount is a bind mount of the namespace's file, as `ip netns add` makes.
	RefMount RefKind = "mount"
	// RefFD is an open file of nsfs.
	RefFD RefKind = "fd"
	// RefSocket is a socket that was made in a network namespace.
	RefSocket RefKind = "socket"
	// RefTun is an open /dev/net/tun, attached to an interface or not.
	RefTun RefKind = "tun"
	// RefIOUring is a file of nsfs that is registered with an io_uring; its
	// descriptor may be closed.
	RefIOUring RefKind = "io_uring"
	// RefInotify and RefFanotify are watches on a file of nsfs.
	RefInotify  RefKind = "inotify"
	RefFanotify RefKind = "fanotify"
	// RefInFlight is a file in a message that nobody has received yet; FD is
	// the receiving socket.
	RefInFlight RefKind = "in_flight"
	// RefProcNet is an open file below /proc/PID/net.
	RefProcNet RefKind = "proc_net"
	// RefMountinfo is an open mounts, mountinfo or mountstats of /proc/PID.
	RefMountinfo RefKind = "mountinfo"
	// RefPidfd is a descriptor of a process that has ended.
	RefPidfd RefKind = "pidfd"
	// RefProcMount is a mounted proc file system, which holds its pid namespace.
	RefProcMount RefKind = "proc_mount"
	// RefSymlink is a name of ip-netns(8) that is a symbolic link to
	// /proc/PID/ns/net, as made by hand for containers. It holds nothing.
	RefSymlink RefKind = "symlink"
	// RefStale is a name of ip-netns(8) or of a container engine without a
	// namespace, NS is zero: a plain file on which nothing is mounted, at least
	// not in the observer's mount namespace, or a dangling symbolic link.
	RefStale RefKind = "stale"
)

// HasFD reports whether FD, and PID with it, means something for this kind.
func (k RefKind) HasFD() bool {
	return k != RefMount && k != RefProcMount && k != RefSymlink && k != RefStale
}

// Holds reports whether a reference of this kind keeps its namespace alive, as
// all do but names that are not mounts.
func (k RefKind) Holds() bool { return k != RefSymlink && k != RefStale }

// misplaced reports whether r lacks a namespace that it must have, or has one
// that it cannot.
func (r *Ref) misplaced() bool {
	if r.Kind == RefStale {
		return !r.NS.IsZero()
	}
	return r.NS.IsZero() && !r.Candidate
}

// Compare orders references by namespace, kind, process, thread, number,
// mount and path.
func (r *Ref) Compare(o *Ref) int {
	return cmp.Or(r.NS.Compare(o.NS), cmp.Compare(r.Kind, o.Kind), cmp.Compare(r.PID, o.PID),
		cmp.Compare(r.TID, o.TID), cmp.Compare(r.FD, o.FD), cmp.Compare(r.Slot, o.Slot),
		r.MountNS.Compare(o.MountNS), cmp.Compare(r.MountID, o.MountID), cmp.Compare(r.Path, o.Path))
}

// SortRefs sorts by Ref.Compare and drops what occurs twice.
func SortRefs(refs []Ref) []Ref {
	slices.SortFunc(refs, func(a, b Ref) int { return a.Compare(&b) })
	return slices.CompactFunc(refs, func(a, b Ref) bool { return a.Compare(&b) == 0 })
}
