package enter

import (
	"time"

	"nsinspect/inspect"
)

// Request is what the user asked for. The zero Request runs nothing.
type Request struct {
	Target Target
	// Join are the kinds to join with the target; JoinAll means each that
	// differs from ours.
	Join    Kinds
	JoinAll bool
	Files   []File    // namespaces to join by file
	Socket  *SocketFD // whose network namespace to join; nil for none
	New     Kinds     // kinds to make new
	Persist []File    // files to which new namespaces are bound

	Hostname    string         // of the new UTS namespace; "" keeps it
	Monotonic   *time.Duration // offset of the new time namespace; nil for none
	Boottime    *time.Duration // the same for CLOCK_BOOTTIME
	MountProc   Choice         // mount /proc anew
	Propagation Propagation    // of mounts in a new mount namespace
	ResolvConf  bool           // bind the network namespace's resolv.conf

	Map                 IDMaps // of the new user namespace
	SetUID, SetGID      *SetID // nil: 0 in a joined user namespace, else kept
	PreserveCredentials bool   // keep ids and groups
	Root                string // directory to take as root; "" for the target's when mnt is joined
	TargetRoot          bool   // take the target's root, joined mnt or not
	Dir                 string // directory inside; "" to stay where we are
	TargetDir           bool   // the target's working directory
	EnvOfTarget         bool   // the target's environment for the command
	ClearEnv            bool   // no environment but PATH and TERM
	JoinCgroup          bool   // move into the target's cgroups
	TargetCaps          bool   // no more capabilities than the target may have
	NoNewPrivs          bool   // see prctl(2)
	NoFork              bool   // the command itself stays in the outer pid namespace
	NoInit              bool   // the command is pid 1 of a new pid namespace
	KillChild           bool   // the command dies with nsinspect
	Pty                 Choice // a terminal of its own for the command

	// Owners has the owners of namespaces known also where they do not matter,
	// because the caller has all rights on the host: for --dry-run.
	Owners bool

	Command []string // empty for a shell
	Env     []string // the caller's environment
}

// Target is the process whose namespaces are joined.
type Target struct {
	PID  int    // 0 for none
	TID  int    // a thread of it; 0 for its leader
	Name string // what it is called in messages: "web1", "process 7"
	Word string // what the user can type for it: "web1", "-p 7"
	// Container is the engine's id of the container that the process must be
	// in, because the pid came from the engine; "" is not checked.
	Container string
	// InContainer is set when the process is known to be in a container.
	InContainer bool
	// Unpause is what lets the processes of a paused container run; "" when it
	// is not paused, or nothing is known of that.
	Unpause string
}

// File is a namespace given by a file.
type File struct {
	Type inspect.Type
	Path string
	NS   inspect.ID // that it must be; zero is not checked
}

// SocketFD is a descriptor of a process that is a socket.
type SocketFD struct{ PID, FD int }

// Choice is yes, no, or as fits the rest of the request.
type Choice uint8

// The choices.
const (
	Auto Choice = iota
	Yes
	No
)

// Propagation is how mounts of a new mount namespace relate to the old, see
// mount_namespaces(7). The zero value is private.
type Propagation string

// The propagations.
const (
	Private   Propagation = "private"
	Slave     Propagation = "slave"
	Shared    Propagation = "shared"
	Unchanged Propagation = "unchanged"
)

// IDMaps says which ids a new user namespace has. The zero value maps the
// caller to root.
type IDMaps struct {
	Current bool // the caller's ids stay what they are
	Auto    bool // root is the caller, the others come from /etc/subuid
	// Users and Groups are maps as of newuidmap(1); with one of them alone
	// both are the same.
	Users, Groups []inspect.IDRange
}

func (m IDMaps) ranges() bool { return m.Auto || len(m.Users) > 0 || len(m.Groups) > 0 }

// SetID is an id to take on inside: a number or the target's own.
type SetID struct {
	Follow bool
	ID     uint32
}
