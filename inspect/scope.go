package inspect

import (
	"fmt"
	"slices"
)

// Facts is a set of sorts of facts.
type Facts uint32

// The sorts of facts that a capture can be asked for.
const (
	// FactTasks: the namespace links of every process.
	FactTasks Facts = 1 << iota
	// FactThreads: the links of threads that differ from their leader's.
	FactThreads
	// FactLeads: Info of one process of each distinct set of namespaces.
	FactLeads
	// FactProcesses: Info of every process.
	FactProcesses
	// FactOwners: owner, owner uid, parent and serial of every namespace, and
	// the namespaces without process that these lead to.
	FactOwners
	// FactIDMaps: uid_map, gid_map and setgroups of user namespaces.
	FactIDMaps
	// FactTimeOffsets: the offsets of time namespaces.
	FactTimeOffsets
	// FactHostnames: the names that UTS namespaces hold.
	FactHostnames
	// FactContainers: what the container engines say.
	FactContainers
	// FactNames: the names under /run/netns and /run/docker/netns.
	FactNames
	// FactLimits: the limits of /proc/sys/user.
	FactLimits

	numFacts = iota
)

var factNames = [numFacts]string{
	"tasks", "threads", "leads", "processes", "owners", "id_maps",
	"time_offsets", "hostnames", "containers", "names", "limits",
}

// FactsAll is every sort of facts.
const FactsAll Facts = 1<<numFacts - 1

// Has reports whether all of want are in f.
func (f Facts) Has(want Facts) bool { return f&want == want }

// Names returns the names of the facts in f.
func (f Facts) Names() []string {
	names := []string{}
	for i, name := range factNames {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// Scope says what a snapshot was asked for, so that "not looked at" is never
// taken for "none".
type Scope struct {
	Facts []string `json:"facts"`
	// Focus are the processes to which all but FactTasks and FactThreads were
	// narrowed, with the namespaces that they are in; nil for all.
	Focus []int `json:"focus,omitempty"`
}

// NewScope returns the scope of a capture that was asked for f.
func NewScope(f Facts, focus []int) Scope { return Scope{Facts: f.Names(), Focus: focus} }

// Set returns the facts of the scope. A name that is not known is an error.
func (s Scope) Set() (Facts, error) {
	var f Facts
	for _, name := range s.Facts {
		i := slices.Index(factNames[:], name)
		if i < 0 {
			return f, fmt.Errorf("unknown fact %q in scope", name)
		}
		f |= 1 << i
	}
	return f, nil
}

// Has reports whether the capture was asked for all of want.
func (s Scope) Has(want Facts) bool {
	f, _ := s.Set()
	return f.Has(want)
}
