package path_test

import (
	"strings"
	"testing"

	"nsinspect/graph/path"
)

// The four flows of a Docker host, and a few more, with real traffic.
func TestFlows(t *testing.T) {
	for name, host := range labs {
		t.Run(name, func(t *testing.T) { flows(t, newLabOf(t, host)) })
	}
}

func flows(t *testing.T, l *lab) {
	l.sh("out", "ip route add 172.17.0.0/16 via 192.0.2.10")
	for _, tc := range []struct {
		from, to string
		want     path.Disposition
		step     string // a part of one of its steps
	}{
		{"c1", "198.51.100.7:53", path.Accepted, "masquerade: 172.17.0.2 → 198.51.100.7:53 becomes 192.0.2.10 → 198.51.100.7:53"},
		{"out", "172.17.0.2:22", path.DeniedIn, policyOf(l)},
		{"out", "192.0.2.10:8080", path.Accepted, "dnat: 192.0.2.1 → 192.0.2.10:8080 becomes 192.0.2.1 → 172.17.0.2:80"},
		{"c1", "172.17.0.3:80", path.Accepted, "bridge docker0 passes it on to port veth2db"},
		{"host", "192.0.2.10:8080", path.Accepted, "dnat"},
		{"host", "172.17.0.2:22", path.Accepted, "through bridge docker0"},
		{"c1", "172.17.0.1:99", path.Accepted, "delivered"},
		{"c1", "[fd08::8]:53", path.Accepted, "unicast ::/0 via fd17::1"},
		{"c1", "udp 198.51.100.7:53", path.Accepted, "masquerade"},
		{"c1", "icmp 198.51.100.7", path.Accepted, "masquerade"},
		{"c1", "icmp fd08::8", path.Accepted, "delivered"},
		{"c1", "udp [fd08::8]:53", path.Accepted, "delivered"},
		{"host", "icmp 172.17.0.1", path.Accepted, "through lo"},
	} {
		r := l.agree(tc.from, tc.want, tc.to)
		if !strings.Contains(steps(r), tc.step) {
			t.Errorf("%s to %s: no step %q in%s", tc.from, tc.to, tc.step, steps(r))
		}
		if r.MTU != 1500 && !strings.Contains(tc.step, "lo") {
			t.Errorf("%s to %s: MTU %d", tc.from, tc.to, r.MTU)
		}
	}
}

// policyOf is how the policy of FORWARD is told.
func policyOf(l *lab) string {
	if l.all["host"].Tool("") == "-legacy" {
		return "forward: iptables-legacy -t filter -S FORWARD: policy drop"
	}
	return "forward: ip filter FORWARD: policy drop"
}

// Each break stops a flow that went before; the verdict says so, for the right
// reason, and traffic agrees.
func TestBreaks(t *testing.T) {
	for _, tc := range []struct {
		name, from, to string
		ns, script     string
		want           path.Disposition
		reason         string
	}{
		{"forwarding is off", "c1", "198.51.100.7:53", "host", "sysctl -qw net.ipv4.ip_forward=0", path.DeniedIn, "ip_forward"},
		{"Docker's rules flushed", "c1", "198.51.100.7:53", "host", "iptables-nft -F FORWARD", path.DeniedIn, "policy drop"},
		{"no masquerade", "c1", "198.51.100.7:53", "host", "iptables-nft -t nat -D POSTROUTING 1", path.NoRoute, "the answer: no route to 172.17.0.2"},
		{"rejected", "c1", "198.51.100.7:53", "host", "iptables-nft -I DOCKER-USER -p tcp -m multiport --dports 50:60 -j REJECT", path.DeniedIn, "DOCKER-USER"},
		{"dropped on the way out", "c1", "198.51.100.7:53", "c1", "iptables-nft -A OUTPUT ! -d 172.17.0.0/16 -j DROP", path.DeniedOut, "OUTPUT"},
		{"dropped where it arrives", "c1", "172.17.0.1:99", "host", "iptables-nft -A INPUT -i docker+ -p tcp -j DROP", path.DeniedIn, "INPUT"},
		{"answers dropped", "c1", "198.51.100.7:53", "host", "iptables-nft -I FORWARD -i ens3 -m conntrack --ctstate ESTABLISHED -j DROP", path.DeniedIn, "the answer: forward"},
		{"no default route", "c1", "198.51.100.7:53", "c1", "ip route del default", path.NoRoute, "no route"},
		{"wrong default route", "c1", "198.51.100.7:53", "c1", "ip route replace default via 172.17.0.77", path.NeighborUnreachable, "172.17.0.77"},
		{"blackhole", "c1", "198.51.100.7:53", "host", "ip route add blackhole 198.51.100.7", path.NullRoute, "blackhole"},
		{"unreachable", "c1", "198.51.100.7:53", "host", "ip route add unreachable 198.51.100.7", path.NullRoute, "unreachable"},
		{"prohibited by a rule", "c1", "198.51.100.7:53", "host", "ip rule add from 172.17.0.2 prohibit", path.NullRoute, "prohibits"},
		{"rule leads elsewhere", "c1", "198.51.100.7:53", "host", "ip route add 198.51.100.7 dev docker0 table 77; ip rule add iif docker0 lookup 77", path.NeighborUnreachable, "198.51.100.7"},
		{"shadowed", "out", "192.0.2.10:8080", "host", "ip route add 172.17.0.2 via 192.0.2.1", path.DeniedIn, "policy drop"},
		{"strict rp_filter", "c1", "198.51.100.7:53", "host", "sysctl -qw net.ipv4.conf.docker0.rp_filter=1; ip route add 172.17.0.2 via 192.0.2.1", path.DeniedIn, "rp_filter"},
		{"DNAT to nobody", "out", "192.0.2.10:8080", "host", "iptables-nft -t nat -R DOCKER 2 ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.9:80; iptables-nft -I FORWARD -o docker0 -j ACCEPT", path.NeighborUnreachable, "172.17.0.9"},
		{"bridge without address", "c1", "198.51.100.7:53", "host", "ip addr del 172.17.0.1/16 dev docker0", path.NeighborUnreachable, "172.17.0.1"},
		{"veth down", "c1", "198.51.100.7:53", "host", "ip link set veth1web down", path.DeniedOut, "carrier"},
		{"bridge down", "c1", "198.51.100.7:53", "host", "ip link set docker0 down", path.DeniedIn, "down"},
		{"out of the bridge", "c1", "172.17.0.3:80", "host", "ip link set veth1web nomaster", path.NeighborUnreachable, "172.17.0.3"},
		{"port is blocking", "c1", "172.17.0.3:80", "host", "ip link set docker0 type bridge stp_state 1; ip link set veth2db nomaster; ip link set veth2db master docker0", path.DeniedIn, "listening"},
		{"isolated ports", "c1", "172.17.0.3:80", "host", "bridge link set dev veth1web isolated on; bridge link set dev veth2db isolated on", path.DeniedOut, "isolated"},
		{"nft drops", "c1", "198.51.100.7:53", "host", `nft 'table inet f { chain f { type filter hook forward priority 10; ip saddr . tcp dport { 172.17.0.2 . 53 } drop; }; }'`, path.DeniedIn, "inet f f"},
		{"rules of an interface", "c1", "198.51.100.7:53", "host", `nft 'table netdev f { chain i { type filter hook ingress device "veth1web" priority 0; ip daddr 198.51.100.7 drop; }; }'`, path.DeniedIn, "netdev f i"},
		{"rules of a bridge", "c1", "172.17.0.3:80", "host", `nft 'table bridge f { chain f { type filter hook forward priority 0; ip daddr 172.17.0.3 tcp dport 80 drop; }; }'`, path.DeniedIn, "bridge f f"},
		{"bridge-nf-call-iptables", "c1", "172.17.0.3:80", "host", "sysctl -qw net.bridge.bridge-nf-call-iptables=1; iptables-nft -I FORWARD -m physdev --physdev-in veth1web --physdev-is-bridged -j DROP", path.DeniedIn, "physdev"},
		{"IPv6 forwarding is off", "c1", "[fd08::8]:53", "host", "sysctl -qw net.ipv6.conf.all.forwarding=0", path.DeniedIn, "forwarding"},
		{"IPv6 is rejected", "c1", "[fd08::8]:53", "host", "ip6tables-nft -A FORWARD -s fd17::/64 -j REJECT", path.DeniedIn, "REJECT"},
		{"IPv6 without route", "c1", "[fd08::8]:53", "host", "ip -6 route del default", path.NoRoute, "no route"},
	} {
		inEach(t, tc.name, tc.script, func(t *testing.T, l *lab) {
			others := likewise(tc.to)
			if strings.HasSuffix(tc.to, ":8080") { // of which only TCP is published
				others = nil
			}
			l.agree(tc.from, path.Accepted, append(others, tc.to)...)
			l.sh(tc.ns, tc.script)
			if strings.Contains(tc.script, "tcp") {
				l.agree(tc.from, path.Accepted, others...)
				others = nil
			}
			if r := l.agree(tc.from, tc.want, append([]string{tc.to}, others...)...); !strings.Contains(r.Reason, tc.reason) && !strings.Contains(r.Reason, strings.ToLower(tc.reason)) {
				t.Errorf("reason %q does not say %q", r.Reason, tc.reason)
			}
		})
	}
}

// Packets that two routers send to each other for ever are seen, and the
// smallest MTU is found wherever it is.
func TestLoopAndMTU(t *testing.T) {
	l := newLab(t)
	l.sh("host", "ip link set ens3 mtu 1300")
	if r := l.agree("c1", path.Accepted, "198.51.100.7:53"); r.MTU != 1300 {
		t.Errorf("MTU %d, want 1300", r.MTU)
	}
	l.sh("host", "iptables-nft -t nat -F POSTROUTING; iptables-nft -I FORWARD -j ACCEPT")
	l.sh("out", "sysctl -qw net.ipv4.ip_forward=1; ip route add 9.9.9.9 via 192.0.2.10; ip route add 172.17.0.0/16 via 192.0.2.10")
	l.agree("c1", path.Loop, "9.9.9.9:53")
}

// An answer that goes astray is told as what it is: the answer.
func TestReport(t *testing.T) {
	l := newLab(t)
	l.sh("c2", "ip route add blackhole 172.17.0.2")
	r := l.agree("c1", path.NullRoute, "172.17.0.3:80")
	if r.Forward.Disposition != path.Accepted || r.Reply == nil || r.Reply.Disposition != path.NullRoute {
		t.Errorf("forward %s, reply %+v", r.Forward.Disposition, r.Reply)
	}
	l.sh("c2", "ip route del blackhole 172.17.0.2")
	if r := l.trace(l.index(), "c1", "172.17.0.3:81", true); r.Disposition != path.Accepted || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "nobody listens") {
		t.Errorf("no listener: %s, notes %q", r.Disposition, r.Notes)
	}
	if r := l.trace(l.index(), "c1", "172.17.0.3:80", true); len(r.Notes) != 0 {
		t.Errorf("with listener: notes %q", r.Notes)
	}
	l.sh("host", "ip route add 198.51.100.7 nexthop via 192.0.2.1 nexthop via 192.0.2.2")
	if r := l.trace(l.index(), "c1", "198.51.100.7:53", false); len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "2 next hops") {
		t.Errorf("several next hops: notes %q", r.Notes)
	}
}
