package inspect

import (
	"slices"
	"testing"
)

// Whoever has the routes has the gateways, and does not name them.
func TestRoutesHaveGateways(t *testing.T) {
	for _, tc := range []struct {
		facts   Facts
		names   []string
		gateway bool
		routes  bool
	}{
		{FactGateways, []string{"gateways"}, true, false},
		{FactRoutes, []string{"routes"}, true, true},
		{FactRoutes | FactGateways, []string{"routes"}, true, true},
		{FactNetwork, []string{"network"}, false, false},
	} {
		s := NewScope(tc.facts, nil)
		if !slices.Equal(s.Facts, tc.names) || s.Has(FactGateways) != tc.gateway || s.Has(FactRoutes) != tc.routes {
			t.Errorf("%b: named %v, has gateways %v and routes %v", tc.facts, s.Facts, s.Has(FactGateways), s.Has(FactRoutes))
		}
	}
}
