package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"nsinspect/graph"
	"nsinspect/graph/path"
	"nsinspect/inspect/live/livetest/netlab"
)

// TestVerifyMeanwhile holds that a rule that was added after the rules were
// read is found: the way foretold and the one seen part there.
func TestVerifyMeanwhile(t *testing.T) {
	m := netlab.NewMiniHost(t)
	for _, n := range []*netlab.NS{m.Web, m.Host, m.Outside} { // its own open files are not looked at
		n.Do(func() error {
			cmd := exec.Command("sleep", "1000")
			t.Cleanup(func() {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
			})
			return cmd.Start()
		})
	}
	m.Outside.Do(func() error {
		l, err := net.Listen("tcp4", "198.51.100.7:53")
		if err == nil {
			t.Cleanup(func() { l.Close() })
		}
		return err
	})
	a := &app{stdin: strings.NewReader(""), stdout: &strings.Builder{}, stderr: &strings.Builder{}, getenv: os.Getenv, now: time.Now}
	o := traceOptions{source: source{app: a, noContainers: true}, output: output{app: a}, verify: true, timeout: verifyTimeout}
	o.target, o.dest = fmt.Sprintf("net:[%d]", m.Web.ID.Ino), "198.51.100.7:53"
	x, err := o.index(t.Context(), need{facts: traceFacts, also: traceAlso})
	if err != nil {
		t.Fatal(err)
	}
	foretold := func() (*path.Report, *graph.Topology) {
		p, err := o.options(x)
		if err != nil {
			t.Fatal(err)
		}
		topology := graph.NewTopology(x)
		r, err := path.Trace(x, topology, p)
		if err != nil || r.Disposition != path.Accepted {
			t.Fatalf("%v: %+v", err, r)
		}
		return r, topology
	}
	for _, tc := range []struct {
		ns                       *netlab.NS
		family, chain, rule, way string
	}{
		{m.Host, "ip", "forward", "tcp dport 53 drop", "drops it"},
		{m.Web, "inet", "output", "tcp dport 53 reject", "drops it"},
		{m.Outside, "inet", "output", "tcp sport 53 drop", "the answer: "},
	} {
		tc.ns.Run("", "nft", fmt.Sprintf("table %s late { chain c { type filter hook %s priority 10; %s; }; }", tc.family, tc.chain, tc.rule))
		r, topology := foretold()
		if err := o.prove(t.Context(), x, topology, r); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf("net:[%d]", tc.ns.ID.Ino)
		p := r.Proof
		if p.Agreement != path.Differs || p.Netns != want || !strings.Contains(p.Reason, tc.way) || !strings.Contains(p.Reason, "late c handle") {
			t.Errorf("%s: %s in %s, want %s: %s", tc.rule, p.Agreement, p.Netns, want, p.Reason)
		}
		tc.ns.Run("", "nft", "delete", "table", tc.family, "late")
	}
	r, topology := foretold()
	if err := o.prove(t.Context(), x, topology, r); err != nil || r.Proof.Agreement != path.Agrees {
		t.Errorf("without the rules: %v: %+v", err, r.Proof)
	}
}
