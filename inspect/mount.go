package inspect

import "cmp"

// Mount is one mount of one mount namespace, see proc_pid_mountinfo(5) and
// statmount(2).
type Mount struct {
	NS ID `json:"ns"` // the mount namespace
	// MountID and ParentID are the numbers in mountinfo, unique in the host at
	// one time. The root of a namespace has a parent that is not in it.
	MountID  uint64 `json:"mount_id"`
	ParentID uint64 `json:"parent_id"`
	// Device is "major:minor" of the file system.
	Device string `json:"device"`
	// Root is the directory or file of the file system that is mounted here.
	Root string `json:"root"`
	// Point is the mount point from the root of the mount namespace.
	Point string `json:"point"`
	// FSType is the file system, with its subtype: "ext4", "fuse.sshfs".
	FSType string `json:"fstype"`
	// Source is the device or what else was given; "none" and "" are none. It is
	// also "" where statmount(2) does not tell it.
	Source string `json:"source,omitempty"`
	// Options are those of the mount, SuperOptions those of the file system.
	Options      string `json:"options,omitempty"`
	SuperOptions string `json:"super_options,omitempty"`
	// Shared is the peer group; Master the group that this one receives from;
	// PropagateFrom the nearest dominant one within sight; 0 for none. See
	// mount_namespaces(7).
	Shared        int  `json:"shared,omitempty"`
	Master        int  `json:"master,omitempty"`
	PropagateFrom int  `json:"propagate_from,omitempty"`
	Unbindable    bool `json:"unbindable,omitempty"`
}

// Compare orders by mount namespace, then in the order in which they were
// mounted.
func (m *Mount) Compare(o *Mount) int {
	return cmp.Or(m.NS.Compare(o.NS), cmp.Compare(m.MountID, o.MountID))
}
