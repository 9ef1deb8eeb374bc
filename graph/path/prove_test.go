package path_test

import (
	"net/netip"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/graph/path"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// proveFacts is all that a way follows from.
const proveFacts = inspect.FactNetwork | inspect.FactRoutes | inspect.FactNeighbors | inspect.FactNetConf | inspect.FactNetfilter

// drops gives a namespace a chain at output with one rule, which drops.
func drops(n *inspect.Network) {
	n.Ruleset.Tables = []inspect.NFTable{{Family: inspect.NFInet, Name: "f"}}
	n.Ruleset.Chains = []inspect.NFChain{{Family: inspect.NFInet, Table: "f", Name: "o", Type: "filter", Hook: "output", Policy: "accept"}}
	n.Ruleset.Rules = []inspect.NFRule{{Family: inspect.NFInet, Table: "f", Chain: "o", Handle: 5, Exprs: []inspect.NFExpr{
		{Name: "immediate", Verdict: &inspect.NFVerdict{Code: "drop"}},
	}}}
}

// dropsIn gives a namespace a chain at input with a rule, which drops.
func dropsIn(n *inspect.Network) {
	drops(n)
	n.Ruleset.Chains[0].Hook = "input"
}

// noWay leaves a namespace without routes.
func noWay(n *inspect.Network) { n.Routes = nil }

// Prove compares without looking at any host: each way in which what was
// seen can agree with what was foretold, or not.
func TestProve(t *testing.T) {
	id := inspect.ID{Dev: 4, Ino: 10}
	at := func(hook string, oif int) path.SeenEvent {
		return path.SeenEvent{NS: id, Way: "forward", Family: inspect.NFIPv4, Chain: hook, Own: true, Verdict: "accept", Oif: oif}
	}
	out := []path.SeenEvent{at("output", 2), at("postrouting", 2)}
	ruled := func(handle uint64) []path.SeenEvent {
		return []path.SeenEvent{at("output", 2), {NS: id, Way: "forward", Family: inspect.NFInet, Table: "f", Chain: "o", Handle: handle, Verdict: "drop"}}
	}
	for _, tc := range []struct {
		name   string
		change func(*inspect.Network)
		proto  uint8
		seen   path.Seen
		want   path.Agreement
		reason string
		netns  string
		// through and known are what the proof settles.
		through, known bool
	}{
		{"left and answered", nil, filter.TCP, path.Seen{Events: out, Answer: "SYN+ACK"}, path.Agrees, "", "", true, true},
		{"left without answer", nil, filter.TCP, path.Seen{Events: out}, path.Undecided, "no answer came", "", false, false},
		{"a datagram needs none", nil, filter.UDP, path.Seen{Events: out}, path.Agrees, "", "", true, true},
		{"left elsewhere", nil, filter.TCP, path.Seen{Events: []path.SeenEvent{at("output", 1), at("postrouting", 1)}}, path.Differs, "it is not seen beyond", "net:[10]", false, true},
		{"not sent", nil, filter.TCP, path.Seen{Refused: "ENETUNREACH"}, path.Differs, "did not send it: ENETUNREACH", "net:[10]", false, true},
		{"dropped by what is new", nil, filter.TCP, path.Seen{Events: ruled(9)}, path.Differs, "inet f o handle 9", "net:[10]", false, true},
		{"messages are missing", nil, filter.TCP, path.Seen{Events: ruled(9), Incomplete: true}, path.Undecided, "more messages", "", false, true},
		{"the answer comes where it should not", dropsIn, filter.TCP, path.Seen{Events: out, Answer: "SYN+ACK"}, path.Differs, "but it came", "net:[10]", true, true},
		{"dropped as foretold", drops, filter.TCP, path.Seen{Events: ruled(5)}, path.Agrees, "", "", false, true},
		{"dropped by another rule", drops, filter.TCP, path.Seen{Events: ruled(6)}, path.Differs, "inet f o handle 6", "net:[10]", false, true},
		{"passes where it should not", drops, filter.TCP, path.Seen{Events: out}, path.Differs, "leaves", "net:[10]", false, false},
		{"not seen, not watched", nil, filter.TCP, path.Seen{Unwatched: map[inspect.ID]string{id: "gone"}}, path.Undecided, "not seen anywhere", "", false, true},
		{"not seen", drops, filter.TCP, path.Seen{}, path.Differs, "not seen anywhere", "net:[10]", false, true},
		{"not seen, no rule foretold", noWay, filter.TCP, path.Seen{}, path.Undecided, "not seen anywhere", "", false, true},
		{"lost as foretold, messages missing", noWay, filter.TCP, path.Seen{Events: []path.SeenEvent{at("output", 1)}, Incomplete: true}, path.Undecided, "more messages", "", false, false},
		{"multiplied, one of them dropped", nil, filter.TCP, path.Seen{Events: append(ruled(9), at("input", 0))}, path.Differs, "it is delivered", "net:[10]", false, false},
		{"came from outside, messages missing", nil, filter.TCP, path.Seen{Events: ruled(9), Incomplete: true, Watched: true}, path.Undecided, "--source says whose", "", false, true},
		{"none came", nil, filter.TCP, path.Seen{Watched: true, Absent: true, Waited: 30e9}, path.Undecided, "no packet came in on any interface within 30s", "", false, false},
		{"another came", nil, filter.TCP, path.Seen{Watched: true, Absent: true, Strays: []filter.Packet{{Src: netip.MustParseAddr("192.0.2.9"), SrcPort: 9, Dst: netip.MustParseAddr("10.0.0.5"), DstPort: 53}}}, path.Undecided, "; seen instead: 192.0.2.9:9 → 10.0.0.5:53", "", false, false},
		{"none came, messages missing", nil, filter.TCP, path.Seen{Watched: true, Absent: true, Incomplete: true}, path.Undecided, "more to see than could be read", "", false, false},
		{"no way and none taken", noWay, filter.TCP, path.Seen{Refused: "ENETUNREACH"}, path.Agrees, "", "", false, true},
		{"no way was known", func(n *inspect.Network) { n.Ruleset.Legacy = []string{"ip: filter"} }, filter.UDP, path.Seen{Events: out}, path.Undecided, "it leaves", "", true, true},
	} {
		x := box(proveFacts, tc.change)
		topology := graph.NewTopology(x)
		packet := filter.Packet{Proto: tc.proto, Dst: netip.MustParseAddr("8.8.8.8"), DstPort: 53}
		r, err := path.Trace(x, topology, path.Options{From: id, Packet: packet})
		if err != nil {
			t.Fatal(err)
		}
		tc.seen.Packet = packet
		path.Prove(x, topology, r, tc.seen)
		p := r.Proof
		through, known := p.Settled()
		if p.Agreement != tc.want || !strings.Contains(p.Reason, tc.reason) || (p.Reason == "") != (p.Agreement == path.Agrees) || p.Netns != tc.netns || through != tc.through || known != tc.known {
			t.Errorf("%s: %s in %q (%s), outcome %s, settled %v %v; want %s in %q (%s) %v %v; foretold %s", tc.name, p.Agreement, p.Netns, p.Reason, p.Outcome, through, known,
				tc.want, tc.netns, tc.reason, tc.through, tc.known, r.Disposition)
		}
	}
}
