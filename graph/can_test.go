package graph

import (
	"slices"
	"strings"
	"testing"

	"nsinspect/inspect"
)

// canHost has user namespaces 1 ⊃ 2 ⊃ 3, where user 1000 made 2 and user 2000
// made 3, and a network namespace of each: 11, 12, 13. Namespace 4, made by
// 1000, is beside 2.
func canHost() *inspect.Snapshot {
	id := func(ino uint64) inspect.ID {
		if ino == 0 {
			return inspect.ID{}
		}
		return inspect.ID{Dev: 4, Ino: ino}
	}
	user := func(ino, parent uint64, uid uint32) inspect.Namespace {
		return inspect.Namespace{ID: id(ino), Type: inspect.User, Owner: id(parent), Parent: id(parent), OwnerUID: &uid}
	}
	net := func(ino, owner uint64) inspect.Namespace {
		return inspect.Namespace{ID: id(ino), Type: inspect.Net, Owner: id(owner)}
	}
	proc := func(pid int, userNS uint64, uid uint32, caps uint64) inspect.Process {
		p := inspect.Process{PID: pid, Info: &inspect.Info{UID: [4]uint32{uid, uid, uid, uid}, Caps: &inspect.Caps{Effective: caps, Bounding: 1<<41 - 1}}}
		p.NS[inspect.LinkUser], p.NS[inspect.LinkNet] = id(userNS), id(userNS+10)
		return p
	}
	s := &inspect.Snapshot{
		Format:     inspect.Format,
		Scope:      inspect.NewScope(inspect.FactsAll, nil),
		Namespaces: []inspect.Namespace{user(1, 0, 0), user(2, 1, 1000), user(3, 2, 2000), user(4, 1, 1000), net(11, 1), net(12, 2), net(13, 3), net(14, 4)},
		Processes: []inspect.Process{
			proc(1, 1, 0, 1<<41-1), proc(10, 1, 1000, 0), proc(11, 1, 3000, 1<<12),
			proc(20, 2, 1000, 1<<41-1), proc(21, 2, 2000, 0), proc(30, 3, 0, 1<<41-1),
		},
	}
	s.Host.NSDev = 4
	s.Host.Observer.PID = 1
	s.Host.Observer.NS = s.Processes[0].NS
	return s
}

// TestCan goes through the rules of user_namespaces(7) and cap_capable().
func TestCan(t *testing.T) {
	x := inspect.NewIndex(canHost())
	const all, none, admin = "all", "none", "net_admin"
	for _, c := range []struct {
		pid  int
		ns   uint64
		rule CanRule
		has  string
	}{
		{1, 11, CanMember, all},      // root in the initial namespace
		{1, 13, CanAncestor, all},    // and down to the last
		{1, 3, CanAncestor, all},     // a user namespace decides for itself
		{10, 11, CanMember, none},    // an ordinary user has nothing at home
		{10, 12, CanOwner, all},      // but all in what he made
		{10, 13, CanOwner, all},      // and in what lies below that
		{10, 14, CanOwner, all},      // wherever it is
		{11, 11, CanMember, admin},   // a capability alone counts at home
		{11, 13, CanAncestor, admin}, // and below
		{20, 12, CanMember, all},     // root of its own namespace
		{20, 11, CanNot, none},       // is nobody above
		{20, 14, CanNot, none},       // and beside: the parent of 4 is not its own
		{21, 13, CanOwner, all},      // made 3 from within 2
		{21, 12, CanMember, none},
		{30, 12, CanNot, none},
	} {
		n := x.Namespace(inspect.ID{Dev: 4, Ino: c.ns})
		for asked, name := range map[int]string{12: "net_admin", 21: "sys_admin"} {
			got := CanOf(x, x.Process(c.pid), n, asked)
			want := c.has == all || c.has == name
			if got.Rule != c.rule || got.Has == nil || *got.Has != want || got.All != (c.has == all) || got.Why == "" {
				t.Errorf("process %d in %d: %s, %s: %v, all %v: %s; want %s, %v", c.pid, c.ns, got.Rule, name, got.Has, got.All, got.Why, c.rule, want)
			}
		}
	}
}

// TestCanNotKnown says so where facts are missing, and nothing else.
func TestCanNotKnown(t *testing.T) {
	for name, change := range map[string]func(*inspect.Snapshot){
		"capabilities": func(s *inspect.Snapshot) { s.Processes[3].Info.Caps = nil },
		"process":      func(s *inspect.Snapshot) { s.Processes[3].Info = nil },
		"own user":     func(s *inspect.Snapshot) { s.Processes[3].NS[inspect.LinkUser] = inspect.ID{} },
		"owner":        func(s *inspect.Snapshot) { s.Namespaces[6].Owner = inspect.ID{} },
		"chain":        func(s *inspect.Snapshot) { s.Namespaces[2].Parent = inspect.ID{Dev: 4, Ino: 99} },
	} {
		t.Run(name, func(t *testing.T) {
			s := canHost()
			change(s)
			x := inspect.NewIndex(s)
			got := CanOf(x, x.Process(20), x.Namespace(inspect.ID{Dev: 4, Ino: 13}), 12)
			if got.Rule != CanUnknown || got.Has != nil || got.Capabilities != nil || got.Why == "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestCanEnter reads setns(2).
func TestCanEnter(t *testing.T) {
	x := inspect.NewIndex(canHost())
	for pid, want := range map[int]string{1: "it may enter it (setns(2))", 11: "it may not enter it", 10: "only together with the user namespace"} {
		got := CanOf(x, x.Process(pid), x.Namespace(inspect.ID{Dev: 4, Ino: 12}), -1)
		if !slices.ContainsFunc(got.Notes, func(n string) bool { return strings.Contains(n, want) }) {
			t.Errorf("process %d: %q, want %q", pid, got.Notes, want)
		}
	}
}
