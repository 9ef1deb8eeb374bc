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
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/graph"
	"nsinspect/graph/path"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
	"nsinspect/inspect/live/wire"
)

// dockerRules are what Docker writes for a container that publishes port 80
// as 8080.
const dockerRules = `*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
:DOCKER -
:DOCKER-ISOLATION-STAGE-1 -
:DOCKER-ISOLATION-STAGE-2 -
:DOCKER-USER -
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
:DOCKER -
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
`

// lab is a miniature Docker host: docker0 with two containers, and the world
// beyond its uplink, where 8.8.8.8 is.
type lab struct {
	t   *testing.T
	all map[string]*netlab.NS
}

func newLab(t *testing.T) *lab {
	t.Helper()
	for _, tool := range []string{"ip", "bridge", "sysctl", "iptables-nft", "ip6tables-nft", "iptables-nft-restore"} {
		if _, err := exec.LookPath(tool); err != nil {
			livetest.Skip(t, "needs "+tool)
		}
	}
	l := &lab{t: t, all: map[string]*netlab.NS{}}
	for _, name := range []string{"host", "c1", "c2", "out"} {
		l.all[name] = netlab.New(t)
		// Addresses are good at once, without a search for duplicates.
		l.sh(name, "sysctl -qw net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0")
	}
	host, out := l.all["host"], l.all["out"]
	host.Veth("v1", l.all["c1"], "eth0")
	host.Veth("v2", l.all["c2"], "eth0")
	host.Veth("eth0", out, "eth0")
	host.Bridge("docker0", "v1", "v2")
	for _, a := range [][3]string{
		{"host", "docker0", "172.17.0.1/16 fd17::1/64"},
		{"c1", "eth0", "172.17.0.2/16 fd17::2/64"},
		{"c2", "eth0", "172.17.0.3/16 fd17::3/64"},
		{"host", "eth0", "192.0.2.10/24 fd19::10/64"},
		{"out", "eth0", "192.0.2.1/24 fd19::1/64"},
		{"out", "lo", "8.8.8.8/32 fd08::8/128"},
	} {
		for _, cidr := range strings.Fields(a[2]) {
			l.all[a[0]].Addr(a[1], cidr)
		}
	}
	l.sh("host", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
	for _, c := range []string{"c1", "c2"} {
		l.sh(c, "ip route add default via 172.17.0.1; ip -6 route add default via fd17::1")
	}
	l.sh("host", "ip route add default via 192.0.2.1; ip -6 route add default via fd19::1")
	l.sh("out", "ip -6 route add fd17::/64 via fd19::10")
	l.sh("host", "iptables-nft-restore <<'E'\n"+dockerRules+"E")
	for ns, addrs := range map[string]string{"out": "8.8.8.8:53 [fd08::8]:53", "c1": "172.17.0.2:80 172.17.0.2:22", "c2": "172.17.0.3:80", "host": "172.17.0.1:99"} {
		for _, a := range strings.Fields(addrs) {
			l.listen(ns, a)
		}
	}
	return l
}

// sh runs a script in a namespace.
func (l *lab) sh(ns, script string) {
	l.t.Helper()
	l.all[ns].Do(func() error {
		out, err := exec.Command("sh", "-ec", script).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", script, err, out)
		}
		return nil
	})
}

func (l *lab) listen(ns, addr string) {
	l.t.Helper()
	l.all[ns].Do(func() error {
		s, err := net.Listen("tcp", addr)
		if err == nil {
			l.t.Cleanup(func() { s.Close() })
		}
		return err
	})
}

// connects reports whether a TCP connection really comes about. A refusal is
// no connection.
func (l *lab) connects(ns, addr string) bool {
	var ok bool
	l.all[ns].Do(func() error {
		c, err := net.DialTimeout("tcp", addr, 400*time.Millisecond)
		if ok = err == nil; ok {
			c.Close()
		}
		return nil
	})
	return ok
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
	for i := range s.Networks {
		if r := s.Networks[i].Ruleset; r != nil {
			r.Legacy = nil // what is loaded on the machine
		}
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

// trace follows a TCP connection, with the kernel's routes or recorded ones.
func (l *lab) trace(from, to string, live bool) *path.Report {
	l.t.Helper()
	dst := netip.MustParseAddrPort(to)
	o := path.Options{From: l.all[from].ID, Packet: filter.Packet{Proto: filter.TCP, Dst: dst.Addr(), DstPort: dst.Port()}}
	if live {
		o.Routes = l.oracle
	}
	x := l.index()
	r, err := path.Trace(x, graph.NewTopology(x), o)
	if err != nil {
		l.t.Fatal(err)
	}
	return r
}

// agree checks that the verdict, by the kernel's routes and by recorded ones,
// is as wanted, and that real traffic agrees.
func (l *lab) agree(from, to string, want path.Disposition) *path.Report {
	l.t.Helper()
	if got := l.connects(from, to); got != want.Good() {
		l.t.Errorf("%s to %s: connected: %v, expected %s", from, to, got, want)
	}
	recorded := l.trace(from, to, false)
	r := l.trace(from, to, true)
	for _, r := range []*path.Report{recorded, r} {
		if r.Disposition != want {
			l.t.Errorf("%s to %s, reconstructed %v: %s (%s), want %s%s", from, to, r.Reconstructed, r.Disposition, r.Reason, want, steps(r))
		}
	}
	return r
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
