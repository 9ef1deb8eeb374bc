package doctor_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"

	"nsinspect/graph/doctor"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest/netlab"
)

// docker6Rules are those that Docker 27 writes for IPv6 on one bridge.
var docker6Rules = strings.NewReplacer("172.17.0.0/16", "fd00:17::/64", "172.17.0.2/32", "fd00:17::2/128", "127.0.0.0/8", "::1/128", "172.17.0.2:80", "[fd00:17::2]:80").Replace(netlab.DockerRules)

// six gives the host and its containers IPv6 too.
func (l *lab) six() {
	l.Host.Sysctl("net/ipv6/conf/all/forwarding", "1")
	for _, a := range []struct {
		ns        *netlab.NS
		addr, dev string
	}{{l.Outside, "2001:db8:1::1/64", "up0"}, {l.Host, "2001:db8:1::10/64", "ens3"}, {l.Host, "fd00:17::1/64", "docker0"}, {l.Web, "fd00:17::2/64", "eth0"}, {l.DB, "fd00:17::3/64", "eth0"}} {
		l.ip(a.ns, "address", "add", a.addr, "dev", a.dev, "nodad")
	}
	l.ip(l.Host, "-6", "route", "add", "default", "via", "2001:db8:1::1", "dev", "ens3")
	for _, n := range []*netlab.NS{l.Web, l.DB} {
		l.ip(n, "-6", "route", "add", "default", "via", "fd00:17::1", "dev", "eth0")
	}
	l.rules6(docker6Rules)
}

func (l *lab) rules6(text string) { l.Host.Run(text, l.Host.Tool("ip6tables")+"-restore") }

// typed has somebody type a command in a namespace, with the iptables that is
// to be used there.
func (l *lab) typed(n *netlab.NS, command string) {
	n.Run("", "sh", "-ec", strings.NewReplacer("ip6tables ", n.Tool("ip6tables")+" ", "iptables ", n.Tool("iptables")+" ").Replace(command))
}

func TestHealthySix(t *testing.T) {
	for _, l := range []*lab{newLab(t), newLegacyLab(t)} {
		l.six()
		l.silent("healthy with IPv6")
	}
}

// sixFaults are what breaks IPv6 alone.
var sixFaults = []fault{
	{
		name: "IPv6 forwarding off", check: "ip-forward", severity: doctor.Fault, object: bridge0,
		cause: "gateway of web, db, and forwarding is off for IPv6 packets", fix: "sysctl -w net.ipv6.conf.all.forwarding=1",
		do:   func(l *lab) { l.six(); l.Host.Sysctl("net/ipv6/conf/all/forwarding", "0") },
		undo: func(l *lab) { l.Host.Sysctl("net/ipv6/conf/all/forwarding", "1") },
	},
	{
		name: "IPv6 vpn route", check: "subnet-shadowed", severity: doctor.Fault, object: bridge0,
		cause: `route "fd00:17::/80 via 2001:db8:1::1 dev ens3" comes before`, fix: "ip -6 route add fd00:17::2/128 dev docker0",
		do: func(l *lab) { l.six(); l.typed(l.Host, "ip -6 route add fd00:17::/80 via 2001:db8:1::1") },
		undo: func(l *lab) {
			l.typed(l.Host, "ip -6 route add fd00:17::2/128 dev docker0; ip -6 route add fd00:17::3/128 dev docker0")
		},
	},
	{
		name: "IPv6 default route lost", check: "default-route", severity: doctor.Fault, object: "interface eth0 of db",
		cause: "no default route for IPv6", fix: "ip -6 route add default via fd00:17::1 dev eth0",
		do:   func(l *lab) { l.six(); l.ip(l.DB, "-6", "route", "del", "default") },
		undo: func(l *lab) { l.typed(l.DB, "ip -6 route add default via fd00:17::1 dev eth0") },
	},
	{
		name: "IPv6 rule", check: "policy-rule", severity: doctor.Fault, object: bridge0,
		cause: "finds \"default via 2001:db8:1::1 dev ens3\" before the main table", fix: "ip -6 rule add to fd00:17::/64 lookup main priority 99",
		do: func(l *lab) {
			l.six()
			l.typed(l.Host, "ip -6 route add default via 2001:db8:1::1 table 51; ip -6 rule add priority 100 lookup 51")
		},
		undo: func(l *lab) { l.typed(l.Host, "ip -6 rule add to fd00:17::/64 lookup main priority 99") },
	},
	{
		name: "IPv6 rules flushed", check: "forward-dropped", severity: doctor.Fault, object: bridge0,
		cause: "no rule lets IPv6 packets of web, db through", fix: "ip6tables -I FORWARD -i docker0 -o ens3 -j ACCEPT",
		do:   func(l *lab) { l.six(); l.typed(l.Host, "ip6tables -F FORWARD") },
		undo: func(l *lab) { l.rules6(docker6Rules) },
	},
	{
		name: "IPv6 masquerade lost", check: "masquerade", severity: doctor.Fault, object: bridge0,
		cause: "IPv6 packets of web, db leave through ens3 with their private addresses", fix: "ip6tables -t nat -A POSTROUTING -s fd00:17::/64 ! -o docker0 -j MASQUERADE",
		do: func(l *lab) { l.six(); l.typed(l.Host, "ip6tables -t nat -F POSTROUTING") },
		undo: func(l *lab) {
			l.typed(l.Host, "ip6tables -t nat -A POSTROUTING -s fd00:17::/64 ! -o docker0 -j MASQUERADE")
		},
	},
	{
		name: "Docker without ip6tables", check: "masquerade", severity: doctor.Warning, object: bridge0,
		cause: "unless something beyond translates them", fix: "ip6tables -t nat -A POSTROUTING",
		do: func(l *lab) {
			l.six()
			l.typed(l.Host, "ip6tables -F; ip6tables -P FORWARD ACCEPT; ip6tables -X; ip6tables -t nat -F; ip6tables -t nat -X")
		},
		undo: func(l *lab) {
			l.typed(l.Host, "ip6tables -t nat -A POSTROUTING -s fd00:17::/64 ! -o docker0 -j MASQUERADE")
		},
	},
	{
		name: "IPv6 bridge calls ip6tables", check: "bridge-nf", severity: doctor.Fault, object: bridge0,
		cause: "IPv6 packets that cross it pass ip6tables", fix: "ip6tables -I FORWARD -i docker0 -o docker0 -j ACCEPT",
		do: func(l *lab) {
			l.six()
			l.Host.Sysctl("net/bridge/bridge-nf-call-ip6tables", "1")
			l.typed(l.Host, "ip6tables -D FORWARD -i docker0 -o docker0 -j ACCEPT")
		},
		undo: func(l *lab) { l.typed(l.Host, "ip6tables -I FORWARD -i docker0 -o docker0 -j ACCEPT") },
	},
	{
		name: "bridge without IPv6 address", check: "bridge-address", severity: doctor.Fault, object: bridge0,
		cause: "fd00:17::1 is the default gateway of web, db, and nobody has it", fix: "ip address add fd00:17::1/64 dev docker0",
		do:   func(l *lab) { l.six(); l.typed(l.Host, "ip address del fd00:17::1/64 dev docker0") },
		undo: func(l *lab) { l.typed(l.Host, "ip address add fd00:17::1/64 dev docker0") },
	},
	{
		name: "IPv6 input blocked", check: "input-blocked", severity: doctor.Warning, object: "port [fd00:17::1]:5300/tcp",
		cause: "listens there for containers on docker0", fix: "ip6tables -I INPUT -i docker0 -d fd00:17::1 -p tcp --dport 5300 -j ACCEPT",
		do: func(l *lab) {
			l.six()
			l.listen(l.Host, "[fd00:17::1]:5300")
			l.typed(l.Host, "ip6tables -A INPUT -i docker0 -j DROP")
		},
		undo: func(l *lab) {
			l.typed(l.Host, "ip6tables -I INPUT -i docker0 -d fd00:17::1 -p tcp --dport 5300 -j ACCEPT")
		},
	},
	{
		name: "IPv6 stale dnat", check: "stale-dnat", severity: doctor.Fault, object: "port 8081→80/tcp",
		cause: "sends it to fd00:17::99, and nobody on bridge docker0", fix: "nft delete rule ip6 nat DOCKER handle ",
		do: func(l *lab) {
			l.six()
			l.typed(l.Host, "ip6tables -t nat -A DOCKER ! -i docker0 -p tcp --dport 8081 -j DNAT --to-destination [fd00:17::99]:80")
		},
		undo: func(l *lab) { l.rules6(docker6Rules) },
	},
	{
		name: "IPv6 address taken", check: "duplicate-v6", severity: doctor.Fault, object: "interface eth0 of db",
		cause: "the kernel does not use its address fd00:17::2, for eth0 of web has it too", fix: "ip address del fd00:17::2/64 dev eth0",
		do: func(l *lab) {
			l.six()
			l.DB.Sysctl("net/ipv6/conf/eth0/accept_dad", "1")
			l.typed(l.DB, "ip address add fd00:17::2/64 dev eth0")
		},
		undo: func(l *lab) { l.typed(l.DB, "ip address del fd00:17::2/64 dev eth0") },
	},
	{
		name: "IPv6 turned off in a container", check: "container-address", severity: doctor.Warning, object: "container web",
		cause: "its engine says that it has fd00:17::2 in network bridge, and none of its interfaces has: IPv6 is turned off in it",
		fix:   "sysctl -w net.ipv6.conf.all.disable_ipv6=0 && nsenter -t 1001 -n ip address add fd00:17::2/64 dev eth0 && nsenter -t 1001 -n ip -6 route add default via fd00:17::1 dev eth0",
		do: func(l *lab) {
			l.six()
			l.typed(l.Web, "sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
			l.adapt = func(s *inspect.Snapshot) { s.Containers[0].Networks[0].Addr6 = netip.MustParseAddr("fd00:17::2") }
		},
		undo: func(l *lab) {
			l.typed(l.Web, "sysctl -qw net.ipv6.conf.all.disable_ipv6=0; ip address add fd00:17::2/64 dev eth0; ip -6 route add default via fd00:17::1 dev eth0")
		},
	},
}

// dnsFaults are those of name resolution and of addresses.
var dnsFaults = []fault{
	{
		name: "the host's stub", check: "dns-loopback", severity: doctor.Fault, object: "name resolution of db",
		cause: "its /etc/resolv.conf names 127.0.0.53, and nobody listens there",
		do:    asking("127.0.0.53"),
		undo:  func(l *lab) { l.listenUDP(l.DB, "127.0.0.53:53") },
	},
	{
		name: "no name server", check: "dns-loopback", severity: doctor.Fault, object: "name resolution of db",
		cause: "names no name server, which stands for 127.0.0.1",
		do:    asking(),
		undo:  func(l *lab) { l.listenUDP(l.DB, "[::]:53") },
	},
	{
		name: "Docker is stopped", check: "dns-loopback", severity: doctor.Fault, object: "name resolution of db",
		cause: "names 127.0.0.11, and nobody listens there", fix: "systemctl start docker",
		do: func(l *lab) {
			asking("127.0.0.11")(l)
			l.typed(l.DB, "iptables -t nat -A OUTPUT -d 127.0.0.11 -p udp --dport 53 -j DNAT --to-destination 127.0.0.11:40053")
		},
		undo: func(l *lab) { l.listenUDP(l.DB, "127.0.0.11:40053") },
	},
	{
		name: "stub beside another", check: "dns-loopback", severity: doctor.Fault, object: "name resolution of db",
		cause: "names 127.0.0.53, ::1, and nobody listens there",
		do:    asking("127.0.0.53", "::1"),
		undo:  asking("127.0.0.53", "192.0.2.53"),
	},
	{
		name: "a mesh takes the question", check: "dns-loopback", severity: doctor.Fault, object: "name resolution of db",
		cause: "names 127.0.0.53",
		do:    asking("127.0.0.53"),
		undo: func(l *lab) {
			l.typed(l.DB, "iptables -t nat -A OUTPUT -p udp --dport 53 -j DNAT --to-destination 172.17.0.2:53")
		},
	},
	{
		name: "address lost", check: "container-address", severity: doctor.Fault, object: "container web",
		cause: "its engine says that it has 172.17.0.2 in network bridge, and none of its interfaces has",
		fix:   "nsenter -t 1001 -n ip address add 172.17.0.2/16 dev eth0 && nsenter -t 1001 -n ip route add default via 172.17.0.1 dev eth0",
		do: func(l *lab) {
			l.typed(l.Web, "ip address flush dev eth0")
		},
		undo: func(l *lab) {
			l.typed(l.Web, "ip address add 172.17.0.2/16 dev eth0; ip route add default via 172.17.0.1 dev eth0")
		},
	},
	{
		name: "gateway gone", check: "gateway-silent", severity: doctor.Warning, object: "default gateway 192.0.2.1",
		cause: "nobody answered when the kernel last asked for it on ens3",
		do: func(l *lab) {
			l.typed(l.Outside, "ip address flush dev up0")
			l.typed(l.Host, "sysctl -qw net.ipv4.neigh.ens3.retrans_time_ms=10; ip neigh flush dev ens3")
			l.poke(l.Host, "192.0.2.1:9")
		},
		undo: func(l *lab) {
			l.typed(l.Outside, "ip address add 192.0.2.1/24 dev up0")
			l.poke(l.Host, "192.0.2.1:9")
		},
	},
}

// asking has db's resolv.conf name these.
func asking(servers ...string) func(*lab) {
	return func(l *lab) {
		l.adapt = func(s *inspect.Snapshot) {
			s.Processes[2].NS[inspect.LinkMnt] = l.id(71)
			r := inspect.Resolver{NS: l.id(71)}
			for _, a := range servers {
				r.Nameservers = append(r.Nameservers, netip.MustParseAddr(a))
			}
			s.Resolvers = []inspect.Resolver{r}
		}
	}
}

// listenUDP has the test answer over UDP in a namespace.
func (l *lab) listenUDP(n *netlab.NS, at string) {
	n.Do(func() error {
		c, err := net.ListenPacket("udp", at)
		l.t.Cleanup(func() { c.Close() })
		return err
	})
}

// poke sends a packet over UDP from a namespace.
func (l *lab) poke(n *netlab.NS, to string) {
	n.Do(func() error {
		c, err := net.Dial("udp", to)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("x"))
		return err
	})
}
