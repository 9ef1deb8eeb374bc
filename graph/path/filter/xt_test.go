package filter_test

import (
	"strings"
	"testing"

	"nsinspect/graph/path/filter"
)

// lines makes rules of iptables for one chain: "-A FORWARD " is put before each.
func lines(rules ...string) string {
	return "iptables -A FORWARD " + strings.Join(rules, "\niptables -A FORWARD ")
}

// What iptables-nft writes, each match with its negation.
func TestIptables(t *testing.T) {
	for _, tc := range []struct{ name, script, table string }{
		{
			"addresses", lines("-s 10.0.0.0/24 ! -d 10.0.0.0/24 -j DROP", "! -s 10.0.0.0/8 -j REJECT"),
			":accept\ndst=10.0.1.1:drop\nsrc=11.0.0.1 dst=11.0.0.2:reject ICMP",
		},
		{
			"interfaces", lines("-i eth+ ! -o br-+ -j DROP", "! -i lo -o x -j REJECT --reject-with tcp-reset -p tcp"),
			":accept\nout=wlan0:drop\nin=a out=x:reject TCP reset\nin=lo out=x:accept\nudp in=a out=x:accept",
		},
		{
			"tcp", lines("-p tcp --dport 22 -j DROP", "-p tcp ! --dport 1:1023 -j DROP", "-p tcp --sport 7 -j REJECT", "-p tcp --dport 81 --syn -j DROP", "-p tcp --dport 82 ! --syn -j DROP"),
			"sport=1:accept\ndport=22:drop\ndport=1024:drop\nsport=7:reject\n:unknown port\nsport=1 dport=81:drop\nsport=1 dport=82:accept\nudp:accept",
		},
		{
			"udp", lines("-p udp --dport 50:59 -j DROP", "-p udp ! --sport 1024: --dport 60 -j DROP"),
			"udp dport=53:drop\nudp dport=60 sport=1024:accept\nudp dport=60 sport=1023:drop\ndport=53:accept",
		},
		{
			"conntrack", lines("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "-m conntrack --ctstate DNAT -j ACCEPT", "-m conntrack ! --ctstate NEW -j REJECT", "-m conntrack --ctproto 6 --ctorigdstport 80 -j DROP"),
			":drop\nstate=established:accept\nstate=related:accept\nstate=invalid:reject\nstate=untracked:reject\ndnat:accept\ndport=81:accept\nudp:accept",
		},
		{"state", lines("-m state --state INVALID,UNTRACKED -j DROP"), ":accept\nstate=invalid:drop\nstate=untracked:drop"},
		{
			"multiport", lines("-p tcp -m multiport --dports 22,80:90,443 -j DROP", "-p tcp -m multiport ! --dports 1:1000 -j DROP", "-p tcp -m multiport --ports 999 -j DROP"),
			"sport=1:drop\nsport=1 dport=90:drop\nsport=1 dport=91:accept\nsport=1 dport=443:drop\nsport=1 dport=1001:drop\nsport=999 dport=91:drop\ndport=91:unknown port",
		},
		{
			"iprange", lines("-m iprange --src-range 10.0.0.5-10.0.0.9 ! --dst-range 10.0.0.1-10.0.0.2 -j DROP"),
			":accept\ndst=10.0.0.3:drop\ndst=10.0.0.3 src=10.0.0.10:accept",
		},
		{"mark", lines("-m mark --mark 0x10/0xf0 -j DROP", "-m mark ! --mark 0 -j REJECT"), ":accept\nmark=17:drop\nmark=1:reject"},
		{"MARK", lines("-p tcp -j MARK --set-xmark 0x1/0x1", "-m mark --mark 3 -j DROP"), "mark=2:drop\nmark=4:accept"},
		{
			"addrtype", lines("-m addrtype --dst-type LOCAL -j DROP", "-m addrtype ! --src-type UNICAST -j REJECT"),
			":accept\ndst=192.0.2.1:drop\nsrc=192.0.2.1:reject",
		},
		{"physdev", lines("-m physdev --physdev-is-bridged -j DROP", "-m physdev ! --physdev-in veth1 -p udp -j REJECT"), ":accept\nphys:drop\nudp:reject"},
		{"physdev of a port", lines("-m physdev --physdev-in veth+ --physdev-out veth2 -j DROP", "-m physdev --physdev-out veth3 -j REJECT"), ":accept\nphys:drop"},
		{"owner", "iptables -A OUTPUT -m owner --uid-owner 7 -j DROP", "hook=output noin:unknown sends"},
		{"icmp", lines("-p icmp --icmp-type echo-request -j DROP", "-p icmp ! --icmp-type 3 -j REJECT"), "ping:drop\n:accept"},
		{"fragments", lines("-f -j DROP", "-p udp ! -f -j DROP"), ":accept\nudp:drop"},
		{"any interface", lines("! -i + -j DROP", "-o + -p udp -j DROP"), ":accept\nudp:drop"},
		{"comment and LOG", lines("-m comment --comment ok -j LOG --log-prefix x", "-m comment --comment no -j DROP"), ":drop no"},
		{"not read", lines("-p tcp -m string --string x --algo bm -j DROP"), ":unknown string\nudp:accept"},
		{"target not read", lines("-p tcp -j NFQUEUE --queue-num 1"), ":unknown\nudp:accept"},
		{"own chains", "iptables -N A\niptables -N B\niptables -A A -j B\niptables -A B -p tcp --dport 80 -j RETURN\niptables -A B -j DROP\n" + lines("-g A"), ":accept\ndport=81:drop"},
		{
			"IPv6", "ip6tables -A FORWARD -d fd00::/64 -p tcp ! --dport 80 -j REJECT --reject-with icmp6-adm-prohibited\nip6tables -P FORWARD DROP\nip6tables -A FORWARD -d fd00::1 -m conntrack --ctstate NEW -j ACCEPT",
			"src=fd01::1 dst=fd00::1:accept\nsrc=fd01::1 dst=fd00::1 dport=1:reject\nsrc=fd01::1 dst=fd02::1:drop\n:accept",
		},
	} {
		t.Run(tc.name, func(t *testing.T) { verdicts(t, tc.script, tc.table) })
	}
}

func TestIptablesTranslation(t *testing.T) {
	verdicts(t, `
		iptables -t nat -N DOCKER
		iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
		iptables -t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
		iptables -t nat -A DOCKER -i br-a -j RETURN
		iptables -t nat -A DOCKER ! -i br-a -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.0.0.2:80
		iptables -t nat -A PREROUTING -p tcp --dport 8081 -j DNAT --to-destination 10.0.0.2-10.0.0.3
		iptables -t nat -A PREROUTING -p tcp --dport 8082 -j REDIRECT --to-ports 22
		iptables -t nat -A POSTROUTING -s 10.0.0.0/24 ! -o br-a -j MASQUERADE
		iptables -t nat -A POSTROUTING -s 10.1.0.0/24 -j SNAT --to-source 192.0.2.7
		ip6tables -t nat -A PREROUTING -p tcp --dport 8080 -j DNAT --to-destination [fd00::2]:80`, `
		hook=prerouting dst=192.0.2.1 dport=8080: accept 10.0.0.9 10.0.0.2:80
		hook=prerouting dst=192.0.2.1 dport=8080 in=br-a: accept 192.0.2.1:8080
		hook=prerouting dst=192.0.2.1 dport=8080 state=established: accept 192.0.2.1:8080
		hook=prerouting dport=8080: accept 10.0.0.1:8080
		hook=output noin dst=192.0.2.1 dport=8080: accept 10.0.0.2:80
		hook=output noin dst=127.0.0.1 dport=8080: accept 127.0.0.1:8080
		hook=prerouting dport=8081: unknown address
		hook=prerouting dport=8082: accept 192.0.2.1:22
		hook=postrouting noin out=eth0: accept 192.0.2.1 10.0.0.1
		hook=postrouting noin: accept 10.0.0.9 10.0.0.1
		hook=postrouting noin src=10.1.0.9: accept 192.0.2.7
		hook=prerouting src=fd01::1 dst=fd00::1 dport=8080: accept fd01::1 fd00::2:80`)
}

// Rules that were not read, and tables that cannot be, are not taken for none.
func TestNotRead(t *testing.T) {
	if r := filter.Run(nil, query(t, "")); r.Verdict != filter.Unknown || r.Reason == "" {
		t.Errorf("no ruleset: %+v", r)
	}
	n := rules(t, "iptables -A FORWARD -p tcp --dport 22 -j DROP")
	n.Ruleset.Legacy = []string{"ip: nat filter", "ip6: filter"}
	for words, want := range map[string]filter.Verdict{
		"": filter.Unknown, "dport=22": filter.Drop, "hook=prerouting": filter.Unknown, "src=fd00::1 dst=fd00::2 hook=prerouting": filter.Accept,
	} {
		if r := filter.Run(n.Ruleset, query(t, words)); r.Verdict != want {
			t.Errorf("%q with legacy tables: %s, want %s", words, r.Verdict, want)
		}
	}
}
