package live

import (
	"bytes"

	"nsinspect/inspect"
)

// parseCgroups parses /proc/PID/cgroup, see cgroups(7): each line is
//
//	hierarchy-ID:controller-list:cgroup-path
//
// Controllers are separated by commas, none has a colon in its name; the path
// holds what the directories are called, but no newline. A line of
// another shape is left out.
func parseCgroups(file []byte) []inspect.CgroupPath {
	var out []inspect.CgroupPath
	for line := range bytes.Lines(file) {
		id, rest, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(":"))
		hierarchy, ok2 := parseUint(id, 1<<31-1)
		controllers, path, ok3 := bytes.Cut(rest, []byte(":"))
		if !ok || !ok2 || !ok3 || len(path) == 0 || path[0] != '/' {
			continue
		}
		out = append(out, inspect.CgroupPath{
			Hierarchy: int(hierarchy), Controllers: text(controllers), Path: text(path),
		})
	}
	return out
}
