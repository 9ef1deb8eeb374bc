package wire

import (
	"bytes"
	"testing"

	"nsinspect/inspect"
)

// flowMessage is a message of ctnetlink for 192.0.2.1:40999 → 192.0.2.10:5353
// over UDP that 172.17.0.2:53 answers: nfgenmsg, CTA_TUPLE_ORIG,
// CTA_TUPLE_REPLY.
var flowMessage = []byte("\x02\x00\x00\x00" +
	"\x34\x00\x01\x80\x14\x00\x01\x80\x08\x00\x01\x00\xc0\x00\x02\x01\x08\x00\x02\x00\xc0\x00\x02\x0a" +
	"\x1c\x00\x02\x80\x05\x00\x01\x00\x11\x00\x00\x00\x06\x00\x02\x00\xa0\x27\x00\x00\x06\x00\x03\x00\x14\xe9\x00\x00" +
	"\x34\x00\x02\x80\x14\x00\x01\x80\x08\x00\x01\x00\xac\x11\x00\x02\x08\x00\x02\x00\xc0\x00\x02\x01" +
	"\x1c\x00\x02\x80\x05\x00\x01\x00\x11\x00\x00\x00\x06\x00\x02\x00\x00\x35\x00\x00\x06\x00\x03\x00\xa0\x27\x00\x00")

func TestParseFlow(t *testing.T) {
	f, ok, err := parseFlow(flowMessage)
	if err != nil || !ok || f.Src.String() != "192.0.2.1:40999" || f.Dst.String() != "192.0.2.10:5353" || f.From.String() != "172.17.0.2:53" {
		t.Errorf("%+v, %v, %v", f, ok, err)
	}
	tcp := bytes.ReplaceAll(flowMessage, []byte{5, 0, 1, 0, 17}, []byte{5, 0, 1, 0, 6})
	if f, ok, err := parseFlow(tcp); ok || err != nil {
		t.Errorf("tcp: %+v, %v, %v", f, ok, err)
	}
}

// FuzzParseFlow holds that what is taken for a flow has all its addresses,
// and that nothing else panics.
func FuzzParseFlow(f *testing.F) {
	f.Add(flowMessage)
	f.Add(flowMessage[:60])
	f.Fuzz(func(t *testing.T, b []byte) {
		v, ok, err := parseFlow(b)
		if ok && err == nil && !(v.Src.IsValid() && v.Dst.IsValid() && v.From.IsValid()) {
			t.Errorf("%x: %+v", b, v)
		}
	})
}

// The tracker is asked only where UDP from elsewhere may be translated: not in
// a container whose own questions to Docker's name server are.
func TestTranslates(t *testing.T) {
	chain := func(name, hook string) inspect.NFChain {
		return inspect.NFChain{Family: inspect.NFIPv4, Table: "nat", Name: name, Type: "nat", Hook: hook}
	}
	rule := func(chain string, match string, target string) inspect.NFRule {
		return inspect.NFRule{Family: inspect.NFIPv4, Table: "nat", Chain: chain, Exprs: []inspect.NFExpr{
			{Name: "match", Extension: match}, {Name: "target", Extension: target},
		}}
	}
	for name, c := range map[string]struct {
		rules []inspect.NFRule
		want  bool
	}{
		"host":      {[]inspect.NFRule{rule("PREROUTING", "addrtype", "DOCKER"), rule("DOCKER", "udp", "DNAT")}, true},
		"tcp alone": {[]inspect.NFRule{rule("PREROUTING", "addrtype", "DOCKER"), rule("DOCKER", "tcp", "DNAT")}, false},
		"container": {[]inspect.NFRule{rule("OUTPUT", "addrtype", "DOCKER"), rule("DOCKER", "udp", "DNAT")}, false},
		"no target": {[]inspect.NFRule{rule("PREROUTING", "udp", "MARK")}, false},
	} {
		rs := &inspect.Ruleset{Chains: []inspect.NFChain{chain("PREROUTING", "prerouting"), chain("OUTPUT", "output"), {Family: inspect.NFIPv4, Table: "nat", Name: "DOCKER"}}, Rules: c.rules}
		if got := translates(rs); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
	if translates(nil) {
		t.Error("without rules")
	}
}
