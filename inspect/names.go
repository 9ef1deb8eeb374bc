package inspect

import (
	"path"
	"slices"
	"sort"
	"strings"
)

// RefsOf returns what pins a namespace, other than tasks and other
// namespaces. The slice must not be changed.
func (x *Index) RefsOf(id ID) []Ref {
	list := x.s.Refs
	first, _ := sort.Find(len(list), func(i int) int { return id.Compare(list[i].NS) })
	end := first
	for end < len(list) && list[end].NS == id {
		end++
	}
	return list[first:end:end]
}

// Names returns the names by which a namespace can be called: the NAME of a
// bind mount or symbolic link that ip-netns(8) or a container engine knows, else
// the path of the mount. Each occurs once, in the order of their paths.
func (x *Index) Names(id ID) []string {
	var names []string
	for _, r := range x.RefsOf(id) {
		if name := r.name(); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// name returns what a mount or a symbolic link of ip-netns(8) is called, ""
// for anything else.
func (r *Ref) name() string {
	switch {
	case r.Kind != RefMount && r.Kind != RefSymlink:
		return ""
	case r.Name != "":
		return r.Name
	case isNetnsPath(r.Path):
		return path.Base(r.Path)
	}
	return r.Path
}

// isNetnsPath reports whether ip-netns(8) or a container engine mounts network
// namespaces there.
func isNetnsPath(path string) bool {
	path = runPath(path)
	return strings.HasPrefix(path, "/run/netns/") || strings.HasPrefix(path, "/run/docker/netns/")
}

// runPath returns path with /var/run, which is mostly a symbolic link, as
// /run.
func runPath(path string) string {
	if rest, ok := strings.CutPrefix(path, "/var/run/"); ok {
		return "/run/" + rest
	}
	return path
}
