package inspect

import "net/netip"

// Process is one thread group.
type Process struct {
	PID int `json:"pid"` // as seen in the observer's /proc
	// NS are the links of the leader. All are zero where they could not be
	// read: no permission, or a zombie leader (whose threads may live on).
	NS Links `json:"ns"`
	// Threads are the threads whose links differ from the leader's, by TID.
	// With Scope facts lacking FactThreads they were not looked at.
	Threads []Thread `json:"threads,omitempty"`
	// Info is nil when it was not looked at or the process had gone.
	Info *Info `json:"info,omitempty"`
}

// Thread is a task that is in other namespaces than its leader.
type Thread struct {
	TID  int    `json:"tid"`
	Comm string `json:"comm,omitempty"`
	NS   Links  `json:"ns"`
}

// Info is what stat, status and cgroup of /proc/PID say, see proc_pid_stat(5),
// proc_pid_status(5), cgroups(7).
type Info struct {
	PPID  int    `json:"ppid"`  // 0: none, or outside of the observer's pid namespace
	Start uint64 `json:"start"` // ticks after boot, see Host.ClockTicks
	State string `json:"state"` // one letter: R S D Z T t X I
	// Comm is the command: up to 15 bytes chosen by the process itself, more
	// for a kernel thread. A byte that is not valid UTF-8 is written \xNN.
	Comm string `json:"comm"`
	// UID and GID are the real, effective, saved and file system ids, as the
	// observer's user namespace sees them.
	UID [4]uint32 `json:"uid"`
	GID [4]uint32 `json:"gid"`
	// NSpid is the pid in each pid namespace from the observer's /proc inwards;
	// the first equals Process.PID. Nil on kernels before 4.1.
	NSpid   []int `json:"nspid,omitempty"`
	Threads int   `json:"threads"`          // number of threads
	Kernel  bool  `json:"kernel,omitempty"` // a kernel thread
	// Caps are the capability sets of the leader; nil when unknown.
	Caps       *Caps `json:"caps,omitempty"`
	NoNewPrivs bool  `json:"no_new_privs,omitempty"`
	Seccomp    int   `json:"seccomp,omitempty"` // 0 off, 1 strict, 2 filter
	// Cgroups has one entry per hierarchy, in the order of the kernel.
	Cgroups []CgroupPath `json:"cgroups,omitempty"`
	// Container is the ID of the container whose cgroup the process is in;
	// "" when in none.
	Container string `json:"container,omitempty"`
	// Cmdline is the full command line; nil unless it was asked for, because
	// it can hold secrets.
	Cmdline []string `json:"cmdline,omitzero"`
}

// EUID is the effective user id.
func (i *Info) EUID() uint32 { return i.UID[1] }

// Caps are the capability sets of a task, bit n is capability n, see
// capabilities(7).
type Caps struct {
	Inheritable uint64 `json:"inheritable"`
	Permitted   uint64 `json:"permitted"`
	Effective   uint64 `json:"effective"`
	Bounding    uint64 `json:"bounding"`
	Ambient     uint64 `json:"ambient"`
}

// CgroupPath is a line of /proc/PID/cgroup, see cgroups(7). The path is
// relative to the observer's cgroup namespace; processes outside of it have
// paths that begin with "/..".
type CgroupPath struct {
	Hierarchy   int    `json:"hierarchy"`             // 0 for version 2
	Controllers string `json:"controllers,omitempty"` // "" for version 2
	Path        string `json:"path"`
}

// Container is what is known of a container: from a cgroup path at least its
// ID and Engine, from the engine's API the rest.
type Container struct {
	ID     string            `json:"id"`             // as the engine has it, mostly 64 hexadecimal digits
	Name   string            `json:"name,omitempty"` // "" when neither an engine nor the cgroup path told it
	Engine string            `json:"engine"`         // docker, podman, containerd, cri-o, lxc, nspawn, buildkit, kubernetes, unknown
	Image  string            `json:"image,omitempty"`
	State  string            `json:"state,omitempty"` // running, paused, …; "" when unknown
	PID    int               `json:"pid,omitempty"`   // of its first process, in the observer's /proc; 0 when unknown
	Pod    string            `json:"pod,omitempty"`   // uid of the Kubernetes pod
	Labels map[string]string `json:"labels,omitempty"`
	// NetworkMode is Docker's HostConfig.NetworkMode; "" when unknown.
	NetworkMode string `json:"network_mode,omitempty"`
	// Ports are the ports that the engine says it publishes on the host, by
	// container port, protocol, host address and port.
	Ports []PublishedPort `json:"ports,omitempty"`
	// Networks are the engine's networks that it is in, by name.
	Networks []ContainerNetwork `json:"networks,omitempty"`
}

// PublishedPort is a port of the host that leads to one of a container.
type PublishedPort struct {
	HostIP   netip.Addr `json:"host_ip,omitzero"` // unspecified: all addresses
	HostPort uint16     `json:"host_port"`
	Port     uint16     `json:"port"`
	Protocol string     `json:"protocol"` // tcp, udp or sctp
}

// ContainerNetwork is a network of a container engine as one container has it.
type ContainerNetwork struct {
	Name string `json:"name"`
	ID   string `json:"id,omitempty"`
	// Addr, Addr6 and MAC are the container's in the network; invalid or ""
	// where it has none.
	Addr  netip.Addr `json:"addr,omitzero"`
	Addr6 netip.Addr `json:"addr6,omitzero"`
	MAC   string     `json:"mac,omitempty"`
}

// Project is the compose project, "" when there is none.
func (c *Container) Project() string { return c.Labels["com.docker.compose.project"] }

// Service is the compose service, "" when there is none.
func (c *Container) Service() string { return c.Labels["com.docker.compose.service"] }

// DisplayName is the name, or the first twelve characters of the ID.
func (c *Container) DisplayName() string {
	if c.Name != "" {
		return c.Name
	}
	return c.ID[:min(len(c.ID), 12)]
}
