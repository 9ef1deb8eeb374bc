package filter_test

import (
	"reflect"
	"testing"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// rulesetOf makes a ruleset of bytes: six for an expression, of three chains
// that may jump to each other.
func rulesetOf(data []byte) *inspect.Ruleset {
	names := []string{"meta", "ct", "fib", "payload", "cmp", "range", "lookup", "bitwise", "byteorder", "immediate", "nat", "masq", "redir", "match", "target", "reject", "limit", "exthdr"}
	words := []string{"", "iifname", "mark", "state", "l4proto", "==", ">=", "!=", "network", "transport", "dnat", "tcp", "conntrack", "addrtype", "multiport", "iprange", "DNAT", "REJECT", "MARK", "physdev", "owner", "icmp", "type", "proto-dst"}
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
			Revision: uint32(data[4] % 4), Data: value, To: value, Mask: value, Info: value, Regs: []uint32{1, 0, uint32(data[4] % 25), 0}[:data[4]%5],
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
	return rs
}

// FuzzRun: whatever a file has for rules, there is an answer, the same each
// time, and one that is not known has a reason.
func FuzzRun(f *testing.F) {
	f.Add([]byte{3, 8, 9, 1, 16, 4, 10, 0, 0, 1, 4, 5, 0, 9, 0, 4, 10, 0, 0, 1})
	f.Add([]byte{16, 0, 0, 0, 0, 0, 9, 0, 3, 2, 1, 0})
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
