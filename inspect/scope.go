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
	// FactFDs: open files that pin a namespace: nsfs files, and what fdinfo
	// says of io_uring, inotify and fanotify.
	FactFDs
	// FactSockets: sockets and tun files, and the network namespace of each.
	FactSockets
	// FactBinds: the nsfs mounts of every mount namespace, also of those
	// without process.
	FactBinds
	// FactMounts: all mounts of every mount namespace.
	FactMounts
	// FactInFlight: files on their way through a unix socket, as far as a peek
	// at the first message shows them.
	FactInFlight
	// FactCensus: an account of all inodes, and the kernel's own lists and
	// reference counts of namespaces, where it gives them.
	FactCensus
	// FactNetwork: interfaces, addresses and nsids of network namespaces.
	FactNetwork
	// FactRoutes: routes and rules of network namespaces.
	FactRoutes
	// FactNeighbors: neighbours and forwarding databases.
	FactNeighbors
	// FactNetConf: forwarding, rp_filter and other settings.
	FactNetConf
	// FactNetfilter: tables, chains, rules and sets of nf_tables.
	FactNetfilter
	// FactPorts: listening TCP and all UDP sockets by network namespace, and the
	// processes that have them open.
	FactPorts
	// FactConnections: the TCP sockets that do not listen.
	FactConnections
	// FactServers: the processes that serve tun and tap interfaces.
	FactServers
	// FactEngineNetworks: the networks that the container engines made.
	FactEngineNetworks
	// FactResolvers: the name servers in the resolv.conf that a container
	// engine mounted into a mount namespace.
	FactResolvers
	// FactGateways: the default routes of the main tables. They are among the
	// routes: FactRoutes has it, and where that is named this is not.
	FactGateways

	numFacts = iota
)

var factNames = [numFacts]string{
	"tasks", "threads", "leads", "processes", "owners", "id_maps",
	"time_offsets", "hostnames", "containers", "names", "limits",
	"fds", "sockets", "binds", "mounts", "in_flight", "census",
	"network", "routes", "neighbors", "netconf", "netfilter", "ports", "connections", "servers",
	"engine_networks", "resolvers", "gateways",
}

// FactsAll is every sort of facts.
const FactsAll Facts = (1<<numFacts - 1) &^ FactGateways

// FactsDeep are the sorts that have side effects, small as these are: they
// are never captured unless they are asked for.
const FactsDeep = FactInFlight | FactCensus

// FactsHolders are the sorts that tell what holds a namespace.
const FactsHolders = FactFDs | FactSockets | FactBinds

// Has reports whether all of want are in f.
func (f Facts) Has(want Facts) bool {
	if f&FactRoutes != 0 {
		f |= FactGateways
	}
	return f&want == want
}

// Names returns the names of the facts in f.
func (f Facts) Names() []string {
	names := []string{}
	if f&FactRoutes != 0 {
		f &^= FactGateways
	}
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
	Focus []int `json:"focus,omitzero"`
}

// NewScope returns the scope of a capture that was asked for f.
func NewScope(f Facts, focus []int) Scope { return Scope{Facts: f.Names(), Focus: focus} }

// Set returns the facts of the scope. A name that is not known is an error;
// the others are returned all the same.
func (s Scope) Set() (Facts, error) {
	var f Facts
	var err error
	for _, name := range s.Facts {
		i := slices.Index(factNames[:], name)
		if i < 0 {
			err = fmt.Errorf("unknown fact %q in scope", name)
			continue
		}
		f |= 1 << i
	}
	return f, err
}

// Has reports whether the capture was asked for all of want.
func (s Scope) Has(want Facts) bool {
	f, _ := s.Set()
	return f.Has(want)
}
