package filter_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// verdicts checks answers: each line is a query, ":", the verdict and, where it
// matters, a part of the rule, of the reason or of where it is translated to.
// Rules of iptables alone have the same answers with each of its back ends.
func verdicts(t *testing.T, script, table string) {
	t.Helper()
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "ip") {
			check(t, rules(t, script), table)
			return
		}
	}
	for _, backend := range backends {
		t.Run(backend, func(t *testing.T) { check(t, rulesOf(t, backend, script), table) })
	}
}

func check(t *testing.T, n *inspect.Network, table string) {
	t.Helper()
	answer := regexp.MustCompile(`: *(accept|drop|reject|unknown)`)
	for line := range strings.Lines(table) {
		at := answer.FindStringIndex(line)
		if at == nil {
			continue
		}
		words, want := strings.TrimSpace(line[:at[0]]), strings.TrimSpace(line[at[0]+1:])
		q := query(t, words)
		r := filter.Run(n.Ruleset, q)
		verdict, part, _ := strings.Cut(strings.TrimSpace(want), " ")
		got := r.Reason + " " + r.Packet.Src.String() + " " + r.Packet.Dst.String()
		if r.Packet.DstPort != 0 {
			got += ":" + strconv.Itoa(int(r.Packet.DstPort))
		}
		if r.Rule != nil {
			got += " " + r.Rule.Chain + " " + r.Rule.Text
		}
		if string(r.Verdict) != verdict || !strings.Contains(got, part) {
			t.Errorf("%s: %s (%s), want %s", words, r.Verdict, got, want)
		}
	}
}

// forward is a table with one chain at the forward hook.
func forward(policy string, lines ...string) string {
	return "table inet t {\nchain other { tcp dport 81 drop; tcp dport 82 return; tcp dport 83 accept\n}\n" +
		"chain f { type filter hook forward priority 0; policy " + policy + ";\n" + strings.Join(lines, "\n") + "\n}\n}\n"
}

func TestNative(t *testing.T) {
	for _, tc := range []struct{ name, script, table string }{
		{"no rules", "", ":accept\nhook=input:accept"},
		{"policy", forward("drop"), ":drop policy drop\nhook=input:accept"},
		{
			"not", forward("accept", "tcp dport != 80 drop", `iifname != "eth0" drop`, "ip saddr != 10.0.0.0/8 drop"),
			":accept\ndport=81:drop dport\nin=eth1:drop iifname\nsrc=11.0.0.1:drop saddr",
		},
		{
			"names that begin so", forward("drop", `oifname "br-*" accept`, `iifname != "et*" accept`),
			":accept br-*\nout=brx:drop\nin=wlan0 out=x:accept !=\nin=et out=x:drop policy",
		},
		{
			"ranges", forward("drop", "tcp dport 8000-8010 accept", "tcp dport != 70-90 accept", "ip daddr 10.0.1.5-10.0.1.9 accept"),
			"dport=8000:accept\ndport=8010:accept\ndport=8011:accept !=\n:drop\ndport=91:accept\ndst=10.0.1.9:accept\ndst=10.0.1.10:drop",
		},
		{
			"states", forward("drop", "ct state established,related accept", "ct state invalid drop", "ct state new tcp dport 22 accept", "ct state != { new, invalid } accept"),
			":drop policy\nstate=established:accept established\nstate=related:accept\nstate=invalid:drop invalid\ndport=22:accept\nstate=untracked:accept !=",
		},
		{
			"reject", forward("accept", "tcp dport 80 reject with tcp reset", "udp dport 80 reject"),
			":reject TCP reset\nudp:reject ICMP\nping:accept",
		},
		{
			"sets", `table inet t {
set nets { type ipv4_addr; flags interval; elements = { 10.0.0.0/24, 10.0.2.0-10.0.2.9 }; }
			chain f { type filter hook forward priority 0; policy drop; ip saddr @nets tcp dport { 22, 80 } accept; tcp dport != { 22, 80, 443 } accept; }
}`,
			":accept\ndport=22:accept\ndport=443:drop\ndport=444:accept\nsrc=10.0.1.1:drop\nsrc=10.0.2.9:accept\nsrc=10.0.2.10:drop",
		},
		{
			"concatenations", `table inet t {
set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.9 . 80, 10.0.0.8 . 81 }; }
			set boxes { type ipv4_addr . inet_service; flags interval; elements = { 10.1.0.0/16 . 100-200, 10.2.0.0/16 . 80 }; }
			chain f { type filter hook forward priority 0; policy drop; ip saddr . tcp dport @pairs accept; ip saddr . tcp dport @boxes accept;
			iifname . oifname { "eth1" . "br-a" } accept; }
}`,
			":accept\ndport=81:drop\nsrc=10.0.0.8 dport=81:accept\nsrc=10.1.2.3 dport=150:accept\nsrc=10.1.2.3 dport=201:drop\nsrc=10.2.9.9:accept\nsrc=10.2.9.9 dport=79:drop\nin=eth1 dport=7:accept",
		},
		{
			"verdict maps", `table inet t {
chain web { tcp dport 80 accept; }
			chain f { type filter hook forward priority 0; policy drop; tcp dport vmap { 22 : drop, 80 : jump web, 90-99 : accept, 100 : goto web }; iifname vmap { "eth0" : continue, "eth1" : accept }; }
}`,
			":accept web\ndport=22:drop\ndport=95:accept\ndport=100:drop policy\ndport=7:drop\nin=eth1 dport=7:accept",
		},
		{
			"jump, return and goto", forward("drop", "jump other", "tcp dport 82 accept", "tcp dport 84 goto other", "tcp dport 84 accept"),
			"dport=81:drop other\ndport=82:accept f\ndport=83:accept other\ndport=84:drop policy",
		},
		{
			"marks", forward("drop", "tcp dport 80 meta mark set 0x11", "meta mark & 0xf0 == 0x10 accept", "meta mark 5-7 accept"),
			":accept\ndport=81:drop\ndport=81 mark=5:accept\ndport=81 mark=8:drop",
		},
		{"not known", forward("accept", "limit rate 1/second drop"), ":unknown rate"},
		{
			"not known does not matter", forward("drop", "limit rate 1/second drop", "limit rate 1/second log", "tcp dport 80 accept"),
			":unknown rate\ndport=81:drop",
		},
		{
			"not known, two ways to one end", forward("accept", "limit rate 1/second accept", "tcp sport 1024-65535 jump other", "tcp sport < 1024 jump other"),
			":accept\ndport=82:accept\ndport=81:unknown port",
		},
		{
			"may return", `table inet t {
			chain a { limit rate 1/second return; drop; }
			chain f { type filter hook forward priority 0; jump a; tcp dport 80 drop; }
			}`,
			":drop\ndport=81:unknown rate",
		},
		{"mark not known", forward("accept", "limit rate 1/second meta mark set 1", "meta mark 1 drop"), ":unknown mark"},
		{"two chains", `table inet a {
chain f { type filter hook forward priority 0; limit rate 1/second accept; drop; }
}
			table inet b {
chain f { type filter hook forward priority 1; tcp dport 80 drop; }
}`, ":drop dport 80\ndport=81:unknown rate"},
		{"dormant", `table inet t {
			flags dormant
			chain f { type filter hook forward priority 0; policy drop; }
			}`, ":accept"},
		{"source port", forward("accept", "tcp sport 22 drop"), ":unknown port\nsport=22:drop\nsport=23:accept\nudp:accept"},
		{"raw comes before tracking", `table inet t {
chain p { type filter hook prerouting priority -300; ct state new drop; tcp dport 53 notrack; }
			chain q { type filter hook prerouting priority 0; ct state untracked drop; }
}`, "hook=prerouting:accept\nhook=prerouting dport=53:drop untracked"},
		{"ICMP", forward("drop", "icmp type echo-request accept"), "ping:accept\n:drop"},
		{
			"IPv6", forward("drop", "ip6 saddr fd00::/64 ip6 daddr != fd01::/64 accept"),
			"src=fd00::1 dst=fd02::1:accept\nsrc=fd00::1 dst=fd01::1:drop\nsrc=fd03::1 dst=fd02::1:drop\n:drop",
		},
		{"fib", `table inet t {
			chain f { type filter hook prerouting priority 0; fib daddr type local accept; fib daddr type != unicast accept; drop; }
			}`, "hook=prerouting:drop\nhook=prerouting dst=192.0.2.1:accept"},
	} {
		t.Run(tc.name, func(t *testing.T) { verdicts(t, tc.script, tc.table) })
	}
}

func TestNativeTranslation(t *testing.T) {
	const script = `table ip t {
		map ports { type inet_service : ipv4_addr . inet_service; elements = { 9000 : 10.0.0.5 . 90 }; }
		chain p { type nat hook prerouting priority dstnat;
			fib daddr type local tcp dport 8080 dnat to 10.0.0.2:80
			tcp dport 8081 dnat to 10.0.0.3-10.0.0.4
			tcp dport 8082 redirect to :22
			dnat to tcp dport map { 8083 : 10.0.0.6 }
			dnat to tcp dport map @ports
			limit rate 1/second tcp dport 8084 dnat to 10.0.0.7
		}
		chain q { type nat hook postrouting priority srcnat;
			ip saddr 10.0.0.0/24 oifname != "br-a" masquerade
			ip saddr 10.1.0.0/24 snat to 192.0.2.7
		}
	}`
	verdicts(t, script, `
		hook=prerouting dst=192.0.2.1 dport=8080: accept 10.0.0.9 10.0.0.2:80
		hook=prerouting dport=8080: accept 10.0.0.9 10.0.0.1:8080
		hook=prerouting dport=8080 dst=192.0.2.1 state=established: accept 192.0.2.1:8080
		hook=prerouting dport=8081: unknown address
		hook=prerouting dport=8082: accept 192.0.2.1:22
		hook=prerouting dport=8083: accept 10.0.0.6:8083
		hook=prerouting dport=9000: accept 10.0.0.5:90
		hook=prerouting dport=8084: unknown rate
		hook=postrouting noin out=eth0: accept 192.0.2.1 10.0.0.1
		hook=postrouting noin: accept 10.0.0.9 10.0.0.1
		hook=postrouting noin src=10.1.0.9: accept 192.0.2.7 10.0.0.1`)
}
