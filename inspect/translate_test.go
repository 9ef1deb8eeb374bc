package inspect

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTranslateID(t *testing.T) {
	x := NewIndex(testHost())
	host, db, inner, web := id(inoUser), id(inoDBUser), id(inoInUser), id(inoUser)
	for _, c := range []struct {
		kind     IDKind
		from, to ID
		in       uint32
		want     string
	}{
		{UID, db, host, 1000, "1000 → 101000"},
		{GID, db, host, 1000, "1000 → 201000"},
		{UID, host, db, 101000, "101000 → 1000"},
		{UID, host, db, 1000, "1000 → unmapped (shown as 65534)"},
		{UID, db, host, 65536, "unmapped (shown as 65534) → unmapped (shown as 65534)"},
		{UID, web, host, 33, "33"},
		{UID, inner, host, 5, "5 → 1005 → 101005"},
		{UID, inner, host, 1000, "1000 → 0 → 100000"},
		{UID, inner, host, 100, "unmapped (shown as 65534) → unmapped (shown as 65534) → unmapped (shown as 65534)"},
		{UID, host, inner, 101099, "101099 → 1099 → 99"},
		{UID, host, inner, 100000, "100000 → 0 → 1000"},
		{UID, host, inner, 100001, "100001 → 1 → unmapped (shown as 65534)"},
		{GID, inner, db, 0, "0 → 1000"},
		{UID, db, inner, 1005, "1005 → 5"},
		{UID, host, host, 4294967295, "unmapped (shown as 65534)"},
		{UID, host, id(77), 5, "5 → unknown (the uid map of user:[77] is not known)"},
		{UID, id(77), db, 5, "5 → unknown (the uid map of user:[77] is not known) → unknown (the uid map of user:[77] is not known)"},
	} {
		got := x.TranslateID(c.kind, c.from, c.to, c.in)
		if got.String() != c.want {
			t.Errorf("%s %d of %s in %s: %s, want %s", c.kind, c.in, c.from, c.to, got.String(), c.want)
		}
		if last := got.Result(); last.NS != c.to || got.Levels[0].NS != c.from {
			t.Errorf("%v does not lead from %s to %s", got, c.from, c.to)
		}
	}
}

func TestTranslateIDWithoutMaps(t *testing.T) {
	s := testHost()
	s.Scope = NewScope(FactTasks, nil)
	for i := range s.Namespaces {
		s.Namespaces[i].IDMap = nil
	}
	x := NewIndex(s)
	got := x.TranslateID(UID, id(inoDBUser), id(inoUser), 7)
	if got.String() != "7 → unknown (id maps were not looked at)" {
		t.Error(got.String())
	}
}

// A kernel's user namespaces, simulated: every id has a global kuid.
type simNS struct {
	parent *simNS
	ino    uint64
	kuids  []IDRange // inside → kuid
}

func (n *simNS) kuid(id uint32) uint32 {
	for _, r := range n.kuids {
		if r.hasInside(id) {
			return r.Outside + (id - r.Inside)
		}
	}
	return unmapped
}

func (n *simNS) id(kuid uint32) uint32 {
	for _, r := range n.kuids {
		if r.hasOutside(kuid) {
			return r.Inside + (kuid - r.Outside)
		}
	}
	return unmapped
}

// seenBy is what a reader in o sees in the uid_map of n, as uid_m_show of
// kernel/user_namespace.c prints it.
func (n *simNS) seenBy(o *simNS) []IDRange {
	lower := o
	if o == n && n.parent != nil {
		lower = n.parent
	}
	seen := []IDRange{}
	for _, r := range n.kuids {
		seen = append(seen, IDRange{r.Inside, lower.id(r.Outside), r.Count})
	}
	return seen
}

// genUserNS draws a tree of user namespaces with maps that the kernel takes:
// each range lies in one range of the parent's, and none overlap.
func genUserNS(t *rapid.T) []*simNS {
	top := &simNS{ino: 1, kuids: []IDRange{{0, 0, math.MaxUint32}}}
	tree := []*simNS{top}
	for ino := uint64(2); ino <= 6; ino++ {
		n := &simNS{ino: ino, parent: rapid.SampledFrom(tree).Draw(t, "parent")}
		inside := uint32(0)
		for _, p := range n.parent.kuids {
			if !rapid.Bool().Draw(t, "range") {
				continue
			}
			size := min(p.Count, 1000)
			skip := rapid.Uint32Range(0, size-1).Draw(t, "skip")
			count := rapid.Uint32Range(1, size-skip).Draw(t, "count")
			inside += rapid.Uint32Range(0, 3).Draw(t, "gap")
			n.kuids = append(n.kuids, IDRange{inside, p.Outside + skip, count})
			inside += count
		}
		tree = append(tree, n)
	}
	return tree
}

// TestPropertyTranslateID compares with the simulated kernel: nothing that is
// said is wrong, and nothing is unknown where the observer sees it all.
func TestPropertyTranslateID(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := genUserNS(t)
		observer := rapid.SampledFrom(tree).Draw(t, "observer")
		x := NewIndex(simSnapshot(tree, observer, rapid.Bool().Draw(t, "parents")))
		from, to := rapid.SampledFrom(tree).Draw(t, "from"), rapid.SampledFrom(tree).Draw(t, "to")
		in := rapid.Uint32Range(0, 1200).Draw(t, "id")
		got := x.TranslateID(UID, id(from.ino), id(to.ino), in)
		byIno := map[uint64]*simNS{}
		for _, n := range tree {
			byIno[n.ino] = n
		}
		kuid := from.kuid(in)
		for _, l := range got.Levels {
			n := byIno[l.NS.Ino]
			want := uint32(unmapped)
			if kuid != unmapped {
				want = n.id(kuid)
			}
			switch {
			case l.State == Mapped && (l.ID == nil || *l.ID != want):
				t.Fatalf("%d of %d: %s; in %d it is %d", in, from.ino, got.String(), n.ino, want)
			case l.State == Unmapped && want != unmapped:
				t.Fatalf("%d of %d: %s; in %d it is %d", in, from.ino, got.String(), n.ino, want)
			case l.State == Unknown && observer.parent == nil:
				t.Fatalf("%d of %d: %s, although all is in sight", in, from.ino, got.String())
			}
		}
	})
}

// simSnapshot is what an observer gets to see of a tree.
func simSnapshot(tree []*simNS, observer *simNS, parents bool) *Snapshot {
	s := &Snapshot{Format: Format, Scope: NewScope(FactsAll, nil), Host: Host{NSDev: 4}}
	s.Host.Observer.NS[LinkUser] = id(observer.ino)
	for _, n := range tree {
		ns := Namespace{ID: id(n.ino), Type: User, IDMap: &IDMap{UID: n.seenBy(observer)}}
		if n.parent != nil && parents {
			ns.Parent = id(n.parent.ino)
		}
		s.Namespaces = append(s.Namespaces, ns)
	}
	return s
}

func TestPIDs(t *testing.T) {
	s := testHost()
	s.Processes = append(s.Processes, Process{PID: 7000, NS: webLinks(), Info: &Info{Start: 1}}) // Linux before 4.1
	x := NewIndex(s)
	for _, c := range []struct {
		pid  int
		want string
	}{
		{1, "4:4026531836=1"},
		{3040, "4:4026531836=3040 4:4026532297=7"},
		{4010, "4:4026531836=4010 4:4026532312=7 4:4026532322=1"},
		{5000, "4:4026531836=5000"}, // a zombie
		{6000, "4:4026531836=6000"}, // unreadable
		{7000, "4:4026531836=7000"},
	} {
		var levels []string
		for _, l := range x.PIDLevels(x.Process(c.pid)) {
			levels = append(levels, fmt.Sprintf("%s=%d", l.NS, l.PID))
		}
		if got := strings.Join(levels, " "); got != c.want {
			t.Errorf("%d: %s, want %s", c.pid, got, c.want)
		}
	}
	host, web, db, inner := id(inoPID), id(inoWebPID), id(inoDBPID), id(inoInPID)
	for _, c := range []struct {
		from, to     ID
		pid, process int
		want         string
	}{
		{web, host, 7, 3040, "3040"},
		{host, web, 3040, 3040, "7"},
		{db, host, 7, 4010, "4010"},
		{inner, db, 1, 4010, "7"},
		{db, inner, 7, 4010, "1"},
		{db, inner, 1, 4000, "not visible"},
		{web, db, 7, 3040, "not visible"},
		{host, host, 1, 1, "1"},
		{web, host, 99, 0, "not visible"},
		{ID{}, host, 1, 0, "not visible"},
	} {
		got := x.TranslatePID(c.from, c.to, c.pid)
		text := "not visible"
		if got.PID != nil {
			text = fmt.Sprint(*got.PID)
		}
		if text != c.want || got.Process != c.process {
			t.Errorf("%d of %s in %s: %s of process %d, want %s of %d", c.pid, c.from, c.to, text, got.Process, c.want, c.process)
		}
	}
}

// TestTranslateIDRootless: the observer is in a user namespace of its own and
// sees its parent, whose own map tells it nothing.
func TestTranslateIDRootless(t *testing.T) {
	own, outer, inner, far := uint64(10), uint64(11), uint64(12), uint64(13)
	s := &Snapshot{Format: Format, Scope: NewScope(FactsAll, nil), Host: Host{NSDev: 4}}
	s.Host.Observer.NS[LinkUser] = id(own)
	s.Namespaces = []Namespace{
		{ID: id(own), Type: User, Parent: id(outer), IDMap: &IDMap{UID: []IDRange{{0, 1000, 1}, {1, 100000, 65536}}}},
		{ID: id(outer), Type: User, IDMap: &IDMap{UID: []IDRange{{0, 4294967295, 4294967295}}}},
		{ID: id(inner), Type: User, Parent: id(own), IDMap: &IDMap{UID: []IDRange{{0, 1, 10}}}},
		{ID: id(far), Type: User, Parent: id(outer), IDMap: &IDMap{UID: []IDRange{{0, 0, 1}, {1, 4294967295, 10}, {500, 7, 10}}}},
	}
	x := NewIndex(s)
	for _, c := range []struct {
		from, to uint64
		in       uint32
		want     string
	}{
		{own, outer, 0, "0 → 1000"},
		{own, outer, 5, "5 → 100004"},
		{outer, own, 1000, "1000 → 0"},
		{outer, own, 7, "7 → unknown (" + outOfSight + ")"},
		{inner, outer, 9, "9 → 10 → 100009"},
		{far, own, 0, "0 → 1000 → 0"},
		{far, own, 3, "3 → unknown (" + outOfSight + ") → unknown (" + outOfSight + ")"},
		{far, own, 501, "501 → unknown (" + outOfSight + ") → unknown (" + outOfSight + ")"},
		{far, own, 11, "unmapped (shown as 65534) → unmapped (shown as 65534) → unmapped (shown as 65534)"},
		{own, far, 7, "7 → 100006 → 500"},
		{own, far, 8, "8 → 100007 → unknown (" + outOfSight + ")"},
	} {
		if got := x.TranslateID(UID, id(c.from), id(c.to), c.in); got.String() != c.want {
			t.Errorf("%d of %d in %d: %s, want %s", c.in, c.from, c.to, got.String(), c.want)
		}
	}
}
