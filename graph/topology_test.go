package graph_test

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// netsnap is a snapshot of two network namespaces with a veth between them,
// the first of which is the observer's.
func netsnap(change func(host, box *inspect.Network)) *inspect.Index {
	id := func(n uint64) inspect.ID { return inspect.ID{Dev: 4, Ino: n} }
	zero := int32(0)
	facts := inspect.FactNetwork.Names()
	host := inspect.Network{NS: id(10), Facts: facts, NSIDs: []inspect.NSID{{NSID: 0, NS: id(20)}}, Interfaces: []inspect.Interface{
		{Index: 5, Name: "veth5", Kind: "veth", LinkIndex: 2, LinkNSID: &zero},
	}}
	box := inspect.Network{NS: id(20), Facts: facts, NSIDs: []inspect.NSID{{NSID: 0, NS: id(10)}}, Interfaces: []inspect.Interface{
		{Index: 2, Name: "eth0", Kind: "veth", LinkIndex: 5, LinkNSID: &zero, Addrs: []inspect.Addr{{Prefix: netip.MustParsePrefix("10.0.0.2/24")}}},
	}}
	if change != nil {
		change(&host, &box)
	}
	s := &inspect.Snapshot{
		Format: inspect.Format, Scope: inspect.NewScope(inspect.FactTasks|inspect.FactNetwork, nil), Host: inspect.Host{NSDev: 4},
		Namespaces: []inspect.Namespace{{ID: id(10), Type: inspect.Net}, {ID: id(20), Type: inspect.Net}},
		Networks:   []inspect.Network{host, box},
	}
	s.Host.Observer.NS[inspect.LinkNet] = id(10)
	return inspect.NewIndex(s)
}

func edges(t *graph.Topology, kind graph.EdgeKind) (out []graph.Edge) {
	for _, e := range t.Edges {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

func TestPeerNeedsBothEnds(t *testing.T) {
	one := int32(1)
	for _, tc := range []struct {
		name     string
		change   func(host, box *inspect.Network)
		oneSided []bool // of the edges
	}{
		{"both", nil, []bool{false}},
		{"other index", func(_, box *inspect.Network) { box.Interfaces[0].LinkIndex = 6 }, []bool{true, true}},
		{"other namespace", func(_, box *inspect.Network) { box.Interfaces[0].LinkNSID = &one }, []bool{true, true}},
		{"not a pair", func(_, box *inspect.Network) { box.Interfaces[0].Kind = "macvlan" }, []bool{true}},
		{"not there", func(_, box *inspect.Network) { box.Interfaces = nil }, []bool{true}},
		{"not read", func(_, box *inspect.Network) { box.Facts, box.Interfaces = nil, nil }, []bool{true}},
		{"number unknown", func(host, _ *inspect.Network) { host.NSIDs = nil }, []bool{true, true}},
	} {
		top := graph.NewTopology(netsnap(tc.change))
		var got []bool
		for _, e := range edges(top, graph.EdgePeer) {
			got = append(got, e.OneSided)
			if e.Evidence == "" {
				t.Errorf("%s: no evidence", tc.name)
			}
		}
		if !slices.Equal(got, tc.oneSided) {
			t.Errorf("%s: one-sided %v, want %v", tc.name, got, tc.oneSided)
		}
	}
}

func TestPublishedByRule(t *testing.T) {
	rule := func(exprs ...inspect.NFExpr) func(host, box *inspect.Network) {
		return func(host, _ *inspect.Network) {
			host.Ruleset = &inspect.Ruleset{Rules: []inspect.NFRule{{Family: inspect.NFIPv4, Table: "nat", Chain: "X", Handle: 9, Exprs: exprs}}}
		}
	}
	load := func(off, n uint32) inspect.NFExpr {
		base := "transport"
		if n != 2 {
			base = "network"
		}
		return inspect.NFExpr{Name: "payload", Base: base, Offset: off, Len: n, Dreg: 1}
	}
	is := func(op string, b ...byte) inspect.NFExpr {
		return inspect.NFExpr{Name: "cmp", Sreg: 1, Op: op, Data: b}
	}
	proto := inspect.NFExpr{Name: "meta", Key: "l4proto", Dreg: 1}
	to := func(reg uint32, b ...byte) inspect.NFExpr {
		return inspect.NFExpr{Name: "immediate", Dreg: reg, Data: b}
	}
	nat := func(regs ...uint32) inspect.NFExpr { return inspect.NFExpr{Name: "nat", Type: "dnat", Regs: regs} }
	for _, tc := range []struct {
		name  string
		exprs []inspect.NFExpr
		want  []string
	}{
		{"port", []inspect.NFExpr{proto, is("==", 6), load(2, 2), is("==", 0x1f, 0x90), to(1, 10, 0, 0, 2), to(2, 0, 80), nat(1, 0, 2, 0)}, []string{"8080→80/tcp"}},
		{"registers of four bytes", []inspect.NFExpr{proto, is("==", 17), load(2, 2), is("==", 0, 53), to(8, 10, 0, 0, 2), nat(1, 0, 0, 0)}, []string{"53→53/udp"}},
		{"address", []inspect.NFExpr{load(16, 4), is("==", 127, 0, 0, 1), load(2, 2), is("==", 0, 22), to(1, 10, 0, 0, 2), to(2, 0, 23), nat(1, 0, 2, 0)}, []string{"127.0.0.1:22→23/any"}},
		{"not that port", []inspect.NFExpr{load(2, 2), is("!=", 0, 22), to(1, 10, 0, 0, 2), nat(1, 0, 0, 0)}, []string{"any→any/any"}},
		{"an address that nobody has", []inspect.NFExpr{load(2, 2), is("==", 0, 22), to(1, 10, 0, 0, 3), nat(1, 0, 0, 0)}, nil},
		{"no address", []inspect.NFExpr{load(2, 2), is("==", 0, 22), nat(1, 0, 0, 0)}, nil},
		{"too few registers", []inspect.NFExpr{to(1, 10, 0, 0, 2), nat(1)}, nil},
	} {
		var got []string
		for _, e := range edges(graph.NewTopology(netsnap(rule(tc.exprs...))), graph.EdgePublish) {
			got = append(got, e.Label)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: published %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestNarrow(t *testing.T) {
	x := netsnap(func(host, box *inspect.Network) {
		zero, lo := int32(0), inspect.Interface{Index: 1, Name: "lo", Flags: inspect.FlagLoopback}
		host.Interfaces = append(host.Interfaces,
			inspect.Interface{Index: 7, Name: "other", Kind: "veth", LinkIndex: 8, LinkNSID: &zero, Master: 9},
			inspect.Interface{Index: 9, Name: "br0", Kind: "bridge"}, lo)
		host.Interfaces[0].Master = 9
		box.Interfaces = append(box.Interfaces, inspect.Interface{Index: 3, Name: "mv", Kind: "macvlan", LinkIndex: 2}, lo)
	})
	names := func(t *graph.Topology) (out []string) {
		for _, ns := range t.Namespaces {
			for _, i := range ns.Interfaces {
				out = append(out, i.Name)
			}
		}
		return out
	}
	top := graph.NewTopology(x)
	if got, want := names(top.Narrow("net:[20]/3")), []string{"veth5", "br0", "eth0", "mv"}; !slices.Equal(got, want) {
		t.Errorf("narrowed to mv: %v, want %v", got, want)
	}
	if got, want := names(top.Narrow(top.Named("veth5")...)), []string{"veth5", "br0", "eth0"}; !slices.Equal(got, want) {
		t.Errorf("narrowed to veth5: %v, want %v", got, want)
	}
	if got := top.Narrow("nothing"); len(got.Namespaces) != 0 || len(got.Edges) != 0 {
		t.Errorf("narrowed to nothing: %v", names(got))
	}
}

// snapOf makes a snapshot of bytes: six for an interface say in which network
// it is, its index, kind, link, the number that counts in, and master.
func snapOf(data []byte) *inspect.Snapshot {
	kinds := []string{"", "veth", "bridge", "macvlan", "vxlan", "vlan", "netkit", "tun"}
	s := &inspect.Snapshot{Format: inspect.Format, Host: inspect.Host{NSDev: 4}}
	s.Scope = inspect.NewScope(inspect.FactTasks|inspect.FactNetwork, nil)
	for n := range uint64(3) {
		id := inspect.ID{Dev: 4, Ino: 10 + n}
		s.Namespaces = append(s.Namespaces, inspect.Namespace{ID: id, Type: inspect.Net})
		net := inspect.Network{NS: id, Facts: inspect.FactNetwork.Names(), NSIDs: []inspect.NSID{{NSID: 0, NS: inspect.ID{Dev: 4, Ino: 10}}, {NSID: 1, NS: id}, {NSID: 2, Dark: 1}, {NSID: 3, Dark: 9}}}
		s.Networks = append(s.Networks, net)
	}
	s.Networks = append(s.Networks, inspect.Network{Dark: 1, Via: &inspect.Via{NS: inspect.ID{Dev: 4, Ino: 11}, NSID: 2}, Facts: inspect.FactNetwork.Names()})
	used := map[[2]byte]bool{}
	for ; len(data) >= 6; data = data[6:] {
		n, index := data[0]%4, data[1]%8+1
		if used[[2]byte{n, index}] {
			continue
		}
		used[[2]byte{n, index}] = true
		i := inspect.Interface{Index: int(index), Name: "x", Kind: kinds[data[2]%8], LinkIndex: int(data[3] % 9), Master: int(data[5] % 9), Lower: int(data[3] % 9)}
		if nsid := int32(data[4]%7) - 1; nsid < 5 {
			i.LinkNSID = &nsid
		}
		if i.Kind == "tun" {
			i.Tun = &inspect.Tun{Servers: []inspect.FD{{PID: int(data[3]), FD: 1}}}
		}
		s.Networks[n].Interfaces = append(s.Networks[n].Interfaces, i)
	}
	return s
}

// FuzzTopology: however interfaces point at each other, each is once in the
// topology and on a line of the tree; edges end at what there is; and what
// only narrows adds nothing.
func FuzzTopology(f *testing.F) {
	f.Add([]byte{0, 1, 1, 2, 1, 0, 1, 2, 1, 1, 0, 0})
	f.Add([]byte{0, 1, 2, 0, 0, 2, 0, 2, 2, 0, 0, 1, 0, 3, 3, 4, 6, 0, 0, 4, 3, 3, 6, 0})
	f.Add([]byte{3, 1, 1, 5, 4, 0, 2, 3, 4, 3, 2, 0, 1, 1, 7, 0, 0, 8})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := snapOf(data)
		x := inspect.NewIndex(s)
		top := graph.NewTopology(x)
		lines := map[*graph.Iface]bool{}
		for _, b := range top.Tree() {
			lines[b.Iface], lines[b.Peer] = true, true
		}
		have, keys := 0, map[string]bool{}
		for _, ns := range top.Namespaces {
			keys[ns.Key] = true
			for _, i := range ns.Interfaces {
				if keys[i.Key] {
					t.Fatalf("%s is there twice", i.Key)
				}
				keys[i.Key] = true
				if !i.Missing {
					have++
				}
				if !lines[i] {
					t.Fatalf("%s is on no line", i.Key)
				}
			}
		}
		for i := range s.Networks {
			have -= len(s.Networks[i].Interfaces)
		}
		if have != 0 {
			t.Fatalf("%d interfaces too many", have)
		}
		for _, s := range top.Servers {
			keys[s.Key] = true
		}
		for _, e := range top.Edges {
			if !keys[e.From] || !keys[e.To] || e.Evidence == "" {
				t.Fatalf("edge %+v", e)
			}
		}
		for _, e := range top.Narrow("net:[10]").Edges {
			if !slices.Contains(top.Edges, e) {
				t.Fatalf("narrowed to an edge that was not there: %+v", e)
			}
		}
		graph.Links(top)
		graph.Ports(x, top)
	})
}

// FuzzRuleText: a rule from a file is written in one line whatever is in it.
func FuzzRuleText(f *testing.F) {
	names := []string{"meta", "ct", "fib", "payload", "cmp", "range", "lookup", "bitwise", "immediate", "nat", "match", "target", "reject", "masq", "exthdr", "limit"}
	words := []string{
		"", "iifname", "state", "==", ">=", "<=", "!=", "network", "transport", "link", "dnat", "tcp", "udp", "conntrack", "addrtype", "comment", "DNAT", "REJECT", "type", "l4proto",
		"multiport", "mark", "connmark", "limit", "icmp", "icmp6", "iprange", "physdev", "owner", "pkttype", "rpfilter", "set", "state", "MARK", "CONNMARK", "LOG", "NFLOG", "CT", "TCPMSS", "REDIRECT", "SNAT",
	}
	f.Add([]byte{0, 1, 8, 1, 0, 4, 3, 0, 1, 9, 'l', 'o', 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		rule := inspect.NFRule{Family: inspect.NFInet, Table: "t", Chain: "c"}
		word := func(b byte) string { return words[int(b)%len(words)] }
		for ; len(data) >= 6; data = data[6:] {
			value := inspect.Bytes(data[6:min(len(data), 6+int(data[5]))])
			rule.Exprs = append(rule.Exprs, inspect.NFExpr{
				Name: names[int(data[0])%len(names)], Key: word(data[1]), Op: word(data[1]), Base: word(data[1]), Type: word(data[1]), Extension: word(data[1]),
				Dreg: uint32(data[2] % 24), Sreg: uint32(data[3] % 24), Offset: uint32(data[4]), Len: uint32(data[3]), Flags: uint32(data[4]), Revision: uint32(data[4] % 4),
				Code: uint32(data[4]), Data: value, To: value, Mask: value, Info: bytes.Repeat(value, 1+int(data[4]%60)), Set: "s", Regs: []uint32{1, 0, uint32(data[4] % 3), 0}[:data[4]%5],
			})
		}
		rs := &inspect.Ruleset{Rules: []inspect.NFRule{rule}, Sets: []inspect.NFSet{{Family: rule.Family, Table: "t", Name: "s", Flags: 1, Elements: []inspect.NFElement{{Key: inspect.Bytes{1}}, {Flags: 1}}}}}
		if text := graph.RuleText(rs, &rule); len(rule.Exprs) > 0 && strings.Contains(text, "%!") {
			t.Fatalf("%q", text)
		}
	})
}
