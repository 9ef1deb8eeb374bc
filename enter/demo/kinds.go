package demo

import "nsinspect/inspect"

// Kind is what there is to know about a kind of namespace.
type Kind struct {
	Type     inspect.Type
	Flag     string // of clone(2), unshare(2) and setns(2)
	Since    string // the Linux release that brought it
	Isolates string
	Manual   string // the page about it
}

// Kinds lists all kinds in the order in which Linux got them, see
// namespaces(7). User namespaces began in 2.6.23 and were complete, and open
// to all users, in 3.8.
func Kinds() []Kind {
	return []Kind{
		{inspect.Mnt, "CLONE_NEWNS", "2.4.19", "mounts: what is in the file tree", "mount_namespaces(7)"},
		{inspect.UTS, "CLONE_NEWUTS", "2.6.19", "hostname and NIS domain name", "uts_namespaces(7)"},
		{inspect.IPC, "CLONE_NEWIPC", "2.6.19", "System V IPC, POSIX message queues", "ipc_namespaces(7)"},
		{inspect.PID, "CLONE_NEWPID", "2.6.24", "process ids", "pid_namespaces(7)"},
		{inspect.Net, "CLONE_NEWNET", "2.6.24", "interfaces, addresses, routes, ports, firewall", "network_namespaces(7)"},
		{inspect.User, "CLONE_NEWUSER", "3.8", "user and group ids, capabilities", "user_namespaces(7)"},
		{inspect.Cgroup, "CLONE_NEWCGROUP", "4.6", "the root of the cgroup tree", "cgroup_namespaces(7)"},
		{inspect.Time, "CLONE_NEWTIME", "5.6", "the monotonic and the boot-time clock", "time_namespaces(7)"},
	}
}

// Flag returns the name of the kind's flag in C: "CLONE_NEWNS".
func Flag(t inspect.Type) string {
	for _, k := range Kinds() {
		if k.Type == t {
			return k.Flag
		}
	}
	return t.String()
}
