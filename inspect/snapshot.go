package inspect

import "time"

// Format is the version of the encoding of a [Snapshot]. It grows when a
// reader of an older version would misread a newer file.
const Format = 1

// Snapshot is what was seen of one host at one time. It is immutable.
//
// A capture is not atomic: processes come and go while it is taken. What went
// away in between is left out; what could not be read is in Problems.
type Snapshot struct {
	Format     int         `json:"format"`
	Tool       string      `json:"tool,omitempty"` // program and version that made it
	Scope      Scope       `json:"scope"`
	Host       Host        `json:"host"`
	Namespaces []Namespace `json:"namespaces"`           // by ID
	Processes  []Process   `json:"processes"`            // by PID
	Containers []Container `json:"containers,omitempty"` // by ID
	Refs       []Ref       `json:"refs,omitempty"`       // see Ref.Compare
	Mounts     []Mount     `json:"mounts,omitempty"`     // see Mount.Compare
	Census     *Census     `json:"census,omitempty"`     // nil when none was taken
	// Networks are by namespace, then the dark ones by number.
	Networks []Network `json:"networks,omitempty"`
	// EngineNetworks are by ID, those without a bridge too.
	EngineNetworks []EngineNetwork `json:"engine_networks,omitempty"`
	Resolvers      []Resolver      `json:"resolvers,omitempty"` // by NS
	Problems       []Problem       `json:"problems,omitempty"`
}

// Host is the machine and the point from which it was seen.
type Host struct {
	Hostname string    `json:"hostname"`
	Kernel   string    `json:"kernel"`  // release, as uname -r
	Machine  string    `json:"machine"` // hardware name, as uname -m
	BootID   string    `json:"boot_id,omitempty"`
	Taken    time.Time `json:"taken"`
	// NSDev is the device number of nsfs, the Dev of every ID of this host.
	NSDev uint64 `json:"ns_dev"`
	// PIDMax is kernel.pid_max; 0 when unknown.
	PIDMax int `json:"pid_max,omitempty"`
	// ClockTicks is the number of clock ticks in a second, the unit of
	// Info.Start; sysconf(_SC_CLK_TCK).
	ClockTicks int `json:"clock_ticks,omitempty"`
	// Uptime is the time since boot, suspension included, at Taken.
	Uptime time.Duration `json:"uptime,omitempty"`
	// OverflowUID and OverflowGID are what an unmapped id is shown as,
	// /proc/sys/kernel/overflowuid; nil when unknown.
	OverflowUID *uint32 `json:"overflow_uid,omitempty"`
	OverflowGID *uint32 `json:"overflow_gid,omitempty"`
	// Limits are the files of /proc/sys/user by name, such as
	// "max_net_namespaces", as the observer's user namespace has them.
	Limits map[string]int64 `json:"limits,omitempty"`
	// Users are the names of the user ids that occur, from the host's
	// passwd(5); an id without name is absent.
	Users map[uint32]string `json:"users,omitempty"`
	// Groups are the names of the group ids that occur, from the host's
	// group(5), with FactProcesses; an id without name is absent.
	Groups   map[uint32]string `json:"groups,omitempty"`
	Observer Observer          `json:"observer"`
}

// Observer is the process that took the snapshot. Ids in id maps and uids of
// processes are as its user namespace sees them, pids as its /proc does.
type Observer struct {
	PID  int    `json:"pid"`
	EUID uint32 `json:"euid"`
	EGID uint32 `json:"egid"`
	Caps uint64 `json:"caps"` // effective capabilities, bit n is capability n
	NS   Links  `json:"ns"`
}

// Problem is something that could not be read. It is data: a view says that
// it is partial, JSON carries it along.
type Problem struct {
	Op   string `json:"op"`             // what was done: "read namespace links"
	Path string `json:"path,omitempty"` // on what; the first of them where Count is more than 1
	Err  string `json:"error"`          // why not: "permission denied"
	Hint string `json:"hint,omitempty"` // what to do about it, something that can be typed
	// Count is how many objects the problem concerns, Total how many of
	// their sort there are; 0 when it is about one object.
	Count int `json:"count,omitempty"`
	Total int `json:"total,omitempty"`
	// PIDs are the processes concerned, in ascending order.
	PIDs []int `json:"pids,omitempty"`
}

// OpAskEngine is Problem.Op where a container engine did not answer, so that
// names of containers are missing. Path is the engine's address.
const OpAskEngine = "ask container engine"
