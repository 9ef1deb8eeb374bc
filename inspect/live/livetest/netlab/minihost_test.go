package netlab_test

import (
	"testing"

	"nsinspect/inspect/live/livetest/netlab"
)

// TestMiniHost holds that traffic flows as on a Docker host: out, and in by
// the published port alone.
func TestMiniHost(t *testing.T) {
	m := netlab.NewMiniHost(t)
	m.Web.Serve("0.0.0.0:80")
	m.Outside.Serve("0.0.0.0:53")
	for _, tc := range []struct {
		from      *netlab.NS
		proto, to string
		ok        bool
	}{
		{m.Web, "tcp", "198.51.100.7:53", true},
		{m.Web, "udp", "198.51.100.7:53", true},
		{m.Web, "icmp", "198.51.100.7", true},
		{m.DB, "tcp", "172.17.0.2:80", true},
		{m.DB, "udp", "172.17.0.2:80", true},
		{m.DB, "udp", "172.17.0.2:81", false},
		{m.DB, "icmp", "172.17.0.9", false},
		{m.Outside, "tcp", "192.0.2.10:8080", true},
		{m.Outside, "udp", "192.0.2.10:8080", false},
		{m.Outside, "tcp", "172.17.0.2:80", false},
	} {
		if ok := tc.from.Reaches(tc.proto, tc.to); ok != tc.ok {
			t.Errorf("%s to %s: %v, want %v", tc.proto, tc.to, ok, tc.ok)
		}
	}
}
