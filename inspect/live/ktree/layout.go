package ktree

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// layout says where in the structs of this kernel things are, in bytes.
type layout struct {
	// In task_struct and cred.
	nsproxy, cred, userNS uint64
	// In struct ns_common.
	size, kind, inum, refs, serial, next uint64
	kinds                                []kindLayout
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
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, fmt.Errorf("read /sys/kernel/btf/vmlinux: %w", err)
	}
	r := reader{spec: spec}
	l := &layout{
		nsproxy: r.offset("task_struct", "nsproxy"), cred: r.offset("task_struct", "cred"), userNS: r.offset("cred", "user_ns"),
		size: r.size("ns_common"), kind: r.offset("ns_common", "ns_type"), inum: r.offset("ns_common", "inum"),
		refs: r.offset("ns_common", "__ns_ref"), serial: r.offset("ns_common", "ns_id"), next: r.offset("ns_common", "ns_list_node"),
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", errOtherLists, r.err)
	}
	for _, k := range kindNames {
		r := reader{spec: spec}
		kl := kindLayout{typ: k.typ, flag: k.flag, ns: r.offset(k.strct, "ns")}
		if k.member != "" {
			kl.proxy = r.offset("nsproxy", k.member)
		}
		if r.err == nil {
			l.kinds = append(l.kinds, kl)
		}
	}
	return l, nil
}

// reader keeps the first error.
type reader struct {
	spec *btf.Spec
	err  error
}

func (r *reader) strct(name string) *btf.Struct {
	var s *btf.Struct
	if err := r.spec.TypeByName(name, &s); err != nil {
		r.fail(fmt.Errorf("struct %s: %w", name, err))
		return nil
	}
	return s
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) size(name string) uint64 {
	if s := r.strct(name); s != nil {
		return uint64(s.Size)
	}
	return 0
}

func (r *reader) offset(name, member string) uint64 {
	s := r.strct(name)
	if s == nil {
		return 0
	}
	off, ok := find(s, member)
	if !ok {
		r.fail(fmt.Errorf("struct %s has no %s", name, member))
	}
	return off
}

// find looks for a member, also in unnamed structs and unions.
func find(t btf.Type, name string) (uint64, bool) {
	var members []btf.Member
	switch t := t.(type) {
	case *btf.Struct:
		members = t.Members
	case *btf.Union:
		members = t.Members
	}
	for _, m := range members {
		if m.Name == name {
			return uint64(m.Offset.Bytes()), true
		}
		if m.Name != "" {
			continue
		}
		if off, ok := find(m.Type, name); ok {
			return uint64(m.Offset.Bytes()) + off, true
		}
	}
	return 0, false
}
