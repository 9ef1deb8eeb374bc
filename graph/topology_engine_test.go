package graph_test

import (
	"net/netip"
	"testing"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// bridged is a host with an uplink and a bridge that the box hangs on.
func bridged(route *inspect.Route, networks ...inspect.EngineNetwork) *graph.Topology {
	x := netsnap(func(host, box *inspect.Network) {
		host.Facts = (inspect.FactNetwork | inspect.FactRoutes).Names()
		box.Facts = (inspect.FactNetwork | inspect.FactGateways).Names()
		host.Interfaces[0].Master = 7
		host.Interfaces = append(host.Interfaces,
			inspect.Interface{Index: 7, Name: "br-0123456789ab", Kind: "bridge", Addrs: []inspect.Addr{{Prefix: netip.MustParsePrefix("10.0.0.1/24")}}},
			inspect.Interface{Index: 8, Name: "ens3"},
		)
		host.Routes = []inspect.Route{defaultVia("192.0.2.1", 8)}
		if route != nil {
			box.Routes = []inspect.Route{*route}
		}
	})
	x.Snapshot().EngineNetworks = networks
	return graph.NewTopology(x)
}

func defaultVia(gate string, oif int) inspect.Route {
	return inspect.Route{
		Family: inspect.FamilyIPv4, Table: 254, Dst: netip.MustParsePrefix("0.0.0.0/0"), Type: "unicast",
		Hops: []inspect.Hop{{Via: netip.MustParseAddr(gate), Oif: oif}},
	}
}

// A bridge is routed to the uplink where packets leave that way: not where the
// engine made its network internal, nor where nobody on it has a default route.
// What the engine calls it is known without a container in it.
func TestInternalNetwork(t *testing.T) {
	way := defaultVia("10.0.0.1", 2)
	shop := inspect.EngineNetwork{ID: "0123456789abcdef", Name: "shop", Engine: "docker", Driver: "bridge"}
	closed := shop
	closed.Internal = true
	for _, c := range []struct {
		name, network string
		t             *graph.Topology
		routed        int
	}{
		{"way out", "", bridged(&way), 1},
		{"no default route", "", bridged(nil), 0},
		{"engine knows", "shop", bridged(nil, shop), 1},
		{"internal", "shop", bridged(&way, closed), 0},
		{"another", "", bridged(&way, inspect.EngineNetwork{ID: "0123456789ac", Name: "x", Engine: "docker", Driver: "bridge", Internal: true}), 1},
	} {
		if got := edges(c.t, graph.EdgeRoute); len(got) != c.routed {
			t.Errorf("%s: routes %+v, want %d", c.name, got, c.routed)
		}
		if br := c.t.Interface("net:[10]/7"); br.Network != c.network {
			t.Errorf("%s: network %q, want %q", c.name, br.Network, c.network)
		}
	}
}
