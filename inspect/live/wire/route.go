package wire

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// rtaNHID is RTA_NH_ID of linux/rtnetlink.h.
const rtaNHID = 30

func routeRequest() []byte { return make([]byte, unix.SizeofRtMsg) }

// gatewayRequest asks for the unicast routes of the main tables. Kernels that
// do not filter (before 4.20) answer with all.
func gatewayRequest() []byte {
	b := routeRequest()
	b[4], b[7] = unix.RT_TABLE_MAIN, unix.RTN_UNICAST
	return b
}

// parseGateway is parseRoute for default routes of the main tables; others
// are left out.
func parseGateway(b []byte) (r inspect.Route, ok bool, err error) {
	if len(b) >= unix.SizeofRtMsg && b[1] != 0 {
		return r, false, nil
	}
	r, ok, err = parseRoute(b)
	return r, ok && r.Table == unix.RT_TABLE_MAIN && r.Type == routeTypes[unix.RTN_UNICAST], err
}

// routeTypes are the RTN_* of linux/rtnetlink.h in ip-route(8)'s words.
var routeTypes = [...]string{
	"unspec", "unicast", "local", "broadcast", "anycast", "multicast",
	"blackhole", "unreachable", "prohibit", "throw", "nat", "xresolve",
}

var routeProtocols = map[uint8]string{
	0: "unspec", 1: "redirect", 2: "kernel", 3: "boot", 4: "static", 9: "ra", 11: "zebra",
	12: "bird", 16: "dhcp", 186: "bgp", 188: "ospf",
}

func protocolName(v uint8) string {
	if s, ok := routeProtocols[v]; ok {
		return s
	}
	return fmt.Sprint(v)
}

// parseRoute parses RTM_NEWROUTE (rtnetlink(7)): struct rtmsg (u8 family,
// dst_len, src_len, tos, table, protocol, scope, type, u32 flags), then RTA_*.
// Entries of the route cache (RTM_F_CLONED) are left out.
func parseRoute(b []byte) (r inspect.Route, ok bool, err error) {
	if len(b) < unix.SizeofRtMsg {
		return r, false, fmt.Errorf("route of %d bytes: %w", len(b), errMalformed)
	}
	r.Family, r.Table, r.Flags = inspect.Family(b[0]), uint32(b[4]), native.Uint32(b[8:])
	if r.Family != inspect.FamilyIPv4 && r.Family != inspect.FamilyIPv6 || r.Flags&unix.RTM_F_CLONED != 0 {
		return r, false, nil
	}
	r.Protocol, r.Scope, r.Type = protocolName(b[5]), scopeName(b[6]), nameOf(routeTypes[:], int(b[7]))
	if b[1] == 0 {
		r.Dst = everywhere(r.Family)
	}
	one := inspect.Hop{Flags: uint8(r.Flags)}
	a := attrs{rest: b[unix.SizeofRtMsg:]}
	for a.next() {
		switch a.typ {
		case unix.RTA_DST:
			r.Dst = a.prefix(b[1])
		case unix.RTA_SRC:
			r.Src = a.prefix(b[2])
		default:
			routeAttr(&r, &one, &a)
		}
	}
	if one.Oif != 0 || one.Via.IsValid() {
		r.Hops = append([]inspect.Hop{one}, r.Hops...)
	}
	if a.err == nil && !r.Dst.IsValid() {
		a.err = fmt.Errorf("route without destination: %w", errMalformed)
	}
	return r, true, a.err
}

// everywhere is the network of a default route.
func everywhere(f inspect.Family) netip.Prefix {
	if f == inspect.FamilyIPv6 {
		return netip.PrefixFrom(netip.IPv6Unspecified(), 0)
	}
	return netip.PrefixFrom(netip.IPv4Unspecified(), 0)
}

func routeAttr(r *inspect.Route, hop *inspect.Hop, a *attrs) {
	switch a.typ {
	case unix.RTA_TABLE:
		r.Table = a.u32()
	case unix.RTA_PREFSRC:
		r.Prefsrc = a.addr()
	case unix.RTA_PRIORITY:
		r.Metric = a.u32()
	case rtaNHID:
		r.Nexthop = a.u32()
	case unix.RTA_METRICS:
		in := a.nested()
		for in.next() {
			if in.typ == unix.RTAX_MTU {
				r.MTU = in.u32()
			}
		}
		a.join(&in)
	case unix.RTA_MULTIPATH:
		r.Hops = append(r.Hops, multipath(a)...)
	default:
		hopAttr(hop, a)
	}
}

func hopAttr(h *inspect.Hop, a *attrs) {
	switch a.typ {
	case unix.RTA_OIF:
		h.Oif = int(a.i32())
	case unix.RTA_GATEWAY:
		h.Via = a.addr()
	case unix.RTA_VIA: // struct rtvia: u16 family, address
		if len(a.data) > 2 {
			h.Via, _ = netip.AddrFromSlice(a.data[2:])
		}
	}
}

// multipath reads a row of struct rtnexthop (u16 length, u8 flags, u8 weight
// less one, s32 interface), each followed by attributes.
func multipath(a *attrs) (hops []inspect.Hop) {
	b := a.data
	for len(b) >= unix.SizeofRtNexthop {
		n := int(native.Uint16(b))
		if n < unix.SizeofRtNexthop || n > len(b) {
			a.err = fmt.Errorf("next hop of %d bytes where %d are left: %w", n, len(b), errMalformed)
			return hops
		}
		h := inspect.Hop{Flags: b[2], Weight: int(b[3]) + 1, Oif: int(int32(native.Uint32(b[4:])))}
		in := attrs{rest: b[unix.SizeofRtNexthop:n]}
		for in.next() {
			hopAttr(&h, &in)
		}
		a.join(&in)
		hops = append(hops, h)
		b = b[min(align4(n), len(b)):]
	}
	return hops
}
