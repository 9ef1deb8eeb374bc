package doctor_test

import (
	"context"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"nsinspect/graph/doctor"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest/netlab"
	"nsinspect/inspect/live/wire"
)

// lab is a miniature Docker host and what is known of it beside its networks.
type lab struct {
	*netlab.MiniHost
	t       *testing.T
	more    []*netlab.NS // other namespaces that processes are in, from pid 1003
	adapt   func(*inspect.Snapshot)
	sockets []net.Listener
	servers []*exec.Cmd // of the host, that listen
}

const labFacts = wire.Facts &^ (inspect.FactConnections | inspect.FactServers)

// snapshot is what a capture of the lab has: its networks as they are, and
// two containers in them.
func (l *lab) snapshot() *inspect.Snapshot {
	l.t.Helper()
	s := &inspect.Snapshot{Format: inspect.Format, Scope: inspect.NewScope(inspect.FactsAll, nil)}
	for i, t := range inspect.Types {
		s.Host.Observer.NS[t.Link()] = l.id(uint64(50 + i))
	}
	s.Host.Observer.NS[inspect.LinkNet] = l.Host.ID
	s.Host.NSDev = l.Host.ID.Dev
	o := wire.Options{Facts: labFacts &^ inspect.FactPorts, ProcRoot: "/proc"}
	for i, n := range append([]*netlab.NS{l.Host, l.Web, l.DB}, l.more...) {
		o.Sources = append(o.Sources, wire.Source{ID: n.ID, Open: n.Open})
		s.Namespaces = append(s.Namespaces, inspect.Namespace{ID: n.ID, Type: inspect.Net})
		p := inspect.Process{PID: 1000 + i, Info: &inspect.Info{Comm: "sleep", State: "S"}}
		p.NS[inspect.LinkNet] = n.ID
		if i == 1 || i == 2 {
			c := inspect.Container{ID: []string{"", "aa11", "bb22"}[i], Name: []string{"", "web", "db"}[i], Engine: "docker", State: "running", PID: p.PID}
			c.Networks = []inspect.ContainerNetwork{{Name: "bridge", Addr: netip.AddrFrom4([4]byte{172, 17, 0, byte(i + 1)})}}
			p.Info.Container = c.ID
			s.Containers = append(s.Containers, c)
		}
		s.Processes = append(s.Processes, p)
	}
	for _, cmd := range l.servers {
		p := inspect.Process{PID: cmd.Process.Pid, Info: &inspect.Info{Comm: filepath.Base(cmd.Path), State: "S"}}
		p.NS[inspect.LinkNet] = l.Host.ID
		s.Processes = append(s.Processes, p)
		o.PIDs = append(o.PIDs, p.PID)
	}
	o.Facts |= inspect.FactPorts
	var problems []inspect.Problem
	s.Networks, problems = wire.Collect(context.Background(), o)
	if len(problems) > 0 {
		l.t.Fatalf("problems: %+v", problems)
	}
	l.mounts(s, rootMount)
	if l.adapt != nil {
		l.adapt(s)
	}
	s.Settle()
	return s
}

func (l *lab) examine() *doctor.Report {
	l.t.Helper()
	return doctor.Examine(inspect.NewIndex(l.snapshot()), doctor.Checks())
}

// await examines until something is found: the kernel takes its time to turn
// ports of bridges on.
func (l *lab) await() *doctor.Report {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(l.t.Context(), 3*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		r := l.examine()
		if len(r.Findings) > 0 {
			return r
		}
		select {
		case <-ctx.Done():
			return r
		case <-tick.C:
		}
	}
}

// silent holds that nothing is found and nothing is left open.
func (l *lab) silent(when string) {
	l.t.Helper()
	r := l.examine()
	for _, f := range r.Findings {
		l.t.Errorf("%s: %s %s: %s: %s", when, f.Severity, f.Check, f.Object, f.Cause)
	}
	for _, u := range r.Undetermined {
		l.t.Errorf("%s: undetermined %+v", when, u)
	}
}

// fault is something to break on a healthy host, and what is to be found.
type fault struct {
	name, check string
	severity    doctor.Severity
	object      string
	cause       string // part of it
	fix         string // part of the command; "" for none
	do, undo    func(*lab)
}

func newLab(t *testing.T) *lab { return &lab{MiniHost: netlab.NewMiniHost(t), t: t} }

// TestFaults breaks a healthy host in one way after the other: each is found
// alone, with the right object and cause, and what repairs it leaves nothing.
func TestFaults(t *testing.T) {
	for _, f := range slices.Concat(routeFaults, filterFaults, bridgeFaults, publishFaults, otherFaults, namespaceFaults, sixFaults, dnsFaults, publishedFaults) {
		t.Run(f.name, func(t *testing.T) { f.found(t, newLab(t)) })
	}
}

// Those that are about rules are found in the older iptables too, and repaired
// there.
func TestLegacyFaults(t *testing.T) {
	there := strings.NewReplacer("iptables ", "iptables-legacy ", "ip6tables ", "ip6tables-legacy ",
		"nft delete rule ip nat DOCKER handle", "iptables-legacy -t nat -D DOCKER", "nft delete rule ip6 nat DOCKER handle", "ip6tables-legacy -t nat -D DOCKER")
	for _, f := range slices.Concat(filterFaults, publishFaults, sixFaults, dnsFaults, publishedFaults) {
		if f.check == "iptables-legacy" || strings.HasPrefix(f.fix, "nft insert") {
			continue // there is one place only
		}
		t.Run(f.name, func(t *testing.T) {
			f.fix = there.Replace(f.fix)
			f.found(t, newLegacyLab(t))
		})
	}
}

func (f *fault) found(t *testing.T, l *lab) {
	f.do(l)
	r := l.await()
	if len(r.Findings) != 1 {
		t.Fatalf("%d findings, want one of %s: %+v", len(r.Findings), f.check, r.Findings)
	}
	got := r.Findings[0]
	if got.Check != f.check || got.Severity != f.severity || !strings.HasPrefix(got.Object, f.object) || !strings.Contains(got.Cause, f.cause) {
		t.Errorf("got %s %s %q: %q\nwant %s %s %q: %q", got.Severity, got.Check, got.Object, got.Cause, f.severity, f.check, f.object, f.cause)
	}
	if command := fixOf(&got); !strings.Contains(command, f.fix) || f.fix == "" && command != "" {
		t.Errorf("fix %q, want %q", command, f.fix)
	}
	if len(got.Evidence) == 0 || len(got.Namespaces) == 0 || got.Reference == "" {
		t.Errorf("without evidence, namespaces or reference: %+v", got)
	}
	for _, e := range got.Evidence {
		if l.Host.Tool("") == "-legacy" && strings.HasPrefix(e.Command, "nft ") {
			t.Errorf("evidence in nf_tables: %+v", e)
		}
	}
	f.undo(l)
	l.silent("repaired")
}

func fixOf(f *doctor.Finding) string {
	if f.Fix == nil {
		return ""
	}
	return f.Fix.Command
}

func newLegacyLab(t *testing.T) *lab { return &lab{MiniHost: netlab.NewLegacyMiniHost(t), t: t} }

func TestHealthy(t *testing.T) {
	newLab(t).silent("healthy")
	newLegacyLab(t).silent("healthy with the older iptables")
}

// down turns an interface off.
func down(n *netlab.NS, name string) { n.On(name, netlink.LinkSetDown) }

func (l *lab) ip(n *netlab.NS, args ...string) { n.Run("", "ip", args...) }
