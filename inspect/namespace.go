package inspect

import "time"

// Namespace is one namespace of the host.
type Namespace struct {
	ID   ID   `json:"id"`
	Type Type `json:"type"`
	// Serial is the kernel's 64-bit id, never reused while the host is up
	// (NS_GET_ID, Linux 6.18); 0 when the kernel has none.
	Serial uint64 `json:"serial,omitempty"`
	// Owner is the owning user namespace (NS_GET_USERNS, ioctl_ns(2)). Zero
	// when not looked at, not permitted, or for the initial user namespace.
	Owner ID `json:"owner,omitzero"`
	// OwnerUID is the user who owns a user namespace (NS_GET_OWNER_UID), as
	// the observer's user namespace sees it; nil for other kinds or unknown.
	OwnerUID *uint32 `json:"owner_uid,omitempty"`
	// Parent is the parent of a pid or user namespace (NS_GET_PARENT). Zero
	// for other kinds, at the top, and where it is out of the observer's sight.
	Parent ID `json:"parent,omitzero"`
	// IDMap is set for user namespaces with a process; nil when unknown.
	IDMap *IDMap `json:"id_map,omitempty"`
	// TimeOffsets is set for time namespaces with a process; nil when unknown.
	TimeOffsets *TimeOffsets `json:"time_offsets,omitempty"`
	// UTS is set for UTS namespaces; nil when unknown.
	UTS *UTSName `json:"uts,omitempty"`
	// RefCount is the kernel's own count of references (struct ns_common, read
	// with BPF by a deep capture); nil when unknown. It grows with every task
	// set, file, mount, socket and child, so it tells how much is unexplained.
	RefCount *int `json:"ref_count,omitempty"`
}

// IDMap is uid_map, gid_map and setgroups of a user namespace, as a reader in
// the observer's user namespace sees them, see user_namespaces(7): for the
// observer's own namespace Outside is an id of its parent, for any other an
// id of the observer's.
type IDMap struct {
	UID       []IDRange `json:"uid"` // empty: nothing is mapped
	GID       []IDRange `json:"gid"`
	Setgroups string    `json:"setgroups,omitempty"` // allow or deny; "" when unknown
}

// IDRange maps Count ids: Inside+n is Outside+n.
type IDRange struct {
	Inside  uint32 `json:"inside"`
	Outside uint32 `json:"outside"` // 4294967295: not mapped in the observer's namespace
	Count   uint32 `json:"count"`
}

// TimeOffsets are the clock offsets of a time namespace relative to the
// initial one, see time_namespaces(7).
type TimeOffsets struct {
	Monotonic time.Duration `json:"monotonic"`
	Boottime  time.Duration `json:"boottime"`
}

// UTSName is what a UTS namespace isolates, see uname(2).
type UTSName struct {
	Hostname   string `json:"hostname"`
	Domainname string `json:"domainname"` // NIS domain, "(none)" by default
}
