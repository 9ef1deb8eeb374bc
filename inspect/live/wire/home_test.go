package wire_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
	"nsinspect/inspect/live/wire"
)

func TestMain(m *testing.M) { livetest.Main(m, nil) }

// collectAt collects as an observer in the namespace own does.
func collectAt(t *testing.T, own inspect.ID, known ...*netlab.NS) []inspect.Network {
	t.Helper()
	o := wire.Options{Facts: inspect.FactNetwork, ProcRoot: "/proc", Own: own}
	for _, n := range known {
		o.Sources = append(o.Sources, wire.Source{ID: n.ID, Open: n.Open})
	}
	nets, problems := wire.Collect(t.Context(), o)
	if len(problems) > 0 {
		t.Errorf("problems: %+v", problems)
	}
	return nets
}

// What the observer's own namespace is asked early must be what all are asked
// at the end: with links past it, of which one end alone knows the other, and
// to namespaces that nothing shows.
func TestHome(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		home, hidden, beyond := netlab.Own(t), netlab.New(t), netlab.New(t)
		known := []*netlab.NS{netlab.New(t), home}
		for i := range 6 {
			n := netlab.New(t)
			home.Veth(fmt.Sprint("v", i), n, "eth0")
			known = append(known, n)
		}
		a, b, c, d := known[2], known[3], known[4], known[5]
		a.Veth("ab", b, "ba")
		d.Macvlan("mv", "eth0", false)
		d.Move("mv", home) // so that d gets no number for c
		home.Move("mv", c)
		home.Macvlan("mvh", "v0", false)
		home.Move("mvh", known[0])
		home.Veth("dark", hidden, "eth0")
		c.Veth("cd", hidden, "dc")
		hidden.Veth("deep", beyond, "eth0")
		home.Add(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "in0"}, PeerName: "in1"})

		collectAt(t, home.ID, known...) // which has the kernel give numbers
		differ := func(a, b any) string {
			return cmp.Diff(a, b, cmpopts.EquateComparable(inspect.ID{}), cmpopts.IgnoreFields(inspect.Interface{}, "Stats", "Addrs"))
		}
		for compared := 0; compared < 5; {
			want, got := collectAt(t, inspect.ID{}, known...), collectAt(t, home.ID, known...)
			if differ(want, collectAt(t, inspect.ID{}, known...)) != "" {
				continue // links still come up: there is nothing to compare with
			}
			compared++
			if diff := differ(want, got); diff != "" {
				t.Fatalf("without a home (-) and with one (+):\n%s", diff)
			}
			if got := endOf(t, got, c.ID, "mv"); got != (end{d.ID, 0, "eth0"}) {
				t.Errorf("mv lies on %+v", got)
			}
		}
	})
}

// However many namespaces lead to the observer's own, few are open at a time.
func TestHomeKeepsFewOpen(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		home := netlab.Own(t)
		known := []*netlab.NS{home}
		for i := range 100 {
			n := netlab.New(t)
			home.Veth(fmt.Sprint("v", i), n, "eth0")
			known = append(known, n)
		}
		limit := unix.Rlimit{Cur: uint64(livetest.OpenFiles(t)) + 64}
		limit.Max = limit.Cur
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		nets := collectAt(t, home.ID, known...)
		for i, n := range known[1:] {
			if got := endOf(t, nets, n.ID, "eth0"); got != (end{home.ID, 0, fmt.Sprint("v", i)}) {
				t.Errorf("eth0 of the %d-th leads to %+v", i, got)
			}
		}
	})
}
