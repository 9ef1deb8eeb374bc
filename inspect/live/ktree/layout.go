package ktree

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// layout says where in the structs of this kernel things are, in bytes.
type layout struct {
	// In task_struct and cred.
	nsproxy, cred, userNS uint64
	// In struct ns_common.
	kind, inum, refs, serial, next uint64
	kinds                          []kindLayout
}

// kindLayout says how a list of namespaces is found.
type kindLayout struct {
	typ   inspect.Type
	flag  uint32
	proxy uint64 // of the pointer in struct nsproxy; unused for user
	ns    uint64 // of ns_common in the namespace
}

// kindNames are the members of struct nsproxy and the structs they point to.
var kindNames = []struct {
	typ           inspect.Type
	flag          uint32
	member, strct string
}{
	{inspect.Cgroup, unix.CLONE_NEWCGROUP, "cgroup_ns", "cgroup_namespace"},
	{inspect.IPC, unix.CLONE_NEWIPC, "ipc_ns", "ipc_namespace"},
	{inspect.Mnt, unix.CLONE_NEWNS, "mnt_ns", "mnt_namespace"},
	{inspect.Net, unix.CLONE_NEWNET, "net_ns", "net"},
	{inspect.PID, unix.CLONE_NEWPID, "pid_ns_for_children", "pid_namespace"},
	{inspect.Time, unix.CLONE_NEWTIME, "time_ns", "time_namespace"},
	{inspect.User, unix.CLONE_NEWUSER, "", "user_namespace"},
	{inspect.UTS, unix.CLONE_NEWUTS, "uts_ns", "uts_namespace"},
}

var errOtherLists = errors.New("this kernel has no lists of namespaces that are known here (Linux 6.18)")

// readLayout takes the layout from the kernel's own type information. A kind
// that was not built in is left out.
func readLayout() (*layout, error) {
	names := []string{"task_struct", "cred", "nsproxy", "ns_common"}
	for _, k := range kindNames {
		names = append(names, k.strct)
	}
	types, err := readTypes(names)
	if err != nil {
		return nil, fmt.Errorf("read the types of the kernel: %w", err)
	}
	r := reader{typeInfo: types}
	l := &layout{
		nsproxy: r.place("task_struct", "nsproxy"), cred: r.place("task_struct", "cred"), userNS: r.place("cred", "user_ns"),
		kind: r.place("ns_common", "ns_type"), inum: r.place("ns_common", "inum"),
		refs: r.place("ns_common", "__ns_ref"), serial: r.place("ns_common", "ns_id"), next: r.place("ns_common", "ns_list_node"),
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", errOtherLists, r.err)
	}
	for _, k := range kindNames {
		r := reader{typeInfo: types}
		kl := kindLayout{typ: k.typ, flag: k.flag, ns: r.place(k.strct, "ns")}
		if k.member != "" {
			kl.proxy = r.place("nsproxy", k.member)
		}
		if r.err == nil {
			l.kinds = append(l.kinds, kl)
		}
	}
	return l, nil
}

// reader keeps the first error.
type reader struct {
	*typeInfo
	err error
}

// place is where a member is in a struct, in bytes.
func (r *reader) place(strct, member string) uint64 {
	off, ok := r.offset(strct, member)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("struct %s has no %s", strct, member)
	}
	return off
}
