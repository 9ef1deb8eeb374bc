package wire

import (
	"fmt"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// sizeofNetConf is the size of struct netconfmsg of linux/netconf.h: u8 family.
const sizeofNetConf = 1

func netconfRequest(f inspect.Family) []byte { return []byte{byte(f), 0, 0, 0} }

// The NETCONFA_* attributes of linux/netconf.h.
const (
	netconfIndex      = 1
	netconfForwarding = 2
	netconfRPFilter   = 3
	netconfProxyNeigh = 5
	netconfIgnoreDown = 6
)

// parseNetConf parses RTM_NEWNETCONF: struct netconfmsg, padded to four bytes,
// then NETCONFA_*, all of them s32.
func parseNetConf(b []byte) (c inspect.NetConf, ok bool, err error) {
	if len(b) < align4(sizeofNetConf) {
		return c, false, fmt.Errorf("netconf of %d bytes: %w", len(b), errMalformed)
	}
	c.Family = inspect.Family(b[0])
	if c.Family != inspect.FamilyIPv4 && c.Family != inspect.FamilyIPv6 {
		return c, false, nil
	}
	a := attrs{rest: b[align4(sizeofNetConf):]}
	for a.next() {
		switch a.typ {
		case netconfIndex:
			c.Index = int(a.i32())
		case netconfForwarding:
			c.Forwarding = a.u32() != 0
		case netconfRPFilter:
			v := uint8(a.u32())
			c.RPFilter = &v
		case netconfProxyNeigh:
			c.ProxyNeigh = a.u32() != 0
		case netconfIgnoreDown:
			c.IgnoreRoutesDown = a.u32() != 0
		}
	}
	return c, true, a.err
}

// sysctls returns the settings that no netlink message has and that matter in
// a namespace with these interfaces. Each takes as long as a small dump.
func sysctls(n *inspect.Network) []string {
	names := []string{
		"net.netfilter.nf_conntrack_count", "net.netfilter.nf_conntrack_max",
		"net.ipv4.neigh.default.gc_thresh3", "net.ipv6.neigh.default.gc_thresh3",
		"net.ipv4.ip_local_port_range",
	}
	if slices.ContainsFunc(n.Interfaces, func(l inspect.Interface) bool { return l.Kind == "bridge" }) {
		names = append(names, "net.bridge.bridge-nf-call-iptables", "net.bridge.bridge-nf-call-ip6tables")
	}
	six := func(a inspect.Addr) bool { return a.Prefix.Addr().Is6() }
	if !slices.ContainsFunc(n.Interfaces, func(l inspect.Interface) bool { return slices.ContainsFunc(l.Addrs, six) }) {
		names = append(names, "net.ipv6.conf.all.disable_ipv6")
	}
	return names
}

// readSysctls reads them; what a kernel lacks is left out. /proc/sys/net shows
// those of the reader's network namespace: it must run on a thread there, after
// the interfaces were read.
func readSysctls(proc string, n *inspect.Network) {
	names := sysctls(n)
	n.Sysctls = make(map[string]string, len(names))
	for _, name := range names {
		b, err := readFile(proc + "/sys/" + strings.ReplaceAll(name, ".", "/"))
		if err == nil {
			n.Sysctls[name] = strings.TrimSpace(string(b))
		}
	}
}

// addrPermanent is IFA_F_PERMANENT of linux/if_addr.h.
const addrPermanent = 0x80

// readInterfaceSysctls reads accept_ra of the interfaces that have learned an
// IPv6 address, where it tells whether they learn more, and force_forwarding
// (Linux 6.17) of bridges. It must run on a thread in the namespace, after the
// interfaces were read.
func readInterfaceSysctls(proc string, n *inspect.Network) {
	read := func(iface, name string) {
		if b, err := readFile(proc + "/sys/net/ipv6/conf/" + iface + "/" + name); err == nil {
			n.Sysctls["net.ipv6.conf."+iface+"."+name] = strings.TrimSpace(string(b))
		}
	}
	for i := range n.Interfaces {
		l := &n.Interfaces[i]
		if l.Kind == "bridge" {
			read(l.Name, "force_forwarding")
		}
		for _, a := range l.Addrs {
			if !a.Prefix.Addr().Is6() || a.Flags&addrPermanent != 0 {
				continue
			}
			read(l.Name, "accept_ra")
			break
		}
	}
}
