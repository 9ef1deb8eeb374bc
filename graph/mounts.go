package graph

import (
	"cmp"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// MountTree is what is mounted in one mount namespace.
type MountTree struct {
	NS         uint64            `json:"ns"` // inode
	Dev        uint64            `json:"dev"`
	Host       *bool             `json:"host"`
	Containers []ContainerName   `json:"containers,omitempty"`
	Mounts     []MountNode       `json:"mounts"` // in preorder
	Problems   []inspect.Problem `json:"problems"`
	Format     int               `json:"format"`
}

// MountNode is a mount in its place in the tree.
type MountNode struct {
	inspect.Mount
	Depth int `json:"depth"`
	// Hidden is set when another mount covers it: no path leads there.
	Hidden bool `json:"hidden,omitempty"`
	// Rootfs is the container whose root directory this is.
	Rootfs *ContainerName `json:"rootfs,omitempty"`
	// Namespace is what is mounted, where that is a namespace: "net:[4026532299]".
	Namespace string `json:"namespace,omitempty"`
}

// MountsOf returns the mounts of a mount namespace as a tree. It is nil when
// they were not read.
func MountsOf(x *inspect.Index, id inspect.ID) *MountTree {
	t := &MountTree{NS: id.Ino, Dev: id.Dev, Host: isHost(x, id, inspect.Mnt), Mounts: []MountNode{}, Problems: problems(x), Format: inspect.Format}
	for _, c := range x.ContainersOf(id) {
		t.Containers = append(t.Containers, nameOf(c))
	}
	var list []inspect.Mount
	for _, m := range x.Snapshot().Mounts {
		if m.NS == id {
			list = append(list, m)
		}
	}
	if list == nil {
		return nil
	}
	b := mountForest{list: list, below: map[uint64][]int{}, roots: rootfsDevices(x), placed: make([]bool, len(list))}
	b.build()
	t.Mounts = b.out
	return t
}

type mountForest struct {
	list   []inspect.Mount
	below  map[uint64][]int // by parent, in the order of paths
	roots  map[string]*inspect.Container
	placed []bool
	out    []MountNode
}

func (b *mountForest) build() {
	ids := map[uint64]bool{}
	for _, m := range b.list {
		ids[m.MountID] = true
	}
	var tops []int
	for i, m := range b.list {
		if ids[m.ParentID] && m.ParentID != m.MountID {
			b.below[m.ParentID] = append(b.below[m.ParentID], i)
		} else {
			tops = append(tops, i)
		}
	}
	for _, below := range b.below {
		slices.SortFunc(below, func(i, j int) int {
			return cmp.Or(cmp.Compare(b.list[i].Point, b.list[j].Point), cmp.Compare(b.list[i].MountID, b.list[j].MountID))
		})
	}
	for _, i := range tops {
		b.place(i, 0, true)
	}
	for i := range b.list { // what is left goes in a circle, which no kernel makes
		b.place(i, 0, true)
	}
}

// place adds a mount and what is mounted on it. reached says whether a path
// leads to its mount point.
func (b *mountForest) place(i, depth int, reached bool) {
	if b.placed[i] {
		return
	}
	b.placed[i] = true
	m := &b.list[i]
	below := b.below[m.MountID]
	open := reached && !slices.ContainsFunc(below, func(j int) bool { return b.list[j].Point == m.Point })
	n := MountNode{Mount: *m, Depth: depth, Hidden: !open}
	if c := b.roots[m.Device]; c != nil && m.Root == "/" {
		n.Rootfs = known(nameOf(c))
	}
	if m.FSType == "nsfs" {
		n.Namespace = m.Root
	}
	b.out = append(b.out, n)
	for _, j := range below {
		if b.list[j].Point == m.Point { // on top of it
			b.place(j, depth+1, reached)
			continue
		}
		b.place(j, depth+1, open && !b.under(below, j))
	}
}

// under reports whether a sibling is mounted on a directory above j.
func (b *mountForest) under(siblings []int, j int) bool {
	return slices.ContainsFunc(siblings, func(k int) bool {
		return k != j && strings.HasPrefix(b.list[j].Point, strings.TrimSuffix(b.list[k].Point, "/")+"/")
	})
}

// rootfsDevices returns the containers by the device of their root directory,
// where it is a file system of its own, as overlay is.
func rootfsDevices(x *inspect.Index) map[string]*inspect.Container {
	roots := map[string]*inspect.Container{}
	for _, m := range x.Snapshot().Mounts {
		if m.Point != "/" || m.FSType != "overlay" && m.FSType != "fuse.fuse-overlayfs" {
			continue
		}
		if of := x.ContainersOf(m.NS); len(of) > 0 {
			roots[m.Device] = of[0]
		}
	}
	return roots
}
