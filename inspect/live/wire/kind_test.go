package wire

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// newLink is a RTM_NEWLINK as the kernel sends it: struct ifinfomsg, a name,
// then further attributes.
func newLink(index int, attrs ...[]byte) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	native.PutUint16(b[2:], unix.ARPHRD_ETHER)
	native.PutUint32(b[4:], uint32(index))
	native.PutUint32(b[8:], unix.IFF_UP|unix.IFF_RUNNING)
	b = appendString(b, unix.IFLA_IFNAME, "x0")
	return append(b, slices.Concat(attrs...)...)
}

func linkInfoOf(kind string, data ...[]byte) []byte {
	info := appendString(nil, unix.IFLA_INFO_KIND, kind)
	return appendAttr(nil, unix.IFLA_LINKINFO|unix.NLA_F_NESTED, appendAttr(info, unix.IFLA_INFO_DATA, slices.Concat(data...)))
}

func attr8(typ uint16, v uint8) []byte   { return appendAttr(nil, typ, []byte{v}) }
func attr32(typ uint16, v uint32) []byte { return appendU32(nil, typ, v) }
func attr16(typ, v uint16) []byte        { return appendAttr(nil, typ, native.AppendUint16(nil, v)) }

// TestKindsOfLinks: kinds that a test's kernel may lack are read from
// messages as linux/if_link.h has them.
func TestKindsOfLinks(t *testing.T) {
	five := int32(5)
	for _, tc := range []struct {
		name string
		msg  []byte
		want inspect.Interface
	}{
		{
			"vlan", newLink(7, attr32(unix.IFLA_LINK, 2), linkInfoOf("vlan", attr16(unix.IFLA_VLAN_ID, 10), appendAttr(nil, unix.IFLA_VLAN_PROTOCOL, []byte{0x88, 0xa8}))),
			inspect.Interface{Kind: "vlan", LinkIndex: 2, VLAN: &inspect.VLAN{ID: 10, Protocol: "802.1ad"}},
		},
		{
			"ipvlan", newLink(7, attr32(unix.IFLA_LINK, 2), attr32(unix.IFLA_LINK_NETNSID, 5), linkInfoOf("ipvlan", attr16(unix.IFLA_IPVLAN_MODE, 2))),
			inspect.Interface{Kind: "ipvlan", LinkIndex: 2, LinkNSID: &five, Mode: "l3s"},
		},
		{
			"macvtap", newLink(7, attr32(unix.IFLA_LINK, 2), linkInfoOf("macvtap", attr32(unix.IFLA_MACVLAN_MODE, 8))),
			inspect.Interface{Kind: "macvtap", LinkIndex: 2, Mode: "passthru"},
		},
		{"bond", newLink(7, linkInfoOf("bond", attr8(unix.IFLA_BOND_MODE, 4))), inspect.Interface{Kind: "bond", Mode: "802.3ad"}},
		{"bond of a later kernel", newLink(7, linkInfoOf("bond", attr8(unix.IFLA_BOND_MODE, 9))), inspect.Interface{Kind: "bond", Mode: "9"}},
		{
			"netkit", newLink(7, attr32(unix.IFLA_LINK_NETNSID, 5), linkInfoOf("netkit", attr32(unix.IFLA_NETKIT_MODE, 1))),
			inspect.Interface{Kind: "netkit", LinkIndex: 7, LinkNSID: &five, Mode: "l3"},
		},
		{
			"veth whose peer has its index, on an old kernel", newLink(7, attr32(unix.IFLA_LINK_NETNSID, 5), linkInfoOf("veth")),
			inspect.Interface{Kind: "veth", LinkIndex: 7, LinkNSID: &five},
		},
		{
			"gre", newLink(7, linkInfoOf("gre", attr32(1, 3), appendAttr(nil, 6, []byte{10, 0, 0, 1}), appendAttr(nil, 7, []byte{10, 0, 0, 2}))),
			inspect.Interface{Kind: "gre", Lower: 3, Local: "10.0.0.1", Remote: "10.0.0.2"},
		},
		{
			"ipip without ends", newLink(7, linkInfoOf("ipip", attr32(1, 3), appendAttr(nil, 2, make([]byte, 4)), appendAttr(nil, 3, []byte{10, 0, 0, 2}))),
			inspect.Interface{Kind: "ipip", Lower: 3, Remote: "10.0.0.2"},
		},
		{
			"vti", newLink(7, linkInfoOf("vti", attr32(1, 3), appendAttr(nil, 4, []byte{10, 0, 0, 1}), appendAttr(nil, 5, []byte{10, 0, 0, 2}))),
			inspect.Interface{Kind: "vti", Lower: 3, Local: "10.0.0.1", Remote: "10.0.0.2"},
		},
		{
			"vxlan of IPv6", newLink(7, linkInfoOf("vxlan", attr32(unix.IFLA_VXLAN_ID, 42), attr32(unix.IFLA_VXLAN_LINK, 2), appendAttr(nil, unix.IFLA_VXLAN_GROUP6, append(make([]byte, 15), 1)), appendAttr(nil, unix.IFLA_VXLAN_PORT, []byte{0x12, 0xb5}), attr8(unix.IFLA_VXLAN_COLLECT_METADATA, 1))),
			inspect.Interface{Kind: "vxlan", Lower: 2, Remote: "::1", Vxlan: &inspect.Vxlan{ID: 42, Port: 4789, External: true}},
		},
		{
			"bridge", newLink(7, linkInfoOf("bridge", attr32(unix.IFLA_BR_STP_STATE, 1), attr8(unix.IFLA_BR_VLAN_FILTERING, 1), appendAttr(nil, unix.IFLA_BR_BRIDGE_ID, []byte{0x80, 0, 2, 0x42, 0, 0, 0, 1}), attr8(unix.IFLA_BR_NF_CALL_IP6TABLES, 1))),
			inspect.Interface{Kind: "bridge", Bridge: &inspect.Bridge{STP: true, VLANFiltering: true, ID: "8000.024200000001", NFCall: 2}},
		},
		{"wireguard, in a vrf", newLink(7, attr32(unix.IFLA_MASTER, 9), linkInfoOf("wireguard")), inspect.Interface{Kind: "wireguard", Master: 9}},
		{
			"altnames", newLink(7, appendAttr(nil, unix.IFLA_PROP_LIST|unix.NLA_F_NESTED, slices.Concat(appendString(nil, unix.IFLA_ALT_IFNAME, "enp0s3"), appendString(nil, unix.IFLA_ALT_IFNAME, "lan\xff")))),
			inspect.Interface{AltNames: []string{"enp0s3", `lan\xff`}},
		},
	} {
		tc.want.Index, tc.want.Name, tc.want.Type, tc.want.Flags = 7, "x0", unix.ARPHRD_ETHER, unix.IFF_UP|unix.IFF_RUNNING
		got, ok, err := parseLink(tc.msg)
		if err != nil || !ok {
			t.Errorf("%s: %v", tc.name, err)
		}
		if d := cmp.Diff(tc.want, got); d != "" {
			t.Errorf("%s: %s", tc.name, d)
		}
	}
}

func TestBridgePortVLANs(t *testing.T) {
	spec := slices.Concat(
		appendAttr(nil, iflaBridgeVLANInfo, []byte{6, 0, 1, 0}), // PVID, untagged
		appendAttr(nil, iflaBridgeVLANInfo, []byte{0, 0, 100, 0}))
	got, ok, err := parsePortVLANs(newLink(4, appendAttr(nil, unix.IFLA_AF_SPEC, spec)))
	want := []inspect.PortVLAN{{ID: 1, PVID: true, Untagged: true}, {ID: 100}}
	if err != nil || !ok || got.index != 4 || !slices.Equal(got.vlans, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestMalformedLinks(t *testing.T) {
	for name, msg := range map[string][]byte{
		"short":                   make([]byte, 8),
		"index 0":                 newLink(0),
		"attribute of 3 bytes":    append(newLink(7), 3, 0, 1, 0),
		"attribute beyond":        append(newLink(7), 255, 0, 1, 0),
		"nested attribute beyond": newLink(7, appendAttr(nil, unix.IFLA_LINKINFO, []byte{200, 0, 1, 0})),
	} {
		if _, _, err := parseLink(msg); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestRoutes(t *testing.T) {
	head := func(family, bits, table, protocol, scope, typ byte) []byte {
		return []byte{family, bits, 0, 0, table, protocol, scope, typ, 0, 0, 0, 0}
	}
	hop := func(oif byte, via ...byte) []byte {
		gw := appendAttr(nil, unix.RTA_GATEWAY, via)
		return append([]byte{byte(unix.SizeofRtNexthop + len(gw)), 0, 0, 1, oif, 0, 0, 0}, gw...)
	}
	for _, tc := range []struct {
		name string
		msg  []byte
		want string
	}{
		{"default", append(head(2, 0, 254, 3, 0, 1), slices.Concat(appendAttr(nil, unix.RTA_GATEWAY, []byte{10, 0, 0, 1}), attr32(unix.RTA_OIF, 2))...), "0.0.0.0/0 unicast boot 254 [{10.0.0.1 2 0 0}]"},
		{"blackhole in a large table", append(head(2, 8, 252, 4, 0, 6), slices.Concat(appendAttr(nil, unix.RTA_DST, []byte{10, 0, 0, 0}), attr32(unix.RTA_TABLE, 1000))...), "10.0.0.0/8 blackhole static 1000 []"},
		{"multipath", append(head(2, 0, 254, 3, 0, 1), appendAttr(nil, unix.RTA_MULTIPATH, slices.Concat(hop(2, 10, 0, 0, 1), hop(3, 10, 1, 0, 1)))...), "0.0.0.0/0 unicast boot 254 [{10.0.0.1 2 2 0} {10.1.0.1 3 2 0}]"},
		{"IPv4 by IPv6", append(head(2, 0, 254, 3, 0, 1), slices.Concat(appendAttr(nil, unix.RTA_VIA, append([]byte{10, 0}, append([]byte{0xfe, 0x80}, append(make([]byte, 13), 1)...)...)), attr32(unix.RTA_OIF, 2))...), "0.0.0.0/0 unicast boot 254 [{fe80::1 2 0 0}]"},
	} {
		r, ok, err := parseRoute(tc.msg)
		if got := routeText(r); err != nil || !ok || got != tc.want {
			t.Errorf("%s: %s, %v, want %s", tc.name, got, err, tc.want)
		}
	}
}

func routeText(r inspect.Route) string {
	return fmt.Sprint(r.Dst, " ", r.Type, " ", r.Protocol, " ", r.Table, " ", r.Hops)
}
