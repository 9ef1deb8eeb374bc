package main

import (
	"bytes"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"nsinspect/inspect"
)

const networkFacts = inspect.FactNetwork | inspect.FactRoutes | inspect.FactNeighbors | inspect.FactNetConf |
	inspect.FactNetfilter | inspect.FactPorts | inspect.FactConnections | inspect.FactServers

// netBuilder makes the network of one namespace.
type netBuilder struct {
	*inspect.Network
}

// network adds the facts of a network namespace. The result is put into the
// snapshot by wire.
func newNet(id inspect.ID) *netBuilder {
	n := &netBuilder{&inspect.Network{NS: id, Facts: networkFacts.Names()}}
	n.link(inspect.Interface{Index: 1, Name: "lo", Type: 772, MTU: 65536, OperState: "UNKNOWN", Flags: inspect.FlagLoopback | 0x10041}, "127.0.0.1/8")
	n.Ruleset = &inspect.Ruleset{}
	return n
}

// link adds an interface, up where its flags are not set, with addresses.
func (n *netBuilder) link(i inspect.Interface, addrs ...string) *inspect.Interface {
	if i.Type == 0 {
		i.Type = 1
	}
	if i.Flags == 0 {
		i.Flags, i.Carrier = 0x11043, true
	}
	if i.OperState == "" {
		i.OperState = "UP"
	}
	if i.MTU == 0 {
		i.MTU = 1500
	}
	for _, a := range addrs {
		p := netip.MustParsePrefix(a)
		scope := "global"
		if p.Addr().IsLinkLocalUnicast() {
			scope = "link"
		} else if p.Addr().IsLoopback() {
			scope = "host"
		}
		i.Addrs = append(i.Addrs, inspect.Addr{Prefix: p, Scope: scope})
	}
	n.Interfaces = append(n.Interfaces, i)
	return &n.Interfaces[len(n.Interfaces)-1]
}

// veth adds an end of a pair: the other is index other in the namespace nsid.
func (n *netBuilder) veth(index int, name string, other int, nsid int32, master int, addrs ...string) *inspect.Interface {
	i := inspect.Interface{Index: index, Name: name, Kind: "veth", LinkIndex: other, LinkNSID: &nsid, Master: master}
	if nsid == noNSID {
		i.LinkNSID = nil
	}
	if master != 0 {
		i.Port = &inspect.BridgePort{State: "forwarding"}
	}
	return n.link(i, addrs...)
}

// noNSID stands for a peer in the same namespace.
const noNSID = -9

// route adds a default route.
func (n *netBuilder) route(via string, oif int) {
	n.Routes = append(n.Routes, inspect.Route{
		Family: inspect.FamilyIPv4, Table: 254, Dst: netip.MustParsePrefix("0.0.0.0/0"), Type: "unicast", Protocol: "static", Scope: "global",
		Hops: []inspect.Hop{{Via: netip.MustParseAddr(via), Oif: oif}},
	})
}

// knows says which number the namespace has for another.
func (n *netBuilder) knows(nsid int32, id inspect.ID) {
	n.NSIDs = append(n.NSIDs, inspect.NSID{NSID: nsid, NS: id})
}

// dnat adds a rule as iptables-nft has it.
func (n *netBuilder) dnat(handle uint64, proto byte, port uint16, to string, toPort uint16) {
	ip := netip.MustParseAddr(to).As4()
	be := func(p uint16) inspect.Bytes { return inspect.Bytes{byte(p >> 8), byte(p)} }
	n.Ruleset.Rules = append(n.Ruleset.Rules, inspect.NFRule{
		Family: inspect.NFIPv4, Table: "nat", Chain: "DOCKER", Handle: handle,
		Exprs: []inspect.NFExpr{
			{Name: "meta", Key: "l4proto", Dreg: 1},
			{Name: "cmp", Sreg: 1, Op: "==", Data: inspect.Bytes{proto}},
			{Name: "payload", Base: "transport", Offset: 2, Len: 2, Dreg: 1},
			{Name: "cmp", Sreg: 1, Op: "==", Data: be(port)},
			{Name: "immediate", Dreg: 1, Data: ip[:]},
			{Name: "immediate", Dreg: 2, Data: be(toPort)},
			{Name: "nat", Type: "dnat", Family: 2, Regs: []uint32{1, 0, 2, 0}},
		},
	})
}

// listen adds a socket.
func (n *netBuilder) listen(proto, addr string, uid uint32, pids ...int) {
	state := "LISTEN"
	if proto == "udp" {
		state = "UNCONN"
	}
	local := netip.MustParseAddrPort(addr)
	s := inspect.Socket{Protocol: proto, Family: inspect.FamilyIPv4, State: state, Local: local, UID: uid, Inode: uint64(100 + len(n.Sockets))}
	if local.Addr().Is6() {
		s.Family = inspect.FamilyIPv6
	}
	for k, pid := range pids {
		s.Holders = append(s.Holders, inspect.FD{PID: pid, FD: 3 + k})
	}
	n.Sockets = append(n.Sockets, s)
}

// wire puts the networks into the snapshot.
func (b *hostBuilder) wire(nets ...*netBuilder) *hostBuilder {
	facts, _ := b.s.Scope.Set()
	b.s.Scope = inspect.NewScope(facts|networkFacts, nil)
	for _, n := range nets {
		b.s.Networks = append(b.s.Networks, *n.Network)
	}
	return b
}

// file writes the host to a file.
func (b *hostBuilder) file(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	if err := inspect.Encode(&out, &b.s); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "host.json")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// wiredHost is a Docker host with all that a drawing can show: a network of
// its own, published ports, containers with another's network and without
// any, a macvlan, a vxlan away from its underlay, a tap with its server, a
// namespace that nothing visible holds, one of which only a number is known,
// and faults: a port that is not forwarding, an MTU that differs, a link that
// is down, a published port with nobody behind it.
func wiredHost() *hostBuilder {
	b := newHost("docker2")
	root := b.init.Of(inspect.User)
	b.observer(9120, 0, 1<<41-1, b.init)
	b.proc(431, 1, "dockerd", b.init)
	b.proc(777, 1, "qemu-system-x86", b.init)
	netns := map[string]inspect.ID{}
	contain := func(name, id string, pid int, comm string) *inspect.Container {
		netns[name] = b.ns(inspect.Net, root).ID
		links := b.enter(b.init, netns[name])
		c := b.container(name, id, pid)
		b.in(b.proc(pid, 431, comm, links), c, 1)
		return c
	}
	shop := func(c *inspect.Container, addr string) {
		c.NetworkMode = "shop_default"
		c.Networks = []inspect.ContainerNetwork{{Name: "shop_default", Addr: netip.MustParseAddr(addr)}}
	}
	web := contain("shop-web-1", "3f1e9b7a", 3037, "nginx")
	web.Labels = map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
	web.Ports = []inspect.PublishedPort{{HostIP: netip.IPv4Unspecified(), HostPort: 8080, Port: 80, Protocol: "tcp"}, {HostIP: netip.IPv6Unspecified(), HostPort: 8080, Port: 80, Protocol: "tcp"}}
	shop(web, "172.18.0.2")
	db := contain("shop-db-1", "77c0ffee", 3240, "postgres")
	db.Ports = []inspect.PublishedPort{{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: 5432, Port: 5432, Protocol: "tcp"}}
	shop(db, "172.18.0.3")
	contain("vpn", "f00d", 3300, "charon")
	alone := contain("batch", "ba7c4", 3350, "python3")
	alone.NetworkMode = "none"
	agent := b.container("node-exporter", "a11ce5ee", 3500)
	agent.NetworkMode = "host"
	b.in(b.proc(3500, 431, "node_exporter", b.init), agent)
	blue := b.ns(inspect.Net, root).ID
	b.s.Refs = append(b.s.Refs, inspect.Ref{NS: blue, Kind: inspect.RefMount, Path: "/run/netns/blue", Name: "blue"})
	locked := b.ns(inspect.Net, root).ID
	b.proc(4100, 1, "sleep", b.enter(b.init, locked))

	host := newNet(b.init.Of(inspect.Net))
	host.knows(0, netns["shop-web-1"])
	host.knows(1, netns["shop-db-1"])
	host.knows(2, blue)
	host.knows(3, netns["vpn"])
	host.knows(5, locked)
	host.NSIDs = append(host.NSIDs, inspect.NSID{NSID: 4, Dark: 1})
	slices.SortFunc(host.NSIDs, func(a, b inspect.NSID) int { return int(a.NSID - b.NSID) })
	host.link(inspect.Interface{Index: 2, Name: "ens3", Address: "52:54:00:12:34:56", AltNames: []string{"enp0s3"}}, "192.0.2.10/24", "2001:db8::10/64", "fe80::5054:ff:fe12:3456/64")
	host.link(inspect.Interface{Index: 3, Name: "docker0", Kind: "bridge", OperState: "DOWN", Flags: 0x1003, Bridge: &inspect.Bridge{}, Address: "02:42:00:00:00:01"}, "172.17.0.1/16")
	host.link(inspect.Interface{Index: 4, Name: "br-9a3b5c7d1e2f", Kind: "bridge", Bridge: &inspect.Bridge{}, Address: "02:42:00:00:00:02"}, "172.18.0.1/16")
	host.veth(7, "veth0ff72e6", 6, 0, 4)
	host.veth(9, "veth1a2b3c4", 6, 1, 4).Port.State = "blocking"
	host.veth(10, "veth-blue", 2, 2, 0, "10.9.0.1/30").MTU = 9000
	host.veth(11, "vethdark", 2, 4, 4)
	host.veth(12, "vethlost", 3, 17, 4)
	host.veth(13, "vethlocked", 8, 5, 4)
	host.link(inspect.Interface{
		Index: 14, Name: "tap0", Kind: "tun", Master: 4, Port: &inspect.BridgePort{State: "forwarding"},
		Tun: &inspect.Tun{Mode: "tap", Servers: []inspect.FD{{PID: 777, FD: 21}}},
	})
	host.veth(15, "in0", 16, noNSID, 0)
	host.veth(16, "in1", 15, noNSID, 0)
	host.route("192.0.2.1", 2)
	host.dnat(31, 6, 8080, "172.18.0.2", 80)
	host.listen("tcp", "0.0.0.0:22", 0, 1)
	host.listen("tcp", "0.0.0.0:8080", 0, 431)
	host.listen("tcp", "[::]:9100", 65534, 3500)

	front := newNet(netns["shop-web-1"])
	front.knows(0, host.NS)
	front.veth(6, "eth0", 7, 0, 0, "172.18.0.2/16").Address = "02:42:ac:12:00:02"
	front.route("172.18.0.1", 6)
	front.listen("tcp", "0.0.0.0:80", 101, 3037)
	back := newNet(netns["shop-db-1"])
	back.knows(0, host.NS)
	back.veth(6, "eth0", 9, 0, 0, "172.18.0.3/16").MTU = 1450
	back.listen("tcp", "127.0.0.1:5432", 999, 3240)
	tunnels := newNet(netns["vpn"])
	tunnels.knows(0, host.NS)
	up := int32(0)
	tunnels.link(inspect.Interface{Index: 2, Name: "mv0", Kind: "macvlan", Mode: "bridge", LinkIndex: 2, LinkNSID: &up}, "192.0.2.77/24")
	tunnels.link(inspect.Interface{
		Index: 3, Name: "vx42", Kind: "vxlan", LinkIndex: 3, LinkNSID: &up, Lower: 2, Remote: "198.51.100.7",
		Vxlan: &inspect.Vxlan{ID: 42, Port: 4789}, OperState: "DOWN", Flags: 0x1002, MTU: 1450,
	})
	tunnels.link(inspect.Interface{Index: 4, Name: "eth0.10", Kind: "vlan", LinkIndex: 2, VLAN: &inspect.VLAN{ID: 10, Protocol: "802.1Q"}})
	far := newNet(blue)
	far.knows(3, host.NS)
	far.veth(2, "uplink", 10, 3, 0, "10.9.0.2/30")
	far.Torn = true

	hidden := newNet(inspect.ID{})
	hidden.Dark, hidden.Via = 1, &inspect.Via{NS: host.NS, NSID: 4}
	hidden.Facts, hidden.Ruleset = inspect.FactNetwork.Names(), nil
	hidden.knows(9, host.NS)
	hidden.veth(2, "eth0", 11, 9, 0, "172.18.0.9/16").Address = "02:42:ac:12:00:09"

	b.s.Problems = append(b.s.Problems, inspect.Problem{
		Op: "enter network namespace", Path: "net:[4026532206]", Err: "operation not permitted", Hint: "run as root: sudo nsinspect …", Count: 1, Total: 7,
	})
	return b.wire(host, front, back, tunnels, newNet(netns["batch"]), far, hidden)
}

// snareHost has names that try to break a drawing, and links that no kernel
// has: loops, ends that do not agree, numbers that lead nowhere.
func snareHost() *hostBuilder {
	b := newHost("snare")
	root := b.init.Of(inspect.User)
	b.observer(900, 0, 1<<41-1, b.init)
	one := b.ns(inspect.Net, root).ID
	c := b.container("x\"];end\n%%{init: {}}%%", "bad2", 670)
	c.Labels = map[string]string{"com.docker.compose.service": "`a` <b>#quot;</b> ]]>"}
	b.in(b.proc(670, 1, "a", b.enter(b.init, one)), c)
	two := b.ns(inspect.Net, root).ID
	b.s.Refs = append(b.s.Refs, inspect.Ref{NS: two, Kind: inspect.RefMount, Path: "/run/netns/\x1b[2J", Name: "\x1b[2J"})

	host := newNet(b.init.Of(inspect.Net))
	host.knows(0, one)
	host.knows(1, two)
	host.link(inspect.Interface{Index: 2, Name: `"];x[`, Alias: "a\nb\r\x1b]0;pwn\x07 \"q\" ]]> --> end \\", Master: 3, AltNames: []string{"subgraph"}})
	host.link(inspect.Interface{Index: 3, Name: "end", Kind: "bridge", Master: 2}, "10.0.0.1/8") // a loop of masters
	host.link(inspect.Interface{Index: 4, Name: "\\N\\G\\", Kind: "macvlan", LinkIndex: 5})
	host.link(inspect.Interface{Index: 5, Name: "&lt;", Kind: "macvlan", LinkIndex: 4}) // a loop of parents
	host.link(inspect.Interface{Index: 6, Name: "self", Kind: "vlan", LinkIndex: 6})
	host.veth(7, "oneway", 2, 0, 0)
	host.veth(8, "nowhere", 9, 77, 99)
	host.veth(9, "ghost", 0, 0, 0)
	host.veth(10, "unborn", 4, -1, 0)
	host.veth(11, "twin", 2, 1, 0)
	host.veth(12, "twin2", 2, 1, 0)
	host.link(inspect.Interface{Index: 13, Name: "日本 -.-> <script>", Kind: "new\"kind", Address: "zz"})

	other := newNet(one)
	other.knows(0, host.NS)
	other.veth(2, "eth0", 8, 0, 0)
	third := newNet(two)
	third.knows(0, host.NS)
	third.veth(2, "eth0", 11, 0, 0)
	hidden := newNet(inspect.ID{})
	hidden.Dark, hidden.Ruleset = 1, nil // seen from nowhere
	hidden.veth(2, "eth0", 2, 5, 0)
	return b.wire(host, other, third, hidden)
}
