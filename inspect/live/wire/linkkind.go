package wire

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// kindData reads IFLA_INFO_DATA of the kinds that add something to draw.
func kindData(i *inspect.Interface, a *attrs) {
	in := a.nested()
	switch i.Kind {
	case "bridge":
		i.Bridge = bridgeData(&in)
	case "vxlan":
		vxlanData(i, &in)
	case "tun":
		i.Tun = tunData(&in)
	case "vlan":
		i.VLAN = vlanData(&in)
	case "macvlan", "macvtap", "ipvlan", "ipvtap", "bond", "netkit":
		modeData(i, &in)
	case "gre", "gretap", "ip6gre", "ip6gretap", "ipip", "sit", "ip6tnl", "vti", "vti6", "erspan", "ip6erspan":
		tunnelData(i, &in)
	}
	a.join(&in)
}

func bridgeData(a *attrs) *inspect.Bridge {
	b := &inspect.Bridge{}
	flag := func(bit uint8) {
		if a.u8() != 0 {
			b.NFCall |= bit
		}
	}
	for a.next() {
		switch a.typ {
		case unix.IFLA_BR_STP_STATE:
			b.STP = a.u32() != 0
		case unix.IFLA_BR_VLAN_FILTERING:
			b.VLANFiltering = a.u8() != 0
		case unix.IFLA_BR_BRIDGE_ID:
			b.ID = bridgeID(a.data)
		case unix.IFLA_BR_NF_CALL_IPTABLES:
			flag(1)
		case unix.IFLA_BR_NF_CALL_IP6TABLES:
			flag(2)
		case unix.IFLA_BR_NF_CALL_ARPTABLES:
			flag(4)
		}
	}
	return b
}

// bridgeID is struct ifla_bridge_id: two bytes of priority, six of address.
func bridgeID(b []byte) string {
	if len(b) < 8 {
		return ""
	}
	return fmt.Sprintf("%02x%02x.%x", b[0], b[1], b[2:8])
}

// portStates are the BR_STATE_* of linux/if_bridge.h.
var portStates = [...]string{"disabled", "listening", "learning", "forwarding", "blocking"}

func bridgePort(a *attrs) *inspect.BridgePort {
	p := &inspect.BridgePort{}
	in := a.nested()
	for in.next() {
		switch in.typ {
		case unix.IFLA_BRPORT_STATE:
			p.State = nameOf(portStates[:], int(in.u8()))
		case unix.IFLA_BRPORT_MODE:
			p.Hairpin = in.u8() != 0
		case unix.IFLA_BRPORT_ISOLATED:
			p.Isolated = in.u8() != 0
		}
	}
	a.join(&in)
	return p
}

func vxlanData(i *inspect.Interface, a *attrs) {
	v := &inspect.Vxlan{}
	for a.next() {
		switch a.typ {
		case unix.IFLA_VXLAN_ID:
			v.ID = a.u32()
		case unix.IFLA_VXLAN_LINK:
			i.Lower = int(a.u32())
		case unix.IFLA_VXLAN_GROUP, unix.IFLA_VXLAN_GROUP6:
			i.Remote = addrText(a)
		case unix.IFLA_VXLAN_LOCAL, unix.IFLA_VXLAN_LOCAL6:
			i.Local = addrText(a)
		case unix.IFLA_VXLAN_PORT:
			v.Port = a.be16()
		case unix.IFLA_VXLAN_COLLECT_METADATA:
			v.External = a.u8() != 0
		}
	}
	i.Vxlan = v
}

// addrText is an address, "" for none or the unspecified one.
func addrText(a *attrs) string {
	ip := a.addr()
	if !ip.IsValid() || ip.IsUnspecified() {
		return ""
	}
	return ip.String()
}

func tunData(a *attrs) *inspect.Tun {
	t := &inspect.Tun{Mode: "tun"}
	for a.next() {
		switch a.typ {
		case unix.IFLA_TUN_TYPE:
			if a.u8() == unix.IFF_TAP {
				t.Mode = "tap"
			}
		case unix.IFLA_TUN_PERSIST:
			t.Persist = a.u8() != 0
		case unix.IFLA_TUN_OWNER:
			t.Owner = someID(a)
		case unix.IFLA_TUN_GROUP:
			t.Group = someID(a)
		case unix.IFLA_TUN_NUM_QUEUES:
			t.Queues = a.u32()
		}
	}
	return t
}

func someID(a *attrs) *uint32 {
	v := a.u32()
	return &v
}

func vlanData(a *attrs) *inspect.VLAN {
	v := &inspect.VLAN{}
	for a.next() {
		switch a.typ {
		case unix.IFLA_VLAN_ID:
			v.ID = a.u16()
		case unix.IFLA_VLAN_PROTOCOL:
			v.Protocol = vlanProtocol(a.be16())
		}
	}
	return v
}

func vlanProtocol(v uint16) string {
	switch v {
	case unix.ETH_P_8021Q:
		return "802.1Q"
	case unix.ETH_P_8021AD:
		return "802.1ad"
	}
	return "0x" + strconv.FormatUint(uint64(v), 16)
}

var (
	macvlanModes = map[uint32]string{1: "private", 2: "vepa", 4: "bridge", 8: "passthru", 16: "source"}
	ipvlanModes  = []string{"l2", "l3", "l3s"}
	netkitModes  = []string{"l2", "l3"}
	bondModes    = []string{"balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"}
)

// modeData reads the mode, which is attribute 1 of macvlan, ipvlan and bond
// (IFLA_MACVLAN_MODE, IFLA_IPVLAN_MODE, IFLA_BOND_MODE).
func modeData(i *inspect.Interface, a *attrs) {
	for a.next() {
		switch {
		case i.Kind == "netkit":
			if a.typ == unix.IFLA_NETKIT_MODE {
				i.Mode = nameOf(netkitModes, int(a.u32()))
			}
		case a.typ != 1:
		case i.Kind == "bond":
			i.Mode = nameOf(bondModes, int(a.u8()))
		case i.Kind == "ipvlan" || i.Kind == "ipvtap":
			i.Mode = nameOf(ipvlanModes, int(a.u16()))
		default:
			i.Mode = macvlanMode(a.u32())
		}
	}
}

func macvlanMode(v uint32) string {
	if s, ok := macvlanModes[v]; ok {
		return s
	}
	return strconv.FormatUint(uint64(v), 10)
}

// The attributes of the IP tunnels of linux/if_tunnel.h, in which GRE differs
// from the others.
const (
	tunLink             = 1 // of all of them
	tunLocal, tunRemote = 2, 3
	greLocal, greRemote = 6, 7
	vtiLocal, vtiRemote = 4, 5
)

func tunnelData(i *inspect.Interface, a *attrs) {
	local, remote := uint16(tunLocal), uint16(tunRemote)
	switch i.Kind {
	case "gre", "gretap", "ip6gre", "ip6gretap", "erspan", "ip6erspan":
		local, remote = greLocal, greRemote
	case "vti", "vti6":
		local, remote = vtiLocal, vtiRemote
	}
	for a.next() {
		switch a.typ {
		case tunLink:
			i.Lower = int(a.u32())
		case local:
			i.Local = addrText(a)
		case remote:
			i.Remote = addrText(a)
		}
	}
}
