package wire

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// address is an address with the interface it is on.
type address struct {
	index int
	inspect.Addr
}

// addrRequest asks for the addresses of all families; nsid is as for
// linkRequest. Listing by number takes one family at a time.
func addrRequest(nsid int32, family inspect.Family) []byte {
	b := make([]byte, unix.SizeofIfAddrmsg, 24)
	b[0] = byte(family)
	if nsid >= 0 {
		b = appendU32(b, unix.IFA_TARGET_NETNSID, uint32(nsid))
	}
	return b
}

// parseAddr parses RTM_NEWADDR (rtnetlink(7)): struct ifaddrmsg (u8 family,
// prefix length, flags, scope, u32 index), then IFA_* attributes. On a link
// with two ends IFA_LOCAL is the address and IFA_ADDRESS the other end's;
// IPv6 has IFA_LOCAL only then.
func parseAddr(b []byte) (out address, ok bool, err error) {
	if len(b) < unix.SizeofIfAddrmsg {
		return out, false, fmt.Errorf("address of %d bytes: %w", len(b), errMalformed)
	}
	family := inspect.Family(b[0])
	if family != inspect.FamilyIPv4 && family != inspect.FamilyIPv6 {
		return out, false, nil
	}
	bits := b[1]
	out.index, out.Flags, out.Scope = int(int32(native.Uint32(b[4:]))), uint32(b[2]), scopeName(b[3])
	var local, addr netip.Addr
	a := attrs{rest: b[unix.SizeofIfAddrmsg:]}
	for a.next() {
		switch a.typ {
		case unix.IFA_LOCAL:
			local = a.addr()
		case unix.IFA_ADDRESS:
			addr = a.addr()
		case unix.IFA_LABEL:
			out.Label = a.str()
		case unix.IFA_FLAGS:
			out.Flags = a.u32()
		}
	}
	if !local.IsValid() {
		local = addr
	}
	out.Prefix = netip.PrefixFrom(local, int(bits))
	if addr != local {
		out.Peer = addr
	}
	if a.err == nil && !out.Prefix.IsValid() {
		a.err = fmt.Errorf("address without value: %w", errMalformed)
	}
	return out, true, a.err
}

// scopeName is the word of ip-address(8) for RT_SCOPE_*.
func scopeName(v uint8) string {
	switch v {
	case unix.RT_SCOPE_UNIVERSE:
		return "global"
	case unix.RT_SCOPE_SITE:
		return "site"
	case unix.RT_SCOPE_LINK:
		return "link"
	case unix.RT_SCOPE_HOST:
		return "host"
	case unix.RT_SCOPE_NOWHERE:
		return "nowhere"
	}
	return fmt.Sprint(v)
}
