package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
)

// ruleset is what people write: filters, sets, maps, ranges, negations, NAT.
const ruleset = `
table inet filter {
	set admins { type ipv4_addr; flags interval; elements = { 192.0.2.0/24, 198.51.100.7 } }
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		ct state invalid drop
		iifname "lo" accept
		iifname "docker*" accept
		ip saddr @admins tcp dport 22 accept comment "people"
		ip saddr 10.0.0.0/8 drop
		ip6 saddr fd00::/8 accept
		ip daddr 224.0.0.0/4 counter packets 0 bytes 0 drop
		ip saddr != 192.0.2.1 udp dport 53 accept
		tcp dport { 80, 443 } accept
		tcp dport 8000-8080 accept
		tcp sport != 1024-65535 drop
		meta l4proto udp log prefix "udp: "
		tcp dport vmap { 25 : drop, 26 : accept, 27 : jump other }
		meta mark & 0x000000ff == 0x00000001 accept
		reject with icmpx admin-prohibited
	}
	chain other {
		ip protocol icmp accept
		tcp dport 113 reject with tcp reset
		return
	}
}
table ip nat {
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local tcp dport 8080 counter packets 0 bytes 0 dnat to 172.17.0.2:80
		ip daddr 192.0.2.7 dnat to 172.17.0.3
		tcp dport 9000-9010 redirect to :9000
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr 172.17.0.0/16 oifname != "docker0" counter packets 0 bytes 0 masquerade
		oifname "eth0" snat to 192.0.2.10
		oifname "eth1" snat to 192.0.2.20-192.0.2.30
	}
}
`

// iptablesRules are rules as iptables-nft writes them.
var iptablesRules = []string{
	"-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j ACCEPT",
	"-t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j ACCEPT",
	"-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
	"-t nat -A PREROUTING ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
	"-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
	"-A FORWARD -p udp -m udp --dport 100:200 -j DROP",
	"-A INPUT -p tcp -m tcp --sport 5 -j REJECT",
}

// TestRulesLikeNft compares the text of every rule with what nft(8) lists.
func TestRulesLikeNft(t *testing.T) {
	for _, tool := range []string{"nft", "iptables-nft"} {
		if _, err := exec.LookPath(tool); err != nil {
			livetest.Skip(t, tool+" (apt-get install nftables iptables)")
		}
	}
	n := netlab.New(t)
	cmd := exec.Command("nsenter", at(n), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(ruleset)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("nft: %v: %s", err, out)
	}
	compareRules(t, func(args ...string) string { return output(t, "nsenter", append([]string{at(n)}, args...)...) }, 25)
	output(t, "nsenter", at(n), "nft", "flush", "ruleset")
	for _, rule := range iptablesRules {
		output(t, "nsenter", append([]string{at(n), "iptables-nft"}, strings.Fields(rule)...)...)
	}
	compareRules(t, func(args ...string) string { return output(t, "nsenter", append([]string{at(n)}, args...)...) }, len(iptablesRules))
}

// compareRules compares in the namespace in which run runs.
func compareRules(t *testing.T, run func(...string) string, least int) {
	t.Helper()
	s, err := inspect.Decode(strings.NewReader(run(binary, "snapshot", "--no-containers")))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(s.Networks, func(n inspect.Network) bool { return n.NS == s.Host.Observer.NS.Of(inspect.Net) })
	rs := s.Networks[i].Ruleset
	have := map[string][]string{}
	for i := range rs.Rules {
		r := &rs.Rules[i]
		chain := fmt.Sprintf("%s %s %s", r.Family, r.Table, r.Chain)
		have[chain] = append(have[chain], graph.RuleText(rs, r))
	}
	want := listed(run("nft", "list", "ruleset"))
	total := 0
	for chain, rules := range want {
		total += len(rules)
		if !slices.Equal(have[chain], rules) {
			t.Errorf("chain %s:\n have %s\n want %s", chain, strings.Join(have[chain], "\n      "), strings.Join(rules, "\n      "))
		}
	}
	if total < least {
		t.Errorf("only %d rules were compared, want %d", total, least)
	}
}

// listed takes the list of nft apart: rules by chain. How many packets went
// through is another at each look.
func listed(text string) map[string][]string {
	counted := regexp.MustCompile(`counter packets \d+ bytes \d+`)
	rules := map[string][]string{}
	var table, chain string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "table "):
			table = strings.TrimSuffix(strings.TrimPrefix(line, "table "), " {")
		case strings.HasPrefix(line, "chain "):
			chain = strings.TrimSuffix(strings.TrimPrefix(line, "chain "), " {")
		case line == "}":
			chain = ""
		case chain == "" || line == "" || strings.HasPrefix(line, "type "):
		default:
			key := table + " " + chain
			rules[key] = append(rules[key], counted.ReplaceAllString(line, "counter packets 0 bytes 0"))
		}
	}
	return rules
}

// TestLegacyTables holds that the tables of the older iptables are those of
// the namespace that has them: all are read by the same threads.
func TestLegacyTables(t *testing.T) {
	if _, err := os.Stat("/proc/net/ip_tables_names"); err != nil {
		t.Skip("needs a kernel that has the older iptables loaded")
	}
	if _, err := exec.LookPath("iptables-legacy"); err != nil {
		livetest.Skip(t, "iptables-legacy (apt-get install iptables)")
	}
	with := map[uint64]bool{}
	var host *netlab.NS
	for i := range 6 {
		host = netlab.New(t)
		keep(t, host)
		with[host.ID.Ino] = i%2 == 0
		if i%2 == 0 {
			output(t, "nsenter", at(host), "iptables-legacy", "-t", "nat", "-L", "-n")
		}
	}
	s, err := inspect.Decode(strings.NewReader(output(t, "nsenter", at(host), binary, "snapshot", "--no-containers")))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, n := range s.Networks {
		want, ours := with[n.NS.Ino]
		if !ours {
			continue
		}
		found++
		if has := slices.Contains(n.Ruleset.Tables, inspect.NFTable{Family: inspect.NFIPv4, Name: "nat", Legacy: true}); has != want || len(n.Ruleset.Legacy) > 0 {
			t.Errorf("%s: tables %+v, not read %q, want nat: %t", n.NS, n.Ruleset.Tables, n.Ruleset.Legacy, want)
		}
	}
	if found != len(with) {
		t.Errorf("%d of %d namespaces read", found, len(with))
	}
}
