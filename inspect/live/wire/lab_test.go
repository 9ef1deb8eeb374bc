package wire_test

import (
	"context"
	"net"
	"testing"

	"github.com/vishvananda/netlink"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest/netlab"
	"nsinspect/inspect/live/wire"
)

func collect(t *testing.T, facts inspect.Facts, known ...*netlab.NS) []inspect.Network {
	t.Helper()
	o := wire.Options{Facts: facts | inspect.FactNetwork, ProcRoot: "/proc"}
	for _, n := range known {
		o.Sources = append(o.Sources, wire.Source{ID: n.ID, Open: n.Open})
	}
	nets, problems := wire.Collect(context.Background(), o)
	if len(problems) > 0 {
		t.Errorf("problems: %+v", problems)
	}
	return nets
}

// end is where a link leads.
type end struct {
	ns   inspect.ID
	dark int
	name string
}

// endOf follows a link by its facts alone.
func endOf(t *testing.T, nets []inspect.Network, ns inspect.ID, name string) end {
	t.Helper()
	n := network(t, nets, ns, 0)
	for i := range n.Interfaces {
		l := &n.Interfaces[i]
		if l.Name != name {
			continue
		}
		to := end{ns: ns}
		if l.LinkNSID != nil {
			var ok bool
			if to.ns, to.dark, ok = n.Peer(*l.LinkNSID); !ok {
				t.Fatalf("%s: nsid %d leads nowhere: %+v", name, *l.LinkNSID, n.NSIDs)
			}
		}
		if p := network(t, nets, to.ns, to.dark).Interface(l.LinkIndex); p != nil {
			to.name = p.Name
		}
		return to
	}
	t.Fatalf("no interface %s in %s", name, ns)
	return end{}
}

func network(t *testing.T, nets []inspect.Network, ns inspect.ID, dark int) *inspect.Network {
	t.Helper()
	for i := range nets {
		if nets[i].NS == ns && nets[i].Dark == dark {
			return &nets[i]
		}
	}
	t.Fatalf("no network %s, dark %d", ns, dark)
	return nil
}

func TestPeersAreExact(t *testing.T) {
	host, a, b, c, d := netlab.New(t), netlab.New(t), netlab.New(t), netlab.New(t), netlab.New(t)
	// Equal indexes on both ends, twice: 2 with 2, 3 with 3.
	a.Veth("ab0", b, "ba0")
	a.Veth("ab1", b, "ba1")
	// A nested namespace: d is reached through c only.
	c.Veth("cd", d, "dc")
	// Peers that all have the same index, seen from the host.
	host.Veth("h0", netlab.New(t), "eth0")
	for i, n := range []*netlab.NS{a, b, c} {
		host.Veth([]string{"va", "vb", "vc"}[i], n, "eth0")
	}
	// A pair within one namespace.
	host.Add(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "in0"}, PeerName: "in1"})

	nets := collect(t, 0, host, a, b, c, d)
	for _, tc := range []struct {
		from *netlab.NS
		name string
		to   end
	}{
		{a, "ab0", end{b.ID, 0, "ba0"}},
		{b, "ba0", end{a.ID, 0, "ab0"}},
		{a, "ab1", end{b.ID, 0, "ba1"}},
		{b, "ba1", end{a.ID, 0, "ab1"}},
		{c, "cd", end{d.ID, 0, "dc"}},
		{d, "dc", end{c.ID, 0, "cd"}},
		{host, "va", end{a.ID, 0, "eth0"}},
		{a, "eth0", end{host.ID, 0, "va"}},
		{host, "vb", end{b.ID, 0, "eth0"}},
		{b, "eth0", end{host.ID, 0, "vb"}},
		{host, "vc", end{c.ID, 0, "eth0"}},
		{c, "eth0", end{host.ID, 0, "vc"}},
		{host, "in0", end{host.ID, 0, "in1"}},
		{host, "in1", end{host.ID, 0, "in0"}},
	} {
		if got := endOf(t, nets, tc.from.ID, tc.name); got != tc.to {
			t.Errorf("%s of %s leads to %+v, want %+v", tc.name, tc.from.ID, got, tc.to)
		}
	}
}

// A namespace without any file or process that shows it is read by number,
// and what two namespaces call by different numbers is one.
func TestDarkNamespace(t *testing.T) {
	host, a, hidden, beyond := netlab.New(t), netlab.New(t), netlab.New(t), netlab.New(t)
	a.Veth("pad", host, "pad") // so that numbers differ
	host.Veth("vh", hidden, "eth0")
	a.Veth("va", hidden, "eth1")
	hidden.Veth("deep", beyond, "eth9")
	hidden.Addr("eth0", "10.9.0.2/24")
	hidden.Addr("eth0", "fd09::2/64")
	hidden.Macvlan("mv0", "eth1", false)

	nets := collect(t, 0, host, a)
	fromHost, fromA := endOf(t, nets, host.ID, "vh"), endOf(t, nets, a.ID, "va")
	if fromHost.dark == 0 || fromHost.name != "eth0" || fromA.dark != fromHost.dark || fromA.name != "eth1" {
		t.Fatalf("from the host %+v, from a %+v", fromHost, fromA)
	}
	dark := network(t, nets, inspect.ID{}, fromHost.dark)
	eth0 := dark.Interface(2)
	if eth0 == nil || eth0.Name != "eth0" || eth0.Address == "" || eth0.OperState != "UP" {
		t.Fatalf("eth0 of the dark namespace: %+v", eth0)
	}
	var addrs []string
	for _, a := range eth0.Addrs {
		addrs = append(addrs, a.Prefix.String())
	}
	if len(addrs) < 2 || addrs[0] != "10.9.0.2/24" || addrs[1] != "fd09::2/64" {
		t.Errorf("addresses %v", addrs)
	}
	// Back to the host, and on to a further dark namespace.
	for i := range dark.Interfaces {
		l := &dark.Interfaces[i]
		switch l.Name {
		case "eth0":
			if ns, _, _ := dark.Peer(*l.LinkNSID); ns != host.ID {
				t.Errorf("eth0 leads back to %v", ns)
			}
		case "deep":
			_, next, _ := dark.Peer(*l.LinkNSID)
			if next == 0 || network(t, nets, inspect.ID{}, next).Interface(l.LinkIndex).Name != "eth9" {
				t.Errorf("deep leads to %d", next)
			}
		}
	}
}

func TestKinds(t *testing.T) {
	host, a := netlab.New(t), netlab.New(t)
	host.Veth("up", a, "up")
	host.Addr("up", "10.8.0.1/24")
	for i, name := range []string{"mv", "tap"} {
		host.Macvlan(name, "up", i == 1)
		host.Move(name, a)
	}
	host.On("up", func(l netlink.Link) error {
		return netlink.LinkAdd(&netlink.Vxlan{
			LinkAttrs: netlink.LinkAttrs{Name: "vx"}, VxlanId: 42, VtepDevIndex: l.Attrs().Index,
			Group: net.ParseIP("239.1.1.1"), Port: 4789,
		})
	})
	host.Move("vx", a)
	host.Tun("tn", false)
	host.Tun("tp", true)
	host.Bridge("br", "tp")
	host.On("br", func(l netlink.Link) error { return netlink.LinkSetAlias(l, "a \"b\"\n]]>") })

	nets := collect(t, 0, host, a)
	up := endOf(t, nets, a.ID, "up")
	if up.name != "up" || up.ns != host.ID {
		t.Fatalf("up leads to %+v", up)
	}
	for _, name := range []string{"mv", "tap"} {
		if got := endOf(t, nets, a.ID, name); got != up {
			t.Errorf("%s lies on %+v, want %+v", name, got, up)
		}
	}
	n := network(t, nets, a.ID, 0)
	vx := byName(n, "vx")
	if ns, _, _ := n.Peer(*vx.LinkNSID); ns != host.ID || vx.Vxlan.ID != 42 || vx.Remote != "239.1.1.1" || vx.Vxlan.Port != 4789 {
		t.Errorf("vxlan %+v %+v leads to %v", vx, vx.Vxlan, ns)
	}
	h := network(t, nets, host.ID, 0)
	if l := h.Interface(vx.Lower); l == nil || l.Name != "up" {
		t.Errorf("vxlan sends through %+v", l)
	}
	if mv := byName(n, "mv"); mv.Mode != "bridge" || mv.Kind != "macvlan" {
		t.Errorf("macvlan: kind %q, mode %q", mv.Kind, mv.Mode)
	}
	if tn, tp := byName(h, "tn"), byName(h, "tp"); tn.Tun == nil || tn.Tun.Mode != "tun" || tp.Tun == nil || tp.Tun.Mode != "tap" || !tp.Tun.Persist {
		t.Errorf("tun %+v, tap %+v", tn.Tun, tp.Tun)
	}
	br, tp := byName(h, "br"), byName(h, "tp")
	if tp.Master != br.Index || tp.Port == nil || br.Bridge == nil || br.Alias != "a \"b\"\n]]>" {
		t.Errorf("bridge %+v, port %+v of %d", br, tp.Port, tp.Master)
	}
}

func byName(n *inspect.Network, name string) *inspect.Interface {
	for i := range n.Interfaces {
		if n.Interfaces[i].Name == name {
			return &n.Interfaces[i]
		}
	}
	return &inspect.Interface{}
}
