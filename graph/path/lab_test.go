package path_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/graph"
	"nsinspect/graph/path"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
	"nsinspect/inspect/live/wire"
)

// lab is a miniature Docker host with IPv6 too: containers c1 and c2, and the
// world beyond its uplink. See netlab.MiniHost for names and addresses.
type lab struct {
	t   *testing.T
	all map[string]*netlab.NS
}

func newLab(t *testing.T) *lab {
	t.Helper()
	return newLabOf(t, netlab.NewMiniHost)
}

// labs make a host with its rules in nf_tables, and one with those of the older
// iptables.
var labs = map[string]func(testing.TB) *netlab.MiniHost{"nft": netlab.NewMiniHost, "legacy": netlab.NewLegacyMiniHost}

func newLabOf(t *testing.T, host func(testing.TB) *netlab.MiniHost) *lab {
	t.Helper()
	for _, tool := range []string{"ip", "bridge", "sysctl", "nft", "iptables-nft", "ip6tables-nft", "iptables-nft-restore"} {
		if _, err := exec.LookPath(tool); err != nil {
			livetest.Skip(t, "needs "+tool)
		}
	}
	m := host(t)
	l := &lab{t: t, all: map[string]*netlab.NS{"host": m.Host, "c1": m.Web, "c2": m.DB, "out": m.Outside}}
	for _, a := range []struct {
		ns         *netlab.NS
		dev, addrs string
	}{
		{m.Host, "docker0", "fd17::1/64"},
		{m.Web, "eth0", "fd17::2/64"},
		{m.DB, "eth0", "fd17::3/64"},
		{m.Host, "ens3", "fd19::10/64"},
		{m.Outside, "up0", "fd19::1/64"},
		{m.Outside, "lo", "fd08::8/128"},
	} {
		a.ns.Addr(a.dev, a.addrs)
	}
	m.Host.Sysctl("net/ipv6/conf/all/forwarding", "1")
	l.sh("c1", "ip -6 route add default via fd17::1")
	l.sh("c2", "ip -6 route add default via fd17::1")
	l.sh("host", "ip -6 route add default via fd19::1")
	l.sh("out", "ip -6 route add fd17::/64 via fd19::10")
	for ns, addrs := range map[string]string{
		"out": "198.51.100.7:53 [fd08::8]:53 192.0.2.1:53", "c1": "172.17.0.2:80 172.17.0.2:22", "c2": "172.17.0.3:80", "host": "172.17.0.1:99",
	} {
		for _, a := range strings.Fields(addrs) {
			l.all[ns].Serve(a)
		}
	}
	m.Web.Await("icmp", "fd08::8")
	m.DB.Await("icmp", "fd17::2")
	return l
}

// sh runs a script in a namespace, with the iptables that is to be used there
// for iptables-nft.
func (l *lab) sh(ns, script string) {
	l.t.Helper()
	for _, tool := range []string{"iptables", "ip6tables"} {
		script = strings.ReplaceAll(script, tool+"-nft", l.all[ns].Tool(tool))
	}
	l.all[ns].Do(func() error {
		out, err := exec.Command("sh", "-ec", script).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", script, err, out)
		}
		return nil
	})
}

// inEach runs a test in a lab of its own, and where the script has rules of
// iptables in one of each kind.
func inEach(t *testing.T, name, script string, do func(*testing.T, *lab)) {
	for kind, host := range labs {
		if kind != "nft" && !strings.Contains(script, "tables-nft") {
			continue
		}
		t.Run(name+"/"+kind, func(t *testing.T) {
			if _, err := os.Stat("/proc/sys/net/bridge"); err != nil && strings.Contains(script, "bridge-nf-call-iptables=1") {
				livetest.Skip(t, "needs the module br_netfilter")
			}
			t.Parallel()
			do(t, newLabOf(t, host))
		})
	}
}

func (l *lab) index() *inspect.Index {
	l.t.Helper()
	o := wire.Options{Facts: wire.Facts &^ (inspect.FactConnections | inspect.FactServers), ProcRoot: "/proc", Own: l.all["host"].ID}
	s := &inspect.Snapshot{Format: inspect.Format, Scope: inspect.NewScope(o.Facts|inspect.FactTasks, nil), Host: inspect.Host{NSDev: l.all["host"].ID.Dev}}
	for _, n := range l.all {
		o.Sources = append(o.Sources, wire.Source{ID: n.ID, Open: n.Open})
		s.Namespaces = append(s.Namespaces, inspect.Namespace{ID: n.ID, Type: inspect.Net})
	}
	o.Own = inspect.ID{} // the test itself is elsewhere
	s.Host.Observer.NS[inspect.LinkNet] = l.all["host"].ID
	var problems []inspect.Problem
	s.Networks, problems = wire.Collect(context.Background(), o)
	if len(problems) > 0 {
		l.t.Fatalf("problems: %+v", problems)
	}
	return inspect.NewIndex(s)
}

// oracle asks the kernel.
func (l *lab) oracle(id inspect.ID, q path.RouteQuery) (path.RouteAnswer, error) {
	for _, n := range l.all {
		if n.ID != id {
			continue
		}
		r, err := wire.AskRoute(wire.Source{ID: id, Open: n.Open}, inspect.ID{}, wire.Question(q))
		var errno unix.Errno
		if errors.As(err, &errno) {
			return path.RouteAnswer{Refused: unix.ErrnoName(errno)}, nil
		}
		a := path.RouteAnswer{Type: r.Type, Table: r.Table, Prefix: r.Dst, Prefsrc: r.Prefsrc}
		if len(r.Hops) > 0 {
			a.Via, a.Oif = r.Hops[0].Via, r.Hops[0].Oif
		}
		return a, err
	}
	return path.RouteAnswer{}, os.ErrNotExist
}

// packet reads "PROTOCOL ADDRESS", with a port where the protocol has one; the
// protocol can be left out for tcp.
func packet(to string) (p filter.Packet, proto, addr string) {
	proto, addr, ok := strings.Cut(to, " ")
	if !ok {
		proto, addr = "tcp", to
	}
	if a, err := netip.ParseAddr(addr); err == nil {
		p = filter.Packet{Proto: filter.ICMP, ICMPType: 8, Dst: a}
		if a.Is6() {
			p.Proto, p.ICMPType = filter.ICMPv6, 128
		}
		return p, proto, addr
	}
	dst := netip.MustParseAddrPort(addr)
	p = filter.Packet{Proto: filter.TCP, Dst: dst.Addr(), DstPort: dst.Port()}
	if proto == "udp" {
		p.Proto = filter.UDP
	}
	return p, proto, addr
}

// trace follows a packet, with the kernel's routes or recorded ones.
func (l *lab) trace(x *inspect.Index, from, to string, live bool) *path.Report {
	l.t.Helper()
	o := path.Options{From: l.all[from].ID}
	o.Packet, _, _ = packet(to)
	if live {
		o.Routes = l.oracle
	}
	r, err := path.Trace(x, graph.NewTopology(x), o)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// agree checks that the verdicts for packets, by the kernel's routes and by
// recorded ones, are as wanted, and that real traffic agrees. It returns the
// report of the first, by the kernel's routes.
func (l *lab) agree(from string, want path.Disposition, to ...string) *path.Report {
	l.t.Helper()
	got := make([]bool, len(to))
	var wg sync.WaitGroup
	for i := range to {
		_, proto, addr := packet(to[i])
		wg.Go(func() { got[i] = l.all[from].Reaches(proto, addr) })
	}
	wg.Wait()
	var first *path.Report
	x := l.index()
	for i := range to {
		if got[i] != want.Good() {
			l.t.Errorf("%s to %s: reached: %v, expected %s", from, to[i], got[i], want)
		}
		for _, live := range []bool{false, true} {
			r := l.trace(x, from, to[i], live)
			notRecorded := !live && r.Disposition == path.InsufficientInfo && strings.Contains(r.Reason, "not recorded")
			if r.Disposition != want && !notRecorded {
				l.t.Errorf("%s to %s, reconstructed %v: %s (%s), want %s%s", from, to[i], r.Reconstructed, r.Disposition, r.Reason, want, steps(r))
			}
			if i == 0 {
				first = r
			}
		}
	}
	return first
}

// likewise are the flows of the other protocols to where a TCP connection goes.
func likewise(to string) []string {
	addr, _, err := net.SplitHostPort(to)
	if err != nil {
		return nil
	}
	return []string{"udp " + to, "icmp " + addr}
}

func steps(r *path.Report) string {
	var b strings.Builder
	for _, l := range []*path.Leg{&r.Forward, r.Reply} {
		if l == nil {
			continue
		}
		for _, s := range l.Steps {
			fmt.Fprintf(&b, "\n\t%s %s %s %s", s.Netns, s.Do, s.IfName, s.Text)
		}
	}
	return b.String()
}
