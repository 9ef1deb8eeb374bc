package filter_test

import (
	"fmt"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// The rules of iptables are told in words wherever they are understood, and
// what is not is said to be.
func TestWordsOfIptables(t *testing.T) {
	const table = `
-p tcp -m multiport --dports 22,50:60 -j DROP
	tcp dport { 22, 50-60 } drop
-p udp -m multiport ! --ports 1 -j LOG --log-prefix deny
	udp ports != { 1 } log prefix "deny"
-m conntrack --ctorigdstport 80 --ctdir ORIGINAL ! --ctstate NEW -j RETURN
	ct state != new ct original proto-dst 80 ct direction original return
-m conntrack --ctorigdst 192.0.2.0/24 ! --ctorigsrc 10.0.0.1 --ctstatus ASSURED -j RETURN
	ct original saddr != 10.0.0.1 ct original daddr 192.0.2.0/24 ct status assured return
-m connmark --mark 1/3 -j CONNMARK --restore-mark
	ct mark & 0x3 == 0x1 meta mark set ct mark
-p icmp -m icmp --icmp-type 8 -j REJECT --reject-with icmp-admin-prohibited
	icmp type echo-request reject with icmp admin-prohibited
-p icmp -m icmp ! --icmp-type 3/4 -j ACCEPT
	icmp type != destination-unreachable code 4 accept
-m iprange --src-range 10.0.0.5-10.0.0.9 ! --dst-range 10.0.0.1-10.0.0.2 -j DROP
	ip saddr 10.0.0.5-10.0.0.9 ip daddr != 10.0.0.1-10.0.0.2 drop
-m physdev --physdev-in veth1 ! --physdev-is-bridged -j DROP
	physdev in "veth1" ! is-bridged drop
-p tcp -m tcp --dport 5 --tcp-flags SYN,ACK SYN -j DROP
	tcp flags syn / syn,ack tcp dport 5 drop
-m pkttype ! --pkt-type broadcast -j DROP
	meta pkttype != broadcast drop
-j MARK --set-xmark 0x7/0xf
	meta mark set meta mark & 0xfffffff0 ^ 0x7
-p tcp -j TCPMSS --clamp-mss-to-pmtu --tcp-flags SYN,RST SYN
	tcp flags syn / syn,rst tcp option maxseg size set rt mtu
-m string --string x --algo bm -j DROP
	xt match "string" (N bytes not read) drop
-j NFQUEUE --queue-num 3
	queue to 3
-t nat -p tcp -j DNAT --to-destination 10.0.0.1-10.0.0.2:80-81
	dnat to 10.0.0.1-10.0.0.2:80-81
-t nat -p tcp -j REDIRECT --to-ports 22
	redirect to :22
-t raw -j CT --notrack
	notrack
`
	var script, want []string
	for line := range strings.Lines(strings.TrimSpace(table)) {
		if text, ok := strings.CutPrefix(strings.TrimRight(line, "\n"), "\t"); ok {
			want = append(want, text)
			continue
		}
		script = append(script, "iptables -A "+chainFor(line)+" "+strings.TrimSpace(line))
	}
	n := rules(t, strings.Join(script, "\n"))
	have := map[string]bool{}
	for i := range n.Ruleset.Rules {
		have[words(n.Ruleset, &n.Ruleset.Rules[i])] = true
	}
	for _, text := range want {
		if !have[text] {
			t.Errorf("no rule is told as %q", text)
		}
	}
	if t.Failed() {
		for text := range have {
			t.Logf("told: %s", text)
		}
	}
}

func chainFor(rule string) string {
	if strings.HasPrefix(rule, "-t") {
		return "PREROUTING"
	}
	return "FORWARD"
}

// words is the text of a rule without counters, without the protocol where
// nothing else names it, and with N for how much was not read.
func words(rs *inspect.Ruleset, r *inspect.NFRule) string {
	text := strings.ReplaceAll(graph.RuleText(rs, r), "counter packets 0 bytes 0 ", "")
	text = strings.ReplaceAll(text, "counter packets 0 bytes 0", "")
	for _, proto := range []string{"tcp", "udp", "icmp"} {
		text = strings.TrimPrefix(text, "meta l4proto "+proto+" ")
		text = strings.TrimPrefix(text, "ip protocol "+proto+" ")
	}
	for _, e := range r.Exprs {
		text = strings.ReplaceAll(text, fmt.Sprintf("(%d bytes", len(e.Info)), "(N bytes")
	}
	return strings.TrimSpace(text)
}
