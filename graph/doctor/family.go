package doctor

import (
	"net/netip"

	"nsinspect/inspect"
)

// families are those that containers send packets in.
func families() [2]inspect.Family { return [2]inspect.Family{inspect.FamilyIPv4, inspect.FamilyIPv6} }

func familyOf(a netip.Addr) inspect.Family {
	if a.Is4() {
		return inspect.FamilyIPv4
	}
	return inspect.FamilyIPv6
}

// dialect is how commands and people tell a family.
type dialect struct {
	name, ip, iptables, sysctl string
	packets                    string // packets of it: those of IPv4 go without saying
	full                       int    // length of an address in bits
	usual                      int    // length of a prefix where nothing is known
	nf                         inspect.NFFamily
}

func speak(f inspect.Family) dialect {
	if f == inspect.FamilyIPv6 {
		return dialect{"IPv6", "ip -6", "ip6tables", "ipv6", "IPv6 packets", 128, 64, inspect.NFIPv6}
	}
	return dialect{"IPv4", "ip", "iptables", "ipv4", "packets", 32, 24, inspect.NFIPv4}
}

// outside is an address that no container has and no route but the default
// one leads to: one of TEST-NET-2, or of the prefix for documentation.
func outside(f inspect.Family) netip.Addr {
	if f == inspect.FamilyIPv6 {
		return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 0xc6, 0x33, 0x64, 0x64, 15: 0xdb})
	}
	return netip.AddrFrom4([4]byte{198, 51, 100, 219})
}
