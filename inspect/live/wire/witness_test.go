package wire_test

import (
	"net"
	"net/netip"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
	"nsinspect/inspect/live/wire"
)

// witness watches packets to port 9 of the loopback.
func witness(t *testing.T, n *netlab.NS, o wire.Opening) *wire.Witness {
	t.Helper()
	o.Proto, o.To = unix.IPPROTO_UDP, []netip.AddrPort{netip.MustParseAddrPort("127.0.0.1:9")}
	w, err := wire.OpenWitness(wire.Source{ID: n.ID, Open: n.Open}, inspect.ID{}, wire.Watch{Opening: &o, Table: wire.TablePrefix + "test"})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// seen are the packets that the rules of the table have traced.
func seen(t *testing.T, w *wire.Witness) (from []netip.AddrPort) {
	t.Helper()
	all, err := w.Read()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		if e.Own && e.Handle != 0 && e.Packet.Proto == unix.IPPROTO_UDP {
			from = append(from, netip.AddrPortFrom(e.Packet.Src, e.Packet.SrcPort))
		}
	}
	return from
}

// TestOpening holds that of many clients as many are seen as should be, each
// once, and after that only those that the table is narrowed to.
func TestOpening(t *testing.T) {
	for name, tc := range map[string]struct {
		o    wire.Opening
		want int
	}{
		"one":           {wire.Opening{Arriving: true, Clients: 1}, 1},
		"some":          {wire.Opening{Arriving: true, Clients: 7}, 7},
		"of a network":  {wire.Opening{Clients: 7, Apart: []netip.Prefix{netip.MustParsePrefix("126.0.0.0/7")}}, 0},
		"of another":    {wire.Opening{Clients: 7, Apart: []netip.Prefix{netip.MustParsePrefix("128.0.0.0/1")}}, 7},
		"not by lo":     {wire.Opening{Arriving: true, Clients: 7, Except: []int{1}}, 0},
		"of an address": {wire.Opening{Arriving: true, Clients: 7, From: []netip.AddrPort{netip.MustParseAddrPort("127.0.0.2:0")}}, 0},
	} {
		n := netlab.New(t)
		n.Do(func() error {
			w := witness(t, n, tc.o)
			defer w.Close()
			var clients []net.Conn
			for range 20 {
				c, err := net.Dial("udp4", "127.0.0.1:9")
				if err != nil {
					return err
				}
				defer c.Close()
				clients = append(clients, c)
			}
			send := func() {
				for _, c := range clients {
					_, _ = c.Write([]byte("x")) // refused: nobody listens
					_, _ = c.Write([]byte("x"))
				}
			}
			send()
			if from := seen(t, w); len(from) != tc.want {
				t.Errorf("%s: seen %v", name, from)
			}
			last := clients[len(clients)-1].LocalAddr().(*net.UDPAddr).AddrPort()
			if err := w.Narrow([]netip.AddrPort{last}); err != nil {
				return err
			}
			send()
			if from := seen(t, w); len(from) > 1 || len(from) == 1 && from[0] != last {
				t.Errorf("%s: narrowed to %s, seen %v", name, last, from)
			}
			return nil
		})
	}
}

// TestWitnessLost holds that it is known where the kernel made more messages
// than were read.
func TestWitnessLost(t *testing.T) {
	if _, err := exec.LookPath("nft"); err != nil {
		livetest.Skip(t, "needs nft")
	}
	n := netlab.New(t)
	n.Run("", "nft", "table inet others { chain c { type filter hook output priority -400; meta nftrace set 1; }; }")
	n.Do(func() error {
		w := witness(t, n, wire.Opening{Clients: 1})
		defer w.Close()
		c, err := net.Dial("udp4", "127.0.0.1:10")
		if err != nil {
			return err
		}
		defer c.Close()
		for range 5000 {
			_, _ = c.Write([]byte("x"))
		}
		if _, err := w.Read(); err != nil || !w.Lost {
			t.Errorf("%v, lost %v", err, w.Lost)
		}
		return nil
	})
}
