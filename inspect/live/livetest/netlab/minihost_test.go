package netlab_test

import (
	"net"
	"testing"
	"time"

	"nsinspect/inspect/live/livetest/netlab"
)

// TestMiniHost holds that traffic flows as on a Docker host: out, and in by
// the published port alone.
func TestMiniHost(t *testing.T) {
	m := netlab.NewMiniHost(t)
	web, world := listen(t, m.Web, "0.0.0.0:80"), listen(t, m.Outside, "0.0.0.0:53")
	defer web.Close()
	defer world.Close()
	for _, tc := range []struct {
		from *netlab.NS
		to   string
		ok   bool
	}{
		{m.Web, "198.51.100.7:53", true},
		{m.DB, "172.17.0.2:80", true},
		{m.Outside, "192.0.2.10:8080", true},
		{m.Outside, "172.17.0.2:80", false},
	} {
		if err := dial(tc.from, tc.to); (err == nil) != tc.ok {
			t.Errorf("connect to %s: %v, want success %v", tc.to, err, tc.ok)
		}
	}
}

func listen(t *testing.T, n *netlab.NS, addr string) (l net.Listener) {
	t.Helper()
	n.Do(func() (err error) {
		l, err = net.Listen("tcp4", addr)
		return err
	})
	return l
}

func dial(n *netlab.NS, addr string) (err error) {
	n.Do(func() error {
		var c net.Conn
		if c, err = net.DialTimeout("tcp4", addr, 500*time.Millisecond); err == nil {
			c.Close()
		}
		return nil
	})
	return err
}
