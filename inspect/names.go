package inspect

import "strings"

// netnsDir is where ip-netns(8) keeps names; /var/run is mostly a symbolic
// link to /run.
const netnsDir = "/run/netns/"

// Names returns the names by which a namespace can be called: NAME for a
// bind mount at /run/netns/NAME, as ip-netns(8) shows it, else the path of
// the mount.
func (x *Index) Names(id ID) []string {
	var names []string
	for i := range x.s.Refs {
		if r := &x.s.Refs[i]; r.NS == id && r.Path != "" {
			names = append(names, nameOfPath(r.Path))
		}
	}
	return names
}

// nameOfPath returns NAME for /run/netns/NAME, else path.
func nameOfPath(path string) string {
	name, ok := strings.CutPrefix(runPath(path), netnsDir)
	if !ok || name == "" || strings.Contains(name, "/") {
		return path
	}
	return name
}

// runPath returns path with /var/run as /run.
func runPath(path string) string {
	if rest, ok := strings.CutPrefix(path, "/var/run/"); ok {
		return "/run/" + rest
	}
	return path
}
