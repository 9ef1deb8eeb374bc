package graph

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsinspect/inspect"
)

// drawMemberships writes one line a link: who else is there.
func drawMemberships(list []Membership) string {
	var b strings.Builder
	for _, m := range list {
		fmt.Fprintf(&b, "%s %s host=%s nprocs=%s", m.Link, show(m.NS), show(m.Host), show(m.NProcs))
		if s := m.SharedWith; s != nil {
			fmt.Fprintf(&b, " same=%d others=%d unknown=%d", s.Same, s.Others, s.Unknown)
			for _, c := range s.Containers {
				fmt.Fprintf(&b, " %s(%d)", c.Name, c.NProcs)
			}
			for _, p := range s.Processes {
				fmt.Fprintf(&b, " %d", p.PID)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestMemberships(t *testing.T) {
	s := testHost()
	// A process of the host that entered web1's network namespace.
	s.Processes = append(s.Processes, process(6000, 1, "tcpdump", 0, "", []int{6000},
		links(map[inspect.Link]uint64{inspect.LinkNet: webNet, inspect.LinkPIDForChildren: webPID})))
	x := inspect.NewIndex(s)
	web := ProfileOf(x, target(t, x, "web1"))
	want := `cgroup 4026532406 host=false nprocs=3 same=2 others=0 unknown=0
ipc 4026532403 host=false nprocs=3 same=2 others=0 unknown=0
mnt 4026532401 host=false nprocs=3 same=2 others=0 unknown=0
net 4026532405 host=false nprocs=5 same=2 others=1 unknown=0 db(1) 6000
pid 4026532404 host=false nprocs=2 same=1 others=0 unknown=0
time 4026531842 host=true nprocs=9
user 4026531837 host=true nprocs=8
uts 4026532402 host=false nprocs=3 same=2 others=0 unknown=0
`
	if diff := cmp.Diff(want, drawMemberships(web.Process.Namespaces)); diff != "" {
		t.Errorf("web1 (-want +got)\n%s", diff)
	}
	p := ProfileOf(x, target(t, x, "6000")).Process
	want = `net 4026532405 host=false nprocs=5 same=0 others=0 unknown=0 db(1) web1(3)
pid 4026531836 host=true nprocs=5
pid_for_children 4026532404 host=false nprocs=2 same=0 others=0 unknown=0 web1(2)
`
	if diff := cmp.Diff(want, drawMemberships(p.Namespaces[3:6])); diff != "" {
		t.Errorf("6000 (-want +got)\n%s", diff)
	}
}

// TestMembershipsNarrowed has the details of one process of each set of
// links, as a capture for one target has.
func TestMembershipsNarrowed(t *testing.T) {
	s := testHost()
	s.Processes[3].Info = nil // nginx has the links of sleep
	x := inspect.NewIndex(s)
	net := ProfileOf(x, target(t, x, "web1")).Process.Namespaces[3]
	if net.SharedWith.Same != 2 || net.SharedWith.Unknown != 0 {
		t.Errorf("nginx is not counted with its container: %+v", net.SharedWith)
	}
	s.Processes[5].Info = nil // postgres is the only one with its links
	x = inspect.NewIndex(s)
	net = ProfileOf(x, target(t, x, "web1")).Process.Namespaces[3]
	if net.SharedWith.Unknown != 1 || net.SharedWith.Alone() {
		t.Errorf("postgres was not looked at: %+v", net.SharedWith)
	}
}

func TestMembershipsUnreadable(t *testing.T) {
	s := testHost()
	s.Scope = inspect.NewScope(inspect.FactOwners, nil)
	s.Processes[2].NS[inspect.LinkNet] = inspect.ID{}
	s.Host.Observer.NS = inspect.Links{}
	x := inspect.NewIndex(s)
	list := ProfileOf(x, target(t, x, "pid:3037")).Process.Namespaces
	if net := list[3]; net.NS != nil || net.Host != nil || net.SharedWith != nil {
		t.Errorf("a link that could not be read: %+v", net)
	}
	if mnt := list[2]; mnt.Host != nil || mnt.NProcs != nil || mnt.SharedWith != nil {
		t.Errorf("neither observer nor tasks are known: %+v", mnt)
	}
}

func TestProfileHints(t *testing.T) {
	s := testHost()
	s.Processes[6].Info.Caps.Effective = 1<<41 - 1 // exporter is privileged
	s.Processes[2].Info.Caps.Effective = 1 << 21   // sleep has sys_admin
	s.Processes[2].Info.Seccomp = 2
	x := inspect.NewIndex(s)
	for word, want := range map[string]string{
		"pid:1":    "",
		"pid:5000": "",
		"web1":     "host-user sys-admin",
		"pid:3050": "host-user no-seccomp",
		"db":       "host-ipc",
		"pid:3300": "host-user privileged no-seccomp host-pid host-net host-ipc",
	} {
		var codes []string
		for _, h := range ProfileOf(x, target(t, x, word)).Hints {
			codes = append(codes, h.Code)
		}
		if got := strings.Join(codes, " "); got != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
}

func TestProfileIdentityMap(t *testing.T) {
	s := testHost()
	for i := range s.Namespaces {
		if s.Namespaces[i].ID == ns(dbUser) {
			s.Namespaces[i].IDMap.UID = []inspect.IDRange{{Count: 4294967295}}
		}
	}
	x := inspect.NewIndex(s)
	if h := ProfileOf(x, target(t, x, "db")).Hints; len(h) == 0 || h[0].Code != "identity-map" {
		t.Errorf("hints %v", h)
	}
}

func TestProfileOwners(t *testing.T) {
	x := inspect.NewIndex(testHost())
	u := ProfileOf(x, target(t, x, "db")).Process.User
	if len(u.Chain) != 2 || u.Chain[0].NS != dbUser || u.Chain[1].NS != hostUser || !u.Whole {
		t.Errorf("chain %+v, whole %v", u.Chain, u.Whole)
	}
	if c := u.Chain[0]; *c.OwnerUID != 1000 || *c.OwnerUser != "ann" || *c.Host || !*u.Chain[1].Host {
		t.Errorf("chain %+v", u.Chain)
	}
	n := ProfileOf(x, target(t, x, "pid:[4026532407]")).Namespace
	if !slices.Equal(n.Ancestors, []uint64{webPID, hostPID}) || len(n.Members) != 1 || n.Members[0].PID != 3060 {
		t.Errorf("ancestors %v, members %v", n.Ancestors, n.Members)
	}
	user := ProfileOf(x, target(t, x, "user:[4026532501]")).Namespace
	if len(user.Owns) != 2 || user.Owns[0].NS != dbMnt || len(user.Owners) != 1 || user.Owners[0].NS != hostUser {
		t.Errorf("owns %v, owners %v", user.Owns, user.Owners)
	}
}

func TestProfileDetails(t *testing.T) {
	s := testHost()
	s.Processes[3].Info.Caps = &inspect.Caps{Effective: 1, Bounding: 3}
	x := inspect.NewIndex(s)
	p := ProfileOf(x, target(t, x, "pid:3050"))
	d := p.Process.Details
	if *d.Age != 24*3600-3050 || d.UID.Effective != 101 || d.User != nil || d.Seccomp != "off" {
		t.Errorf("%+v", d)
	}
	if d.Capabilities.All || !slices.Equal(d.Capabilities.Bounding, []string{"chown", "dac_override"}) {
		t.Errorf("capabilities %+v", d.Capabilities)
	}
	if p.Container == nil || p.Container.Name != "web1" || p.Kind != "process" {
		t.Errorf("%s of container %+v", p.Kind, p.Container)
	}
	want := []Limit{{Name: "max_net_namespaces", Type: inspect.Net, Limit: 100, Seen: 2}}
	if diff := cmp.Diff(want, p.Limits); diff != "" {
		t.Errorf("limits (-want +got)\n%s", diff)
	}
}

func TestProfileOfStoppedContainer(t *testing.T) {
	s := testHost()
	s.Containers = append(s.Containers, inspect.Container{ID: "dddd", Name: "old", Engine: "docker", State: "exited"})
	x := inspect.NewIndex(s)
	p := ProfileOf(x, target(t, x, "old"))
	if p.Process != nil || p.Container.PID != nil || p.Container.State != "exited" {
		t.Errorf("%+v", p)
	}
}

func TestProfileOfZombieLeader(t *testing.T) {
	s := testHost()
	p := &s.Processes[3]
	p.Threads = []inspect.Thread{{TID: 3051, Comm: "worker", NS: p.NS}}
	p.NS = inspect.Links{}
	x := inspect.NewIndex(s)
	got := ProfileOf(x, target(t, x, "pid:3050")).Process
	if n := got.Namespaces[3].NS; n == nil || *n != webNet {
		t.Errorf("the thread's network namespace is not shown: %s", show(n))
	}
}

func TestThreadElsewhere(t *testing.T) {
	s := testHost()
	p := &s.Processes[3]
	other := p.NS
	other[inspect.LinkNet] = ns(hostNet)
	p.Threads = []inspect.Thread{{TID: 3051, Comm: "worker", NS: other}}
	x := inspect.NewIndex(s)
	got := ProfileOf(x, target(t, x, "pid:3050")).Process
	if len(got.Threads) != 1 || len(got.Threads[0].Namespaces) != 1 || *got.Threads[0].Namespaces[0].NS != hostNet {
		t.Errorf("threads %+v", got.Threads)
	}
}

func TestFocus(t *testing.T) {
	s := testHost()
	for pid := 7000; pid < 7100; pid++ { // many more like nginx
		s.Processes = append(s.Processes, process(pid, 1, "worker", 0, web1.ID, []int{pid}, s.Processes[3].NS))
	}
	x := inspect.NewIndex(s)
	for word, want := range map[string][]int{
		"pid:3037":         {3037, 3050, 3060, 3100, 7000, 7001, 7002},
		"pid:1":            {1},
		"pid:[4026532404]": nil,
	} {
		got := Focus(x, target(t, x, word))
		slices.Sort(got)
		got = slices.Compact(got)
		want = slices.Compact(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", word, got, want)
		}
	}
	if got := Focus(x, inspect.Target{Kind: inspect.TargetProcess, PID: 99}); got != nil {
		t.Errorf("of a process that is not there: %v", got)
	}
}

// TestViewsAsJSON checks what every program that reads the views relies on:
// they can be encoded, and a list is never null.
func TestViewsAsJSON(t *testing.T) {
	x := inspect.NewIndex(testHost())
	for name, view := range map[string]any{
		"users": UserHierarchy(x, TreeOptions{}), "pids": PIDHierarchy(x, nil),
		"web1": ProfileOf(x, target(t, x, "web1")), "net": ProfileOf(x, target(t, x, "net:[4026532405]")),
	} {
		data, err := json.Marshal(view)
		if err != nil {
			t.Fatal(name, err)
		}
		for _, key := range []string{"problems", "children", "owns", "hints", "processes", "namespaces"} {
			if strings.Contains(string(data), `"`+key+`":null`) {
				t.Errorf("%s: %q is null", name, key)
			}
		}
	}
}
