package doctor

import (
	"fmt"
	"slices"
	"strings"

	"nsinspect/graph"
	"nsinspect/inspect"
)

func mountChecks() []Check {
	return []Check{{
		ID: "hidden-mount", Title: "a file system is mounted where another one covers it", Severity: Warning,
		About: "What was written to the covered one seems lost, and its device stays busy. Looks at the host's own mount namespace, at file systems on disks and on the network; " +
			"what covers itself, as after mounting everything twice, and what systemd's automounts cover is not reported.",
		Reference: "nsinspect mounts self", Needs: inspect.FactMounts, run: hiddenMount,
	}}
}

func hiddenMount(e *exam) {
	own := e.x.Own(inspect.Mnt)
	tree := graph.MountsOf(e.x, own)
	if tree == nil {
		e.unknown("host", "the mounts of the host's mount namespace are not known")
		return
	}
	for i := range tree.Mounts {
		m := &tree.Mounts[i]
		if !m.Hidden || !holdsData(m.FSType) || m.Point == "/" {
			continue
		}
		by := cover(tree.Mounts, m)
		if by == nil || by.Device == m.Device && by.Root == m.Root {
			continue
		}
		e.find(Finding{
			Object: "mount of " + m.Source + " at " + m.Point, Namespaces: []uint64{own.Ino},
			Cause: fmt.Sprintf("%s from %s is mounted over it at %s: no path leads to what is in it", by.FSType, by.Source, by.Point),
			Evidence: []Evidence{
				fact("findmnt -o ID,PARENT,SOURCE,FSTYPE,TARGET "+word(m.Point), fmt.Sprintf("mount %d, %s, device %s", m.MountID, m.FSType, m.Device)),
				fact("nsinspect mounts self", fmt.Sprintf("mount %d at %s covers it", by.MountID, by.Point)),
			},
			Fix: &Fix{Text: "when nothing uses the upper one, unmount it: umount " + word(by.Point)},
		})
	}
}

// holdsData are file systems on disks and on the network.
func holdsData(fstype string) bool {
	return strings.HasPrefix(fstype, "nfs") || strings.HasPrefix(fstype, "fuse.") ||
		slices.Contains([]string{"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "vfat", "cifs", "ceph", "bcachefs", "glusterfs"}, fstype)
}

// cover returns the mount that hides m: on its mount point, or on a directory
// above it, mounted later; nil when it is not among them.
func cover(list []graph.MountNode, m *graph.MountNode) *graph.MountNode {
	for i := range list {
		c := &list[i]
		under := c.Point == m.Point || strings.HasPrefix(m.Point, strings.TrimSuffix(c.Point, "/")+"/")
		if c.MountID > m.MountID && under && c.Point != "/" && c.MountID != m.MountID && c.MountID != m.ParentID && !strings.HasPrefix(c.FSType, "autofs") {
			return c
		}
	}
	return nil
}
