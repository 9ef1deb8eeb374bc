package path_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/graph/path"
	"nsinspect/inspect/live/livetest/netlab"
)

// What surprises people on a Docker host, with real traffic.
func TestTraps(t *testing.T) {
	const (
		toItself = "iptables-nft -t nat -D DOCKER 1; iptables-nft -t nat -R DOCKER 1 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80; iptables-nft -t nat -F POSTROUTING"
		noProxy  = "iptables-nft -t nat -R OUTPUT 1 -m addrtype --dst-type LOCAL -j DOCKER; iptables-nft -t nat -I POSTROUTING -o docker0 -m addrtype --src-type LOCAL -j MASQUERADE"
		call     = "; sysctl -qw net.bridge.bridge-nf-call-iptables=1"
		noCall   = "; sysctl -qw net.bridge.bridge-nf-call-iptables=0 || true"
		twoHomed = "ip link add br1 type bridge; ip addr add 172.18.0.1/16 dev br1; ip link set br1 up; ip link add w1 type veth peer name w1c; ip link set w1 master br1 up"
		asOneNet = "iptables-nft -P FORWARD ACCEPT; iptables-nft -F FORWARD"
	)
	for _, tc := range []struct {
		name, script string // on the host
		serve        string // by the host
		from, to     string
		want         path.Disposition
		say          string // a part of the reason, or of a step
	}{
		{"what goes through lo is translated once", "true", "0.0.0.0:8080", "host", "127.0.0.1:8080", path.Accepted, "delivered: 127.0.0.1 → 127.0.0.1:8080"},
		{"masquerade of what goes through lo", "true", "", "host", "172.17.0.1:99", path.Accepted, "masquerade"},
		{"published port of the own bridge, not masqueraded", toItself + noCall, "", "c2", "192.0.2.10:8080", path.DeniedIn, "not what the sender"},
		{"published port of the own bridge", toItself + "; iptables-nft -t nat -A POSTROUTING -s 172.17.0.0/16 -d 172.17.0.2 -j MASQUERADE", "", "c2", "192.0.2.10:8080", path.Accepted, "masquerade"},
		{"own published port, on the bridge", toItself + call, "", "c1", "192.0.2.10:8080", path.DeniedOut, "hairpin"},
		{"own published port, on the bridge with hairpin", toItself + call + "; bridge link set dev veth1web hairpin on; iptables-nft -t nat -A POSTROUTING -s 172.17.0.2 -d 172.17.0.2 -j MASQUERADE", "", "c1", "192.0.2.10:8080", path.Accepted, "stays on it"},
		{"translated back on the bridge", toItself + call, "", "c2", "192.0.2.10:8080", path.Accepted, "translated back"},
		{"own published port", toItself + noCall + "; iptables-nft -t nat -A POSTROUTING -s 172.17.0.2 -d 172.17.0.2 -j MASQUERADE", "", "c1", "192.0.2.10:8080", path.Accepted, "masquerade"},
		{"localhost without proxy, nor route_localnet", noProxy, "", "host", "127.0.0.1:8080", path.DeniedOut, "route_localnet is off"},
		{"localhost without proxy", noProxy + "; sysctl -qw net.ipv4.conf.all.route_localnet=1", "", "host", "127.0.0.1:8080", path.Accepted, "becomes 127.0.0.1 → 172.17.0.2:80"},
		{"an address of the host that is on another interface", "ip addr add 203.0.113.9/32 dev lo", "203.0.113.9:7", "c1", "203.0.113.9:7", path.Accepted, "delivered"},
		{"UDP to the host's other address", "true", "0.0.0.0:7", "c1", "udp 192.0.2.10:7", path.Accepted, "delivered"},
		{"reverse path filter of nft passes", `nft 'table inet r { chain p { type filter hook prerouting priority 0; fib saddr . mark . iif oif missing drop; fib saddr oif 0 drop; }; }'`, "", "c1", "198.51.100.7:53", path.Accepted, "masquerade"},
		{"reverse path filter of nft drops", `nft 'table inet r { chain p { type filter hook prerouting priority 0; fib saddr . iif oif missing drop; }; }'; ip addr add 198.18.0.1/32 dev lo; ip route del 172.17.0.0/16; ip route add 172.17.0.2/32 via 192.0.2.1`, "", "c1", "172.17.0.1:99", path.DeniedIn, "fib saddr . iif oif"},
		{"reverse path filter of iptables drops", "iptables-nft -t raw -A PREROUTING -m rpfilter --invert -j DROP; ip route add 172.17.0.2/32 via 192.0.2.1", "", "c1", "172.17.0.1:99", path.DeniedIn, "rpfilter"},
		{"reverse path filter of iptables passes", "iptables-nft -t raw -A PREROUTING -m rpfilter --loose --invert -j DROP; iptables-nft -t raw -A PREROUTING -i docker0 -m rpfilter -j ACCEPT; iptables-nft -t raw -A PREROUTING -i docker0 -j DROP", "", "c1", "198.51.100.7:53", path.Accepted, "masquerade"},
		{"the port of a client is an ephemeral one", "iptables-nft -I INPUT -p tcp --dport 99 -i ens3 -j DROP; iptables-nft -I FORWARD -p tcp -m multiport --dports 1,99,5000:6000 -i ens3 -j DROP; iptables-nft -t raw -A PREROUTING -i ens3 -p tcp --dport 8080 -j CT --notrack", "", "c1", "198.51.100.7:53", path.Accepted, "masquerade"},
		{"not tracked, so that no answer is known", "iptables-nft -t raw -A PREROUTING -i docker0 -p tcp --dport 53 -j CT --notrack", "", "c1", "198.51.100.7:53", path.NoRoute, "172.17.0.2"},
		{"the answer takes another way", asOneNet + "; iptables-nft -I FORWARD -m conntrack --ctstate INVALID -j DROP; " + twoHomed, "", "c1", "172.17.0.3:80", path.Accepted, "bridge docker0"},
	} {
		inEach(t, tc.name, tc.script, func(t *testing.T, l *lab) {
			l.sh("host", tc.script)
			if tc.serve != "" {
				l.all["host"].Serve(tc.serve)
			}
			if r := l.agree(tc.from, tc.want, tc.to); !strings.Contains(r.Reason+steps(r), tc.say) {
				t.Errorf("%q does not say %q%s", r.Reason, tc.say, steps(r))
			}
		})
	}
}

// Macvlans hear each other in mode bridge, and never what they lie on.
func TestMacvlan(t *testing.T) {
	l := newLab(t)
	for name, addr := range map[string]string{"c3": "192.0.2.3/24", "c4": "192.0.2.4/24"} {
		l.all[name] = netlab.New(t)
		l.all["host"].Macvlan("m"+name, "ens3", false)
		l.all["host"].Move("m"+name, l.all[name])
		l.all[name].Addr("m"+name, addr)
		l.all[name].Serve(strings.TrimSuffix(addr, "/24") + ":80")
	}
	l.all["host"].Serve("192.0.2.10:80")
	for _, tc := range []struct {
		from, to string
		want     path.Disposition
	}{
		{"c3", "192.0.2.4:80", path.Accepted},
		{"c3", "192.0.2.1:53", path.Accepted},
		{"out", "192.0.2.4:80", path.Accepted},
		{"c3", "192.0.2.10:80", path.NeighborUnreachable},
		{"host", "192.0.2.3:80", path.NeighborUnreachable},
		{"out", "192.0.2.9:80", path.NeighborUnreachable},
	} {
		if r := l.agree(tc.from, tc.want, append([]string{tc.to}, likewise(tc.to)...)...); tc.want != path.Accepted && !strings.Contains(r.Reason, "192.0.2") {
			t.Errorf("%s to %s: %s", tc.from, tc.to, r.Reason)
		}
	}
	l.sh("c4", "ip link set mc4 type macvlan mode private")
	l.agree("c3", path.NeighborUnreachable, "192.0.2.4:80")
	l.agree("out", path.Accepted, "192.0.2.4:80")
}

// A vxlan is followed through what it sends through, in the namespace that it
// was made in.
func TestVxlan(t *testing.T) {
	l := newLab(t)
	l.sh("host", "ip link add vx0 type vxlan id 42 local 192.0.2.10 remote 192.0.2.1 dstport 4789; ip addr add 10.42.0.1/24 dev vx0; ip link set vx0 up")
	l.sh("out", "ip link add vx0 type vxlan id 42 dstport 4789; bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.0.2.10; ip addr add 10.42.0.2/24 dev vx0; ip link set vx0 up")
	l.all["out"].Serve("10.42.0.2:80")
	const to = "10.42.0.2:80"
	r := l.agree("host", path.Accepted, append([]string{to}, likewise(to)...)...)
	if !strings.Contains(steps(r), "vxlan vx0 (id 42) wraps it up for 192.0.2.1") || r.MTU != 1450 {
		t.Errorf("MTU %d%s", r.MTU, steps(r))
	}
	for _, tc := range []struct {
		ns, brk, repair string
		want            path.Disposition
	}{
		{"host", "iptables-nft -I OUTPUT -o ens3 -p udp --dport 4789 -j DROP", "iptables-nft -D OUTPUT 1", path.DeniedOut},
		{"host", "iptables-nft -I INPUT -i ens3 -p udp --dport 4789 -j DROP", "iptables-nft -D INPUT 1", path.DeniedIn},
		{"out", "ip link set vx0 down", "ip link set vx0 up", path.DeniedIn},
		{"host", "ip neigh flush dev vx0; bridge fdb del 00:00:00:00:00:00 dev vx0", "bridge fdb append 00:00:00:00:00:00 dev vx0 dst 192.0.2.1", path.NeighborUnreachable},
		{"host", "ip neigh flush dev vx0; bridge fdb show dev vx0 | grep -v 00:00:00:00:00:00 | cut -d' ' -f1 | xargs -rn1 bridge fdb del dev vx0; ip link set vx0 type vxlan remote 192.0.2.77", "ip link set vx0 type vxlan remote 192.0.2.1", path.NeighborUnreachable},
	} {
		l.sh(tc.ns, tc.brk)
		l.agree("host", tc.want, to)
		l.sh(tc.ns, tc.repair)
		l.all["host"].Await("tcp", to) // the neighbour is given up on for a while
		l.agree("host", path.Accepted, to)
	}
	l.sh("host", "ip addr flush dev vx0")
	l.all["host"].Move("vx0", l.all["c1"])
	l.all["c1"].Addr("vx0", "10.42.0.1/24")
	l.all["c1"].Await("tcp", to)
	l.agree("c1", path.Accepted, to)
}

// Who sends from outside matters only where a rule asks for it, and then it has
// to be said; the networks inside are not outside.
func TestOutside(t *testing.T) {
	l := newLab(t)
	l.sh("host", `iptables-nft -A INPUT -s 203.0.113.0/24 -p tcp --dport 22 -j DROP; iptables-nft -A INPUT -s 172.17.0.0/24 -p tcp --dport 23 -j DROP
		nft 'table ip f { set s { type ipv4_addr; flags interval; elements = { 172.17.0.0/24, 127.0.0.0/8 }; }; set b { type ipv4_addr; elements = { 203.0.113.9 }; };
			chain i { type filter hook input priority 10; ip saddr @s tcp dport 24 drop; ip saddr @b tcp dport 25 drop; tcp sport 1000 tcp dport 26 drop; }; }' `)
	x := l.index()
	for _, tc := range []struct {
		source string
		port   uint16
		want   path.Disposition
	}{
		{"", 21, path.Accepted},
		{"", 23, path.Accepted},
		{"", 24, path.Accepted},
		{"", 22, path.InsufficientInfo},
		{"", 25, path.InsufficientInfo},
		{"", 26, path.InsufficientInfo},
		{"203.0.113.9", 22, path.DeniedIn},
		{"203.0.113.9", 25, path.DeniedIn},
		{"192.0.2.1", 25, path.Accepted},
		{"192.0.2.1", 22, path.Accepted},
	} {
		o := path.Options{From: l.all["host"].ID, Outside: true, Routes: l.oracle}
		o.Packet, _, _ = packet(fmt.Sprintf("192.0.2.10:%d", tc.port))
		o.Packet.Src, _ = netip.ParseAddr(tc.source)
		r, err := path.Trace(x, graph.NewTopology(x), o)
		if err != nil {
			t.Fatal(err)
		}
		if r.Disposition != tc.want || tc.want == path.InsufficientInfo && !strings.Contains(r.Reason, "--source") {
			t.Errorf("from %q to port %d: %s (%s), want %s", tc.source, tc.port, r.Disposition, r.Reason, tc.want)
		}
	}
}
