package path_test

import (
	"net/netip"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/graph/path"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// box is a snapshot of one namespace with an uplink, of which only facts were
// read.
func box(facts inspect.Facts, change func(*inspect.Network)) *inspect.Index {
	id := inspect.ID{Dev: 4, Ino: 10}
	n := inspect.Network{
		NS: id, Facts: facts.Names(), Ruleset: &inspect.Ruleset{},
		Interfaces: []inspect.Interface{
			{Index: 1, Name: "lo", Flags: inspect.FlagUp | inspect.FlagLoopback, Carrier: true, MTU: 65536},
			{Index: 2, Name: "eth0", Flags: inspect.FlagUp, Carrier: true, MTU: 1400, Addrs: []inspect.Addr{{Prefix: netip.MustParsePrefix("192.0.2.10/24"), Scope: "global"}}},
		},
		Routes: []inspect.Route{
			{Family: inspect.FamilyIPv4, Table: 254, Dst: netip.MustParsePrefix("0.0.0.0/0"), Type: "unicast", Hops: []inspect.Hop{{Via: netip.MustParseAddr("192.0.2.1"), Oif: 2}}},
			{Family: inspect.FamilyIPv4, Table: 255, Dst: netip.MustParsePrefix("192.0.2.10/32"), Type: "local", Hops: []inspect.Hop{{Oif: 2}}},
		},
	}
	if change != nil {
		change(&n)
	}
	s := &inspect.Snapshot{
		Format: inspect.Format, Scope: inspect.NewScope(facts|inspect.FactTasks, nil), Host: inspect.Host{NSDev: 4},
		Namespaces: []inspect.Namespace{{ID: id, Type: inspect.Net}}, Networks: []inspect.Network{n},
	}
	s.Host.Observer.NS[inspect.LinkNet] = id
	return inspect.NewIndex(s)
}

// What was not read is not taken for what is not there.
func TestNotRead(t *testing.T) {
	const all = inspect.FactNetwork | inspect.FactRoutes | inspect.FactNeighbors | inspect.FactNetConf | inspect.FactNetfilter
	for _, tc := range []struct {
		name    string
		facts   inspect.Facts
		change  func(*inspect.Network)
		outside bool
		want    path.Disposition
	}{
		{"all", all, nil, false, path.ExitsNetwork},
		{"no interfaces", all &^ inspect.FactNetwork, nil, false, path.InsufficientInfo},
		{"no routes", all &^ inspect.FactRoutes, nil, false, path.InsufficientInfo},
		{"no rules", all &^ inspect.FactNetfilter, nil, false, path.InsufficientInfo},
		{"no settings", all &^ inspect.FactNetConf, nil, true, path.InsufficientInfo},
		{"legacy rules", all, func(n *inspect.Network) { n.Ruleset.Legacy = []string{"ip: filter"} }, false, path.InsufficientInfo},
		{"no default route", all, func(n *inspect.Network) { n.Routes = n.Routes[1:] }, false, path.NoRoute},
		{"no carrier", all, func(n *inspect.Network) { n.Interfaces[1].Carrier = false }, false, path.DeniedOut},
		{"failed neighbour", all, func(n *inspect.Network) {
			n.Neighbors = []inspect.Neighbor{{Index: 2, Addr: netip.MustParseAddr("192.0.2.1"), State: "FAILED"}}
		}, false, path.NeighborUnreachable},
		{"veth to nowhere", all, func(n *inspect.Network) { n.Interfaces[1].Kind = "veth" }, false, path.InsufficientInfo},
		{"route through itself", all, func(n *inspect.Network) {
			n.Interfaces[1].Kind, n.Interfaces[1].LinkIndex = "veth", 2
			n.Neighbors = nil
		}, true, path.NeighborUnreachable},
	} {
		x := box(tc.facts, tc.change)
		o := path.Options{From: x.Own(inspect.Net), Outside: tc.outside, Packet: filter.Packet{Proto: filter.TCP, Dst: netip.MustParseAddr("8.8.8.8"), DstPort: 53}}
		r, err := path.Trace(x, graph.NewTopology(x), o)
		if err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if r.Disposition != tc.want || !r.Disposition.Good() && r.Reason == "" || !r.Reconstructed {
			t.Errorf("%s: %s (%s), want %s%s", tc.name, r.Disposition, r.Reason, tc.want, steps(r))
		}
	}
}

// Who has the next hop on this host behind what is not followed is said.
func TestNotFollowed(t *testing.T) {
	s := *box(inspect.FactsAll, func(n *inspect.Network) { n.Interfaces[1].Kind = "ipvlan" }).Snapshot()
	other := s.Networks[0]
	other.NS.Ino++
	other.Interfaces = []inspect.Interface{{Index: 2, Name: "ipv1", Kind: "ipvlan", Flags: inspect.FlagUp, Addrs: []inspect.Addr{{Prefix: netip.MustParsePrefix("192.0.2.1/24")}}}}
	s.Networks = append(s.Networks[:1:1], other)
	x := inspect.NewIndex(&s)
	o := path.Options{From: x.Own(inspect.Net), Packet: filter.Packet{Proto: filter.TCP, Dst: netip.MustParseAddr("8.8.8.8"), DstPort: 53}}
	r, err := path.Trace(x, graph.NewTopology(x), o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Disposition != path.ExitsNetwork || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "has the address 192.0.2.1") {
		t.Errorf("%s, notes %q", r.Disposition, r.Notes)
	}
}

// A packet from outside comes in by the interface that has the address, where
// no default route says by which.
func TestOutsideWithoutDefaultRoute(t *testing.T) {
	lan := inspect.Route{Family: inspect.FamilyIPv4, Table: 254, Dst: netip.MustParsePrefix("192.0.2.0/24"), Type: "unicast", Hops: []inspect.Hop{{Oif: 2}}}
	x := box(proveFacts, func(n *inspect.Network) { n.Routes[0] = lan })
	o := path.Options{From: inspect.ID{Dev: 4, Ino: 10}, Outside: true, Packet: filter.Packet{Proto: filter.TCP, Dst: netip.MustParseAddr("192.0.2.10"), DstPort: 80}}
	r, err := path.Trace(x, graph.NewTopology(x), o)
	if err != nil || r.Forward.Steps[0].IfName != "eth0" || r.Forward.Disposition != path.Accepted {
		t.Errorf("%v: %+v", err, r)
	}
	o.Packet.Dst = netip.MustParseAddr("198.51.100.1")
	if r, err := path.Trace(x, graph.NewTopology(x), o); err == nil {
		t.Errorf("an address of nobody here: %+v", r)
	}
}
