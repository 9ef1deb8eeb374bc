package filter_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// Both kinds of rules in one namespace: each packet passes both. Of chains with
// the same priority it is not known which runs first, also where both are of
// nf_tables.
func TestBothKinds(t *testing.T) {
	for _, tc := range []struct{ name, script, table string }{
		{
			"either drops", "iptables-legacy -A FORWARD -p tcp --dport 22 -j DROP\niptables-nft -A FORWARD -p tcp --dport 23 -j DROP",
			":accept\ndport=22:drop dport 22\ndport=23:drop dport 23",
		},
		{"both stop", "iptables-legacy -A FORWARD -j DROP\niptables-nft -A FORWARD -j REJECT", ":drop"},
		{"policies", "iptables-legacy -P FORWARD DROP\niptables-nft -A FORWARD -j ACCEPT", ":drop policy drop"},
		{"chains of one name", "iptables-legacy -N A\niptables-nft -N A\niptables-legacy -A A -j DROP\niptables-nft -A A -p tcp --dport 80 -j ACCEPT\niptables-nft -A FORWARD -j A", ":accept\ndport=81:accept"},
		{
			"different priorities", "iptables-legacy -t mangle -A FORWARD -j MARK --set-mark 5\niptables-nft -A FORWARD -m mark --mark 5 -j DROP",
			":drop mark",
		},
		{
			"equal priorities", "iptables-legacy -A FORWARD -j MARK --set-mark 5\niptables-nft -A FORWARD -m mark --mark 5 -j DROP",
			":unknown which runs first is not known\nmark=5:drop",
		},
		{
			"equal translation", "iptables-legacy -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.2\niptables-nft -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.2",
			"hook=prerouting:accept 10.0.0.2:80\nhook=prerouting dport=81:accept 10.0.0.1:81",
		},
		{
			"other translation", "iptables-legacy -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.2\niptables-nft -t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.0.0.3",
			"hook=prerouting:unknown which runs first is not known\nhook=prerouting dport=81:accept",
		},
		{
			"among several", "iptables-legacy -A FORWARD -m mark --mark 1 -j MARK --set-mark 2\nadd table inet a\nadd chain inet a f { type filter hook forward priority 0; }\nadd rule inet a f meta mark set 1\n" +
				"add table inet b\nadd chain inet b f { type filter hook forward priority 0; }\nadd rule inet b f meta mark 2 drop",
			":unknown which runs first is not known",
		},
		{
			"two of nf_tables", "add table ip a\nadd table ip b\nadd chain ip a p { type nat hook prerouting priority -100; }\nadd chain ip b p { type nat hook prerouting priority -100; }\n" +
				"add rule ip a p tcp dport 80 dnat to 10.0.0.2\nadd rule ip b p tcp dport 80-81 dnat to 10.0.0.3",
			"hook=prerouting:unknown ip b p and ip a p have the same priority\nhook=prerouting dport=81:accept 10.0.0.3:81",
		},
		{
			"three of nf_tables", "add table inet t\nadd chain inet t a { type filter hook forward priority 0; }\nadd chain inet t b { type filter hook forward priority 0; }\nadd chain inet t c { type filter hook forward priority 0; }\n" +
				"add rule inet t b meta mark set 1\nadd rule inet t a meta mark 1 meta mark set 2\nadd rule inet t c meta mark 2 drop",
			":unknown which runs first\nmark=2:unknown which runs first",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rulesOf(t, "legacy", "") // skips where there are none
			check(t, rules(t, tc.script), tc.table)
		})
	}
}

// More chains than nf_tables would follow, one within the other, and the place
// of a rule that decides.
func TestLegacyDepth(t *testing.T) {
	var b strings.Builder
	for i := range 30 {
		fmt.Fprintf(&b, "iptables -N C%d\n", i)
	}
	for i := range 29 {
		fmt.Fprintf(&b, "iptables -A C%d -j C%d\n", i, i+1)
	}
	b.WriteString("iptables -A C29 -p udp -j ACCEPT\niptables -A C29 -p tcp --dport 80 -j DROP\niptables -A FORWARD -j C0")
	r := filter.Run(rulesOf(t, "legacy", b.String()).Ruleset, query(t, ""))
	if r.Verdict != filter.Drop || r.Rule.Place().String() != "iptables-legacy -t filter -S C29 2" {
		t.Errorf("%s by %+v: %s", r.Verdict, r.Rule, r.Reason)
	}
	if want := []string{"ip filter FORWARD (legacy)"}; !slices.Contains(r.Chains, want[0]) {
		t.Errorf("chains %q, want %q", r.Chains, want)
	}
}

// The same rule is the same in either back end, but for matches that nf_tables
// does itself.
func TestSameRules(t *testing.T) {
	script := strings.Join([]string{
		"iptables -N TO",
		"iptables -A FORWARD -i eth+ ! -o br-a -s 10.0.0.0/8 ! -d 10.1.2.3 -j DROP",
		"iptables -A FORWARD ! -i lo -o + ! -p tcp -s 10.0.0.0/255.0.255.0 -j TO",
		"iptables -A FORWARD -f -j ACCEPT",
		"iptables -A FORWARD ! -f -p 47 -g TO",
		"iptables -A FORWARD -p tcp -m multiport ! --dports 1,2:3 -m addrtype --dst-type LOCAL --limit-iface-in -j REJECT --reject-with tcp-reset",
		"iptables -A TO -m iprange --src-range 10.0.0.1-10.0.0.9 -m ttl --ttl-lt 3 -m statistic --mode nth --every 3 --packet 0 -j RETURN",
		"iptables -A TO -m physdev --physdev-is-bridged -m length --length 0:10 -m dscp --dscp 1",
		"iptables -t nat -A PREROUTING -p tcp -j DNAT --to-destination 10.0.0.2-10.0.0.9:80-90",
		"iptables -t raw -A PREROUTING -p udp -j CT --notrack",
		"iptables -t mangle -A PREROUTING -j CONNMARK --restore-mark",
		"iptables -P FORWARD DROP",
		"ip6tables -A FORWARD -s fd00::/10 ! -d fd00::1 -p udp -m multiport --sports 5 -j DROP",
		"ip6tables -A FORWARD ! -s ::1 -m rt --rt-type 0 -j REJECT --reject-with icmp6-addr-unreachable",
	}, "\n")
	have, want := rulesOf(t, "legacy", script).Ruleset, rulesOf(t, "nft", script).Ruleset
	for i := range want.Rules {
		w := &want.Rules[i]
		n := 0
		var h *inspect.NFRule
		for j := range want.Rules[:i+1] {
			if o := &want.Rules[j]; o.Family == w.Family && o.Table == w.Table && o.Chain == w.Chain {
				n++
			}
		}
		for j := range have.Rules {
			if o := &have.Rules[j]; o.Family == w.Family && o.Table == w.Table && o.Chain == w.Chain && o.Handle == uint64(n) {
				h = o
			}
		}
		if h == nil {
			t.Errorf("no rule %d of %s %s %s", n, w.Family, w.Table, w.Chain)
			continue
		}
		if a, b := graph.RuleText(have, h), graph.RuleText(want, w); a != b {
			t.Errorf("rule %d of %s:\n have %s\n want %s", n, w.Chain, a, b)
		}
		// What a match or target has beyond the structure is not defined.
		for _, x := range w.Exprs {
			if x.Extension != "" && !slices.ContainsFunc(h.Exprs, func(o inspect.NFExpr) bool {
				return o.Extension == x.Extension && o.Revision == x.Revision && bytes.Equal(o.Info, x.Info)
			}) {
				t.Errorf("rule %d of %s: %s %x is not in %+v", n, w.Chain, x.Extension, x.Info, h.Exprs)
			}
		}
	}
	if len(have.Rules) != len(want.Rules) || len(have.Rules) != 12 {
		t.Errorf("%d rules, want %d of 12", len(have.Rules), len(want.Rules))
	}
	for _, w := range want.Chains {
		if !slices.ContainsFunc(have.Chains, func(h inspect.NFChain) bool {
			return h.Family == w.Family && h.Table == w.Table && h.Name == w.Name && h.Type == w.Type && h.Hook == w.Hook && h.Priority == w.Priority && h.Policy == w.Policy
		}) {
			t.Errorf("no chain %+v in %+v", w, have.Chains)
		}
	}
}
