package wire

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// extBridgeVLAN is RTEXT_FILTER_BRVLAN of linux/rtnetlink.h.
const extBridgeVLAN = 1 << 1

// extSkipStats is RTEXT_FILTER_SKIP_STATS of linux/rtnetlink.h: it leaves out
// the counters of IPv6, which the kernel adds up over all processors and which
// nobody here looks at. IFLA_STATS64 comes all the same.
const extSkipStats = 1 << 3

// linkRequest asks for the interfaces of the socket's namespace, or of the
// one with the number nsid where that is not negative (IFLA_TARGET_NETNSID,
// Linux 4.20).
func linkRequest(nsid int32) []byte {
	b := appendU32(make([]byte, unix.SizeofIfInfomsg, 32), unix.IFLA_EXT_MASK, extSkipStats)
	if nsid >= 0 {
		b = appendU32(b, unix.IFLA_TARGET_NETNSID, uint32(nsid))
	}
	return b
}

// parseLink parses RTM_NEWLINK (rtnetlink(7)): struct ifinfomsg (u8 family,
// pad, u16 type, s32 index, u32 flags, u32 change), then IFLA_* attributes.
func parseLink(b []byte) (i inspect.Interface, ok bool, err error) {
	if len(b) < unix.SizeofIfInfomsg {
		return i, false, fmt.Errorf("link of %d bytes: %w", len(b), errMalformed)
	}
	i.Type, i.Index, i.Flags = native.Uint16(b[2:]), int(int32(native.Uint32(b[4:]))), native.Uint32(b[8:])
	if i.Index <= 0 {
		return i, false, fmt.Errorf("link with index %d: %w", i.Index, errMalformed)
	}
	a := attrs{rest: b[unix.SizeofIfInfomsg:]}
	for a.next() {
		linkAttr(&i, &a)
	}
	if i.LinkNSID != nil && i.LinkIndex == 0 && (i.Kind == "veth" || i.Kind == "netkit") {
		// Kernels before 5.1 leave IFLA_LINK out where it equals the index.
		i.LinkIndex = i.Index
	}
	return i, true, a.err
}

func linkAttr(i *inspect.Interface, a *attrs) {
	switch a.typ {
	case unix.IFLA_IFNAME:
		i.Name = a.str()
	case unix.IFLA_IFALIAS:
		i.Alias = a.str()
	case unix.IFLA_ADDRESS:
		i.Address = linkAddress(i.Type, a)
	case unix.IFLA_MTU:
		i.MTU = a.u32()
	case unix.IFLA_LINK:
		i.LinkIndex = int(a.i32())
	case unix.IFLA_LINK_NETNSID:
		n := a.i32()
		i.LinkNSID = &n
	case unix.IFLA_MASTER:
		i.Master = int(a.i32())
	case unix.IFLA_OPERSTATE:
		i.OperState = operState(a.u8())
	case unix.IFLA_CARRIER:
		i.Carrier = a.u8() != 0
	case unix.IFLA_STATS64:
		i.Stats = parseStats(a.data)
	case unix.IFLA_LINKINFO:
		linkInfo(i, a)
	case unix.IFLA_PROP_LIST:
		in := a.nested()
		for in.next() {
			if in.typ == unix.IFLA_ALT_IFNAME {
				i.AltNames = append(i.AltNames, in.str())
			}
		}
		a.join(&in)
	}
}

// linkAddress is a MAC address; of a tunnel the kernel gives the outer
// address there, which IFLA_INFO_DATA has too.
func linkAddress(arphrd uint16, a *attrs) string {
	switch arphrd {
	case unix.ARPHRD_TUNNEL, unix.ARPHRD_TUNNEL6, unix.ARPHRD_SIT, unix.ARPHRD_IPGRE, unix.ARPHRD_IP6GRE:
		return ""
	}
	return hardware(a.data)
}

// operStates are the values of IF_OPER_* in linux/if.h.
var operStates = [...]string{"UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP"}

func operState(v uint8) string { return nameOf(operStates[:], int(v)) }

// nameOf is the name of a number, or its digits.
func nameOf(names []string, v int) string {
	if v >= 0 && v < len(names) && names[v] != "" {
		return names[v]
	}
	return strconv.Itoa(v)
}

// parseStats parses struct rtnl_link_stats64 of linux/if_link.h.
func parseStats(b []byte) *inspect.Stats {
	if len(b) < 8*8 {
		return nil
	}
	n := func(i int) uint64 { return native.Uint64(b[i*8:]) }
	return &inspect.Stats{
		RxPackets: n(0), TxPackets: n(1), RxBytes: n(2), TxBytes: n(3),
		RxErrors: n(4), TxErrors: n(5), RxDropped: n(6), TxDropped: n(7),
	}
}

// linkInfo reads IFLA_LINKINFO. The kind comes before the data.
func linkInfo(i *inspect.Interface, a *attrs) {
	var slave string
	in := a.nested()
	for in.next() {
		switch in.typ {
		case unix.IFLA_INFO_KIND:
			i.Kind = in.str()
		case unix.IFLA_INFO_DATA:
			kindData(i, &in)
		case unix.IFLA_INFO_SLAVE_KIND:
			slave = in.str()
		case unix.IFLA_INFO_SLAVE_DATA:
			if slave == "bridge" {
				i.Port = bridgePort(&in)
			}
		}
	}
	a.join(&in)
}
