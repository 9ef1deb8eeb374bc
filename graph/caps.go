package graph

import (
	"fmt"
	"math/bits"

	"nsinspect/inspect"
)

// capNames are the capabilities of linux/capability.h by number, as
// capabilities(7) has them, in the lower case of capsh(1) without "cap_".
var capNames = [...]string{
	"chown", "dac_override", "dac_read_search", "fowner", "fsetid", "kill", "setgid", "setuid", "setpcap",
	"linux_immutable", "net_bind_service", "net_broadcast", "net_admin", "net_raw", "ipc_lock", "ipc_owner",
	"sys_module", "sys_rawio", "sys_chroot", "sys_ptrace", "sys_pacct", "sys_admin", "sys_boot", "sys_nice",
	"sys_resource", "sys_time", "sys_tty_config", "mknod", "lease", "audit_write", "audit_control", "setfcap",
	"mac_override", "mac_admin", "syslog", "wake_alarm", "block_suspend", "audit_read", "perfmon", "bpf",
	"checkpoint_restore",
}

// CapNames returns the names of the capabilities in set, lowest first. One
// that has no name here is called by its number: "cap_41".
func CapNames(set uint64) []string {
	names := make([]string, 0, bits.OnesCount64(set))
	for ; set != 0; set &= set - 1 {
		n := bits.TrailingZeros64(set)
		if n < len(capNames) {
			names = append(names, capNames[n])
		} else {
			names = append(names, fmt.Sprintf("cap_%d", n))
		}
	}
	return names
}

// allCaps returns the set of all capabilities that the kernel of the host
// has, as far as its processes show: the bounding set of a process begins
// full.
func allCaps(s *inspect.Snapshot) uint64 {
	seen := s.Host.Observer.Caps
	for i := range s.Processes {
		if info := s.Processes[i].Info; info != nil && info.Caps != nil {
			seen |= info.Caps.Bounding | info.Caps.Permitted
		}
	}
	if n := bits.Len64(seen); n > 0 && n < 64 {
		return 1<<n - 1
	}
	return seen
}
