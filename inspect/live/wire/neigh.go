package wire

import (
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// sizeofNdMsg is the size of struct ndmsg of linux/neighbour.h.
const sizeofNdMsg = 12

// neighRequest asks for the neighbours of a family: 0 for all of IP,
// FamilyBridge for the forwarding databases.
func neighRequest(f inspect.Family) []byte {
	b := make([]byte, sizeofNdMsg)
	b[0] = byte(f)
	return b
}

// neighHeader are the fields of struct ndmsg: u8 family, three pad, s32
// index, u16 state, u8 flags, u8 type.
type neighHeader struct {
	family inspect.Family
	index  int
	state  uint16
	flags  uint8
}

func neighHead(b []byte) (h neighHeader, err error) {
	if len(b) < sizeofNdMsg {
		return h, fmt.Errorf("neighbour of %d bytes: %w", len(b), errMalformed)
	}
	return neighHeader{
		family: inspect.Family(b[0]), index: int(int32(native.Uint32(b[4:]))),
		state: native.Uint16(b[8:]), flags: b[10],
	}, nil
}

// parseNeigh parses RTM_NEWNEIGH of IP. What ip-neighbour(8) does not show
// without being asked (NOARP: multicast and broadcast) is left out.
func parseNeigh(b []byte) (n inspect.Neighbor, ok bool, err error) {
	h, err := neighHead(b)
	if err != nil {
		return n, false, err
	}
	if h.family != inspect.FamilyIPv4 && h.family != inspect.FamilyIPv6 || h.state == unix.NUD_NOARP {
		return n, false, nil
	}
	n = inspect.Neighbor{Index: h.index, State: neighState(h.state), Router: h.flags&unix.NTF_ROUTER != 0, Proxy: h.flags&unix.NTF_PROXY != 0}
	a := attrs{rest: b[sizeofNdMsg:]}
	for a.next() {
		switch a.typ {
		case unix.NDA_DST:
			n.Addr = a.addr()
		case unix.NDA_LLADDR:
			n.Address = hardware(a.data)
		}
	}
	return n, true, a.err
}

// neighState is the word of ip-neighbour(8) for a NUD_* bit.
func neighState(v uint16) string {
	switch v {
	case unix.NUD_NONE:
		return "NONE"
	case unix.NUD_INCOMPLETE:
		return "INCOMPLETE"
	case unix.NUD_REACHABLE:
		return "REACHABLE"
	case unix.NUD_STALE:
		return "STALE"
	case unix.NUD_DELAY:
		return "DELAY"
	case unix.NUD_PROBE:
		return "PROBE"
	case unix.NUD_FAILED:
		return "FAILED"
	case unix.NUD_NOARP:
		return "NOARP"
	case unix.NUD_PERMANENT:
		return "PERMANENT"
	}
	return fmt.Sprint(v)
}

// parseFDB parses RTM_NEWNEIGH of PF_BRIDGE, see bridge(8).
func parseFDB(b []byte) (f inspect.FDBEntry, ok bool, err error) {
	h, err := neighHead(b)
	if err != nil || h.family != inspect.FamilyBridge {
		return f, false, err
	}
	f = inspect.FDBEntry{Index: h.index, State: fdbState(h.state), Self: h.flags&unix.NTF_SELF != 0}
	a := attrs{rest: b[sizeofNdMsg:]}
	for a.next() {
		switch a.typ {
		case unix.NDA_LLADDR:
			f.Address = hardware(a.data)
		case unix.NDA_VLAN:
			f.VLAN = a.u16()
		case unix.NDA_MASTER:
			f.Master = int(a.i32())
		case unix.NDA_DST:
			f.Dst = a.addr()
		}
	}
	return f, true, a.err
}

func fdbState(v uint16) string {
	switch {
	case v&unix.NUD_PERMANENT != 0:
		return "permanent"
	case v&unix.NUD_NOARP != 0:
		return "static"
	case v&unix.NUD_STALE != 0:
		return "stale"
	case v&unix.NUD_REACHABLE != 0:
		return "reachable"
	}
	return fmt.Sprint(v)
}
