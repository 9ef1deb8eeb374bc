package filter_test

import (
	"context"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
	"nsinspect/inspect/live/wire"
)

// backends are where iptables can have its rules.
var backends = [...]string{"nft", "legacy"}

// rules loads rules in a namespace of their own and reads them back. Lines
// that begin with iptables or ip6tables are run, with nf_tables for their back
// end where they do not name another; the others are nft's.
func rules(t *testing.T, script string) *inspect.Network {
	t.Helper()
	return rulesOf(t, "nft", script)
}

// rulesOf is rules with another back end of iptables.
func rulesOf(t *testing.T, backend, script string) *inspect.Network {
	t.Helper()
	for _, tool := range []string{"nft", "iptables-" + backend, "ip6tables-" + backend} {
		if _, err := exec.LookPath(tool); err != nil {
			livetest.Skip(t, "needs "+tool)
		}
	}
	n := netlab.New(t)
	if backend == "legacy" {
		n.LegacyTables()
	}
	n.Do(func() error {
		var forNft []string
		for line := range strings.Lines(script) {
			if words := strings.Fields(line); len(words) > 0 && strings.HasPrefix(words[0], "ip") && strings.Contains(words[0], "tables") {
				if !strings.Contains(words[0], "-") {
					words[0] += "-" + backend
				}
				if err := run("", words[0], words[1:]...); err != nil {
					return err
				}
			} else {
				forNft = append(forNft, line)
			}
		}
		return run(strings.Join(forNft, ""), "nft", "-f", "-")
	})
	o := wire.Options{Facts: wire.Facts &^ (inspect.FactPorts | inspect.FactConnections | inspect.FactServers), ProcRoot: "/proc"}
	o.Sources = []wire.Source{{ID: n.ID, Open: n.Open}}
	nets, problems := wire.Collect(context.Background(), o)
	if len(problems) > 0 || len(nets) == 0 || nets[0].Ruleset == nil {
		t.Fatalf("read rules: %+v", problems)
	}
	return &nets[0]
}

// run runs a program on the calling thread, in the namespace that it is in.
func run(stdin, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// query is a new TCP connection from 10.0.0.9 to 10.0.0.1:80 that is
// forwarded from eth0 to br-a, changed by words such as "dport=22".
func query(t *testing.T, words string) filter.Query {
	t.Helper()
	q := filter.Query{
		Hook: "forward", Conn: filter.Conn{State: filter.New},
		Packet: filter.Packet{Proto: filter.TCP, Src: netip.MustParseAddr("10.0.0.9"), Dst: netip.MustParseAddr("10.0.0.1"), DstPort: 80},
		In:     &inspect.Interface{Index: 2, Name: "eth0"}, Out: &inspect.Interface{Index: 3, Name: "br-a", Kind: "bridge"},
		RouteType: func(a netip.Addr, _ int) (string, bool) {
			if a == netip.MustParseAddr("192.0.2.1") || a.IsLoopback() {
				return "local", true
			}
			return "unicast", true
		},
		OutAddr: netip.MustParseAddr("192.0.2.1"), InAddr: netip.MustParseAddr("192.0.2.1"),
	}
	for _, w := range strings.Fields(words) {
		key, value, _ := strings.Cut(w, "=")
		number := func() (n uint16) {
			fmt.Sscan(value, &n)
			return n
		}
		switch key {
		case "hook":
			q.Hook = value
		case "src":
			q.Packet.Src = netip.MustParseAddr(value)
		case "dst":
			q.Packet.Dst = netip.MustParseAddr(value)
		case "sport":
			q.Packet.SrcPort = number()
		case "dport":
			q.Packet.DstPort = number()
		case "state":
			q.Conn.State = filter.State(value)
		case "mark":
			q.Packet.Mark = uint32(number())
		case "in":
			q.In = &inspect.Interface{Index: 2, Name: value}
		case "out":
			q.Out = &inspect.Interface{Index: 3, Name: value}
		case "noin":
			q.In = nil
		case "noout":
			q.Out = nil
		case "udp":
			q.Packet.Proto = filter.UDP
		case "ping":
			q.Packet.Proto, q.Packet.ICMPType, q.Packet.DstPort = filter.ICMP, 8, 0
		case "phys":
			q.PhysIn, q.PhysOut, q.Bridged = "veth1", "veth2", true
		case "dnat":
			q.Conn.DNAT = true
		default:
			t.Fatalf("word %q", w)
		}
	}
	return q
}
