package wire_test

import (
	"net"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest/netlab"
)

// FactGateways reads those routes of FactRoutes that are default routes of
// the main tables.
func TestGateways(t *testing.T) {
	a, bare := netlab.New(t), netlab.New(t)
	a.Veth("eth0", bare, "eth0")
	a.Addr("eth0", "10.7.0.2/24")
	a.Addr("eth0", "fd07::2/64")
	a.Route("default", "10.7.0.1", "eth0")
	a.Route("10.8.0.0/16", "10.7.0.9", "eth0")
	a.On("eth0", func(l netlink.Link) error {
		all := &net.IPNet{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}
		for _, r := range []netlink.Route{
			{Dst: all, Gw: net.ParseIP("fd07::1"), LinkIndex: l.Attrs().Index},
			{Gw: net.ParseIP("10.7.0.5"), Priority: 7, LinkIndex: l.Attrs().Index},
			{Gw: net.ParseIP("10.7.0.6"), Table: 100, LinkIndex: l.Attrs().Index},
			{Dst: &net.IPNet{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)}, Type: unix.RTN_UNREACHABLE, Priority: 9999},
		} {
			if err := netlink.RouteAdd(&r); err != nil {
				return err
			}
		}
		return nil
	})
	whole, some := collect(t, inspect.FactRoutes, a, bare), collect(t, inspect.FactGateways, a, bare)
	n := network(t, some, a.ID, 0)
	want := slices.DeleteFunc(network(t, whole, a.ID, 0).Routes, func(r inspect.Route) bool {
		return r.Dst.Bits() != 0 || r.Table != unix.RT_TABLE_MAIN || r.Type != "unicast"
	})
	if len(n.Routes) != 3 || !slices.EqualFunc(n.Routes, want, func(a, b inspect.Route) bool {
		return a.Family == b.Family && a.Metric == b.Metric && slices.Equal(a.Hops, b.Hops)
	}) {
		t.Errorf("gateways %+v, want %+v", n.Routes, want)
	}
	if n.Rules != nil || !n.Has(inspect.FactGateways) || n.Has(inspect.FactRoutes) {
		t.Errorf("rules %v, facts %v", n.Rules, n.Facts)
	}
	if routes := network(t, some, bare.ID, 0).Routes; len(routes) != 0 {
		t.Errorf("a namespace without gateway has %+v", routes)
	}
}
