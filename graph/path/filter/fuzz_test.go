package filter_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// rulesetOf makes a ruleset of bytes: six for an expression, of three chains
// that may jump to each other.
func rulesetOf(data []byte) *inspect.Ruleset {
	names := []string{"meta", "ct", "fib", "payload", "cmp", "range", "lookup", "bitwise", "byteorder", "immediate", "nat", "masq", "redir", "match", "target", "reject", "limit", "exthdr"}
	words := []string{
		"", "iifname", "mark", "state", "l4proto", "==", ">=", "!=", "network", "transport", "dnat", "tcp", "conntrack", "addrtype", "multiport", "iprange", "DNAT", "REJECT", "MARK", "physdev", "owner", "icmp", "type", "proto-dst",
		"saddr", "daddr", "udp", "rpfilter", "recent", "connmark", "CONNMARK", "SNAT", "MASQUERADE", "REDIRECT", "CT", "oif", "status", "skuid", "snat",
	}
	chains := []string{"a", "b", "c"}
	rs := &inspect.Ruleset{Tables: []inspect.NFTable{{Family: inspect.NFIPv4, Name: "t"}}}
	for i, name := range chains {
		c := inspect.NFChain{Family: inspect.NFIPv4, Table: "t", Name: name}
		if i == 0 {
			c.Hook, c.Type, c.Policy = "forward", "filter", "accept"
		}
		rs.Chains = append(rs.Chains, c)
	}
	key := inspect.Bytes{10, 0, 0, 1}
	rs.Sets = []inspect.NFSet{
		{Family: inspect.NFIPv4, Table: "t", Name: "a", Flags: 4, KeyLen: 4, KeyType: 7, Elements: []inspect.NFElement{{Key: key}, {Key: inspect.Bytes{11, 0}, Flags: 1}}},
		{Family: inspect.NFIPv4, Table: "t", Name: "b", Flags: 8, KeyLen: 1 << 30, DataType: 1, Elements: []inspect.NFElement{{Key: key, Verdict: &inspect.NFVerdict{Code: "jump", Chain: "c"}}}},
		{Family: inspect.NFIPv4, Table: "t", Name: "c", Flags: 0x84, KeyLen: 8, KeyType: 7<<6 | 13, Elements: []inspect.NFElement{{Key: key, KeyEnd: key}}},
	}
	rule := inspect.NFRule{Family: inspect.NFIPv4, Table: "t", Chain: "a"}
	for ; len(data) >= 6; data = data[6:] {
		word := words[int(data[1])%len(words)]
		value := inspect.Bytes(data[6:min(len(data), 6+int(data[5]))])
		e := inspect.NFExpr{
			Name: names[int(data[0])%len(names)], Key: word, Op: word, Base: word, Type: word, Extension: word, Set: chains[int(data[4])%3],
			Dreg: uint32(data[2] % 25), Sreg: uint32(data[3] % 25), Offset: uint32(data[4]), Len: uint32(data[3]) << (data[4] % 24), Flags: uint32(data[4] % 3),
			Revision: uint32(data[4] % 4), Data: value, To: value, Mask: value, Info: bytes.Repeat(value, 1+int(data[4]%60)), Regs: []uint32{1, 0, uint32(data[4] % 25), 0}[:data[4]%5],
		}
		if e.Name == "payload" && data[1]%2 == 0 { // an address or a port
			at := [...][3]uint32{{0, 12, 4}, {0, 16, 4}, {0, 12, 2}, {1, 0, 2}, {1, 2, 2}}[int(data[4])%5]
			e.Base, e.Offset, e.Len = []string{"network", "transport"}[at[0]], at[1], at[2]
		}
		if e.Name == "immediate" && data[3]%2 == 0 {
			e.Verdict = &inspect.NFVerdict{Code: []string{"accept", "drop", "jump", "goto", "return", "queue", "x"}[int(data[4])%7], Chain: chains[int(data[2])%3]}
		}
		if rule.Exprs = append(rule.Exprs, e); data[2]%3 == 0 {
			rs.Rules = append(rs.Rules, rule)
			rule = inspect.NFRule{Family: inspect.NFIPv4, Table: "t", Chain: chains[int(data[4])%3], Handle: uint64(len(rs.Rules))}
		}
	}
	rs.Rules = append(rs.Rules, rule)
	if len(data)%2 == 1 { // as if it were of the older iptables, and of both
		for i := range rs.Rules {
			rs.Rules[i].Legacy = i%3 != 0
		}
		for _, c := range rs.Chains {
			c.Legacy = true
			rs.Chains = append(rs.Chains, c)
		}
	}
	return rs
}

// FuzzRun: whatever a file has for rules, there is an answer, the same each
// time, and one that is not known has a reason.
func FuzzRun(f *testing.F) {
	f.Add([]byte{3, 8, 9, 1, 16, 4, 10, 0, 0, 1, 4, 5, 0, 9, 0, 4, 10, 0, 0, 1})
	f.Add([]byte{16, 0, 0, 0, 0, 0, 9, 0, 3, 2, 1, 0})
	f.Add([]byte{9, 0, 0, 2, 2, 0, 9, 0, 0, 2, 2, 0, 9, 0, 0, 2, 2, 0, 1})
	f.Add([]byte{9, 0, 0, 2, 2, 0, 9, 0, 0, 2, 2, 0, 9, 0, 0, 2, 2, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		rs := rulesetOf(data)
		q := query(&testing.T{}, "")
		r := filter.Run(rs, q)
		switch r.Verdict {
		case filter.Accept, filter.Drop, filter.Reject:
		case filter.Unknown:
			if r.Reason == "" {
				t.Fatalf("unknown without reason: %+v", r)
			}
		default:
			t.Fatalf("verdict %q", r.Verdict)
		}
		if again := filter.Run(rs, q); !reflect.DeepEqual(r, again) {
			t.Fatalf("%+v, then %+v", r, again)
		}
	})
}

// forget takes away what is known of a packet and its surroundings, a bit of
// what for each.
func forget(q filter.Query, what byte) filter.Query {
	for i, f := range []func(){
		func() { q.Packet.SrcPort, q.Packet.Ports = 0, [2]uint16{32768, 60999} },
		func() { q.Packet.SrcPort, q.Packet.Ports = 0, [2]uint16{} },
		func() { q.Packet.SrcUnknown = true },
		func() { q.Packet.MarkUnknown, q.Packet.Mark = true, 0 },
		func() { q.Packet.UID = nil },
		func() { q.RouteType = nil },
		func() { q.Lookup = nil },
		func() { q.OutAddr, q.InAddr, q.Conn.MarkUnknown = netip.Addr{}, netip.Addr{}, true },
	} {
		if what&(1<<i) != 0 {
			f()
		}
	}
	q.Conn.Original = q.Packet
	return q
}

// FuzzForget: to know less never makes another answer, at most none.
func FuzzForget(f *testing.F) {
	f.Add(byte(4), []byte{3, 24, 9, 1, 0, 4, 10, 0, 0, 9, 4, 5, 9, 9, 0, 4, 10, 0, 0, 9, 9, 0, 0, 2, 1, 0})
	f.Add(byte(1), []byte{3, 2, 9, 1, 3, 0, 4, 6, 0, 9, 0, 2, 0x9c, 0x40, 9, 0, 0, 2, 1, 0})
	f.Add(byte(255), []byte{13, 14, 0, 0, 1, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 2, 1, 0})
	f.Fuzz(func(t *testing.T, what byte, data []byte) {
		rs := rulesetOf(data)
		q := query(&testing.T{}, "sport=40000 mark=3")
		uid := uint32(7)
		q.Packet.UID = &uid
		q.Inside = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/29"), netip.MustParsePrefix("172.16.0.0/12")}
		q.Lookup = func(netip.Addr, netip.Addr, int, uint32) (*inspect.Interface, bool) { return q.In, true }
		q.Conn.Original = q.Packet
		if text := contradiction(rs, q, forget(q, what)); text != "" {
			t.Fatal(text)
		}
	})
}

// contradiction says where knowing less leads to another answer; "" where it
// does not.
func contradiction(rs *inspect.Ruleset, all, some filter.Query) string {
	full, less := filter.Run(rs, all), filter.Run(rs, some)
	switch {
	case less.Verdict == filter.Unknown:
		return ""
	case full.Verdict == filter.Unknown || full.Verdict.Stops() != less.Verdict.Stops():
		return fmt.Sprintf("%s (%s), but knowing less %s (%s)", full.Verdict, full.Reason, less.Verdict, less.Reason)
	case less.Verdict.Stops():
		return ""
	case full.Packet.Dst != less.Packet.Dst || full.Packet.DstPort != less.Packet.DstPort || !less.Packet.SrcUnknown && full.Packet.Src != less.Packet.Src:
		return fmt.Sprintf("%+v, but knowing less %+v", full.Packet, less.Packet)
	case !less.Packet.MarkUnknown && full.Packet.Mark != less.Packet.Mark:
		return fmt.Sprintf("mark %d, but knowing less %d", full.Packet.Mark, less.Packet.Mark)
	}
	return ""
}

// pool are rules of one chain each part of which can decide.
const pool = `table ip t {
	set nets { type ipv4_addr; flags interval; elements = { 10.0.0.0/30, 172.16.0.0/13, 192.0.2.0/24 }; }
	set pairs { type ipv4_addr . inet_service; elements = { 10.0.0.9 . 80, 10.0.0.8 . 81 }; }
	set boxes { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/8 . 100-40000, 172.16.0.0/16 . 80 }; }
	set ports { type inet_service; flags interval; elements = { 1-1023, 40000, 50000-65535 }; }
	map where { type inet_service : verdict; flags interval; elements = { 80 : drop, 30000-45000 : accept, 60000-65535 : jump other }; }
	chain other { tcp sport 40000 drop; ip saddr 10.0.0.9 accept; meta mark 3 return; }
	chain f { type filter hook forward priority 0; policy accept;
		ip saddr 10.0.0.0/24 drop; ip saddr 172.16.0.0/12 accept; ip saddr != 10.0.0.0/8 drop; ip saddr @nets accept; ip saddr != @nets return
		ip saddr . tcp dport @pairs accept; ip saddr . tcp sport @boxes drop; ip saddr 10.0.0.1-10.0.0.20 drop; ip saddr 172.17.0.0-172.17.0.9 drop
		tcp sport 40000 accept; tcp sport != 1-1023 jump other; tcp sport < 1024 drop; tcp sport >= 32768 goto other; tcp sport @ports drop
		tcp sport vmap @where; tcp dport vmap @where; tcp sport 60000-65535 accept; tcp dport { 22, 80 } jump other
		meta mark 3 drop; meta mark & 1 == 1 meta mark set 5; meta mark set 3; ct mark 3 accept; ct mark set meta mark
		fib saddr type local drop; fib daddr type unicast jump other; fib saddr . iif oif missing drop; fib saddr oif 2 accept
		ct original ip saddr 10.0.0.9 drop; meta l4proto tcp ct original proto-src 40000 accept; limit rate 1/second drop; meta skuid 7 drop; accept; drop; return
	}
}
iptables -A FORWARD -m iprange --src-range 10.0.0.5-10.0.0.9 -j DROP
iptables -A FORWARD -p tcp -m multiport --sports 1:1023,40000 -j ACCEPT
iptables -A FORWARD -p tcp -m multiport ! --ports 1:100,40000 -j DROP
iptables -A FORWARD -m conntrack --ctorigsrc 10.0.0.0/24 --ctorigsrcport 30000:50000 -j ACCEPT
iptables -A FORWARD -m addrtype --src-type LOCAL -j DROP
iptables -t raw -A PREROUTING -m rpfilter --invert -j DROP
iptables -A FORWARD -m mark --mark 1/1 -j MARK --set-mark 8
iptables -A FORWARD -m connmark ! --mark 3 -j ACCEPT
iptables -A FORWARD -j CONNMARK --restore-mark
iptables -A FORWARD -p tcp --sport 40000 --syn -j REJECT`

// TestForget: the same of real rules, in any order.
func TestForget(t *testing.T) {
	n := rules(t, pool)
	var all []inspect.NFRule
	rs := *n.Ruleset
	rs.Rules = nil
	for _, r := range n.Ruleset.Rules {
		if r.Chain == "other" {
			rs.Rules = append(rs.Rules, r)
			continue
		}
		r.Table, r.Chain = "t", "f"
		all = append(all, r)
	}
	if len(all) < 40 {
		t.Fatalf("only %d rules", len(all))
	}
	others := len(rs.Rules)
	dice := rand.New(rand.NewPCG(1, 2))
	known := 0
	for range 60000 {
		rs.Rules = rs.Rules[:others]
		for range 1 + dice.IntN(5) {
			rs.Rules = append(rs.Rules, all[dice.IntN(len(all))])
		}
		words := []string{"src=10.0.0.9", "src=10.0.0.9 mark=3", "src=11.0.0.1 mark=1", "src=192.0.2.1", "dport=22", "state=established", "udp dport=81"}
		q := query(t, "sport=40000 "+words[dice.IntN(len(words))])
		q.Inside = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/29"), netip.MustParsePrefix("172.16.0.0/12")}
		q.Lookup = func(a, _ netip.Addr, _ int, _ uint32) (*inspect.Interface, bool) { return q.In, a.As4()[0] == 10 }
		q.Conn.Original = q.Packet
		some := forget(q, byte(dice.IntN(256)&dice.IntN(256)))
		if text := contradiction(&rs, q, some); text != "" {
			var list []string
			for i := range rs.Rules[others:] {
				list = append(list, graph.RuleText(&rs, &rs.Rules[others+i]))
			}
			t.Fatalf("%s\n%+v\n%s", text, some.Packet, strings.Join(list, "\n"))
		}
		if filter.Run(&rs, some).Verdict != filter.Unknown {
			known++
		}
	}
	if known < 10000 {
		t.Errorf("only %d answers were not unknown: nothing was tested", known)
	}
}
