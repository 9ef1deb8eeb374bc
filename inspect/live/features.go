package live

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Feature is something that nsinspect makes use of, and that this kernel and
// this user may have or not.
type Feature struct {
	Name string `json:"name"`
	// Use is what it is good for.
	Use       string `json:"use"`
	Available bool   `json:"available"`
	// Reason says why it is not available, or what else there is to know.
	Reason string `json:"reason,omitempty"`
	// Since is the Linux release that brought it, "5.6"; "" where it is not
	// the release that counts.
	Since string `json:"since,omitempty"`
}

// Features finds out what is available by trying it. Nothing it does outlasts
// the trying. With a ctx that is done, the rest is not available.
func Features(ctx context.Context) []Feature {
	var out []Feature
	for _, pr := range probes {
		f := Feature{Name: pr.name, Use: pr.use, Since: pr.since}
		var note note
		err := ctx.Err()
		if err == nil {
			err = pr.try()
		}
		switch {
		case err == nil:
			f.Available = true
		case errors.As(err, &note):
			f.Available, f.Reason = true, string(note)
		default:
			f.Reason = pr.why(err)
		}
		out = append(out, f)
	}
	return out
}

// probe tries one feature.
type probe struct {
	name, use, since string
	// cap is the capability it takes; "" for none.
	cap string
	try func() error
}

// note is what a probe returns for a feature that is available, but.
type note string

func (n note) Error() string { return string(n) }

// why puts the error of a probe into words.
func (pr *probe) why(err error) string {
	switch {
	case pr.since != "" && lacking(err):
		return "needs Linux " + pr.since
	case denied(err) && pr.cap != "":
		return fmt.Sprintf("not permitted: needs %s", pr.cap)
	case denied(err):
		return "not permitted"
	}
	return reason(err)
}

// lacking reports whether err is how a kernel says that it has no such call.
func lacking(err error) bool {
	for _, e := range []unix.Errno{unix.ENOSYS, unix.ENOTTY, unix.EINVAL, unix.EOPNOTSUPP, unix.ENOENT} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// probes are all features in the order in which they are shown. Numbers and
// releases are those of the man pages and of the kernel's headers.
var probes = []probe{
	{"links of all processes", "see every namespace that a process is in", "", "CAP_SYS_PTRACE", probeLinks},
	{"owners of namespaces", "owners and parents by ioctl, and namespaces without process", "4.9", "", probeOwner},
	{"owner's user id", "who made a user namespace", "4.11", "", probeOwnerUID},
	{"namespace ids", "64-bit ids that are never reused", "6.18", "", probeSerial},
	{"namespace handles", "open a namespace that has neither process nor path", "6.18", "", probeHandle},
	{"listns", "list all namespaces that are in use", "6.19", "", probeListNS},
	{"time namespaces", "clock offsets", "5.6", "", probeTime},
	{"enter namespaces", "hostnames, network and mounts of other namespaces", "", "CAP_SYS_ADMIN", probeEnter},
	{"pidfd_open", "refer to a process without a race", "5.3", "", probePidfd},
	{"setns by pidfd", "enter all namespaces of a process at once", "5.8", "CAP_SYS_ADMIN", probePidfdSetns},
	{"pidfd_getfd", "find the namespaces that sockets hold", "5.6", "CAP_SYS_PTRACE", probePidfdGetfd},
	{"statmount", "mounts with namespaces and ids", "6.8", "", probeStatmount},
	{"all mount namespaces", "mounts of namespaces without process", "6.12", "CAP_SYS_ADMIN in the initial pid namespace", probeMountNamespaces},
	{"rtnetlink", "interfaces, addresses and routes", "", "", probeRoute},
	{"nf_tables", "packet filter rules", "", "CAP_NET_ADMIN", probeNetfilter},
	{"new user namespaces", "enter --user and experiments without root", "3.8", "", probeUserNamespace},
	{"kernel types (BTF)", "where the kernel keeps its lists", "5.4", "", probeBTF},
	{"BPF programs", "reference counts of namespaces", "5.8", "CAP_BPF and CAP_PERFMON", probeBPF},
	{"cgroup version 2", "tell containers apart where the cgroups are unified", "4.5", "", probeCgroup},
}
