package inspect

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// lines says in one line each what a delta has.
func (d *Delta) lines() string {
	var lines []string
	for _, c := range d.Namespaces {
		lines = append(lines, fmt.Sprintf("%s %s joined %v left %v %v", c.Change, linkText(c.Type, c.ID), c.Joined, c.Left, c.Fields))
	}
	for _, c := range d.Processes {
		lines = append(lines, fmt.Sprintf("%s pid %d %s %v", c.Change, c.PID, c.Comm, c.Fields))
	}
	for _, c := range d.Containers {
		lines = append(lines, fmt.Sprintf("%s container %s %v", c.Change, c.Name, c.Fields))
	}
	return strings.Join(append(lines, d.Cautions...), "\n")
}

// without returns s without the processes that match.
func without(s *Snapshot, match func(p *Process) bool) *Snapshot {
	s.Processes = slices.DeleteFunc(s.Processes, func(p Process) bool { return match(&p) })
	return s
}

func TestDiff(t *testing.T) {
	edit := func(change func(s *Snapshot, x *Index)) *Snapshot {
		s := testHost()
		change(s, NewIndex(s))
		return s
	}
	for _, c := range []struct {
		name string
		b    *Snapshot
		want []string
	}{
		{"the same", testHost(), nil},
		{"a process went", edit(func(s *Snapshot, _ *Index) { without(s, func(p *Process) bool { return p.PID == 3040 }) }), []string{
			"changed net:[4026532299] joined [] left [3040] []",
			"changed pid:[4026532297] joined [] left [3040] []",
			"went pid 3040 nginx []",
		}},
		{"a namespace went with its process", edit(func(s *Snapshot, _ *Index) {
			without(s, func(p *Process) bool { return p.PID == 4010 })
			s.Namespaces = slices.DeleteFunc(s.Namespaces, func(n Namespace) bool { return n.ID.Ino == inoInPID || n.ID.Ino == inoInUser })
		}), []string{
			"went pid:[4026532322] joined [] left [4010] []", "went user:[4026532320] joined [] left [4010] []", "went pid 4010 runc []",
		}},
		{"another nsinspect looked", edit(func(s *Snapshot, x *Index) {
			x.Process(900).PID = 901
			s.Host.Observer.PID = 901
		}), nil},
		{"a pid was used again", edit(func(_ *Snapshot, x *Index) { x.Process(3040).Info.Start = 999 }), []string{
			"changed net:[4026532299] joined [3040] left [3040] []", "went pid 3040 nginx []", "appeared pid 3040 nginx []",
		}},
		{"a process moved", edit(func(_ *Snapshot, x *Index) { x.Process(2).NS[LinkNet] = id(inoBlue) }), []string{
			"changed net:[4026531840] joined [] left [2] []", "changed net:[4026532400] joined [2] left [] []",
			"changed pid 2 kthreadd [{net 4:4026531840 4:4026532400}]",
		}},
		{"an inode was used again", edit(func(_ *Snapshot, x *Index) { x.Namespace(id(inoWebNet)).Serial = 7 }), []string{
			"went net:[4026532299] joined [] left [3037 3040] []", "appeared net:[4026532299] joined [3037 3040] left [] []",
		}},
		{"an inode went to another kind", edit(func(s *Snapshot, x *Index) {
			x.Namespace(id(inoBlue)).Type = UTS
			s.Refs = nil
		}), []string{
			"went net:[4026532400] joined [] left [] []", "appeared uts:[4026532400] joined [] left [] []",
		}},
		{"a link became unreadable", edit(func(_ *Snapshot, x *Index) { x.Process(3040).NS = Links{} }), nil},
		{"a process became a zombie", edit(func(_ *Snapshot, x *Index) {
			x.Process(3040).NS = Links{}
			x.Process(3040).Info.State = "Z"
		}), []string{"changed net:[4026532299] joined [] left [3040] []"}},
		{"the only process became unreadable", edit(func(s *Snapshot, x *Index) {
			x.Process(4010).NS = Links{}
			s.Namespaces = slices.DeleteFunc(s.Namespaces, func(n Namespace) bool { return n.ID.Ino == inoInUser })
		}), []string{"1 namespaces that only one of the two has are left out"}},
		{"names were not looked at", edit(func(s *Snapshot, _ *Index) {
			s.Namespaces = slices.DeleteFunc(s.Namespaces, func(n Namespace) bool { return n.ID.Ino == inoBlue })
			s.Scope = NewScope(FactsAll&^FactNames, nil)
		}), []string{"1 namespaces that only one of the two has are left out"}},
		{"threads were not looked at", edit(func(s *Snapshot, x *Index) {
			x.Process(5000).Threads = nil
			s.Scope = NewScope(FactsAll&^FactThreads, nil)
		}), []string{"threads were looked at for only one of the two"}},
		{"contents", edit(func(_ *Snapshot, x *Index) {
			x.Namespace(id(inoDBUser)).IDMap = &IDMap{Setgroups: "allow", GID: []IDRange{{0, 200000, 65536}}}
		}), []string{"changed user:[4026532310] joined [] left [] [{uid_map [{0 100000 65536}] []}]"}},
		{"containers", edit(func(s *Snapshot, _ *Index) {
			s.Containers[0].State = "paused"
			s.Containers[2] = Container{ID: "new", Engine: "docker"}
		}), []string{"changed container web1 [{state running paused}]", "appeared container new []", "went container old []"}},
		{"containers were not looked at", edit(func(s *Snapshot, _ *Index) {
			s.Scope = NewScope(FactsAll&^FactContainers, nil)
			s.Containers = nil
		}), []string{"containers were looked at for only one of the two"}},
		{"booted", edit(func(s *Snapshot, _ *Index) {
			s.Host.BootID, s.Processes = "other", nil
			s.Containers[1].PID = 4001
		}), []string{"changed container db1 [{pid 4000 4001}]", "they are of different hosts, or the host was booted in between"}},
		{"another user", edit(func(s *Snapshot, _ *Index) { s.Host.Observer.EUID = 1000 }), []string{"they were taken by different users (uid 0, uid 1000)"}},
		{"another pid namespace", edit(func(s *Snapshot, _ *Index) {
			s.Host.Observer.NS[LinkPID] = id(inoWebPID)
			without(s, func(p *Process) bool { return p.PID == 3040 })
		}), []string{"they were taken from different pid namespaces"}},
	} {
		d := Diff(testHost(), c.b)
		got := d.lines()
		rest := got
		for _, want := range c.want {
			if !strings.Contains(rest, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, got)
			}
			rest = strings.Replace(rest, want, "", 1)
		}
		if c.want == nil && (got != "" || !d.IsEmpty()) {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

func TestDiffSaysItInJSON(t *testing.T) {
	b := testHost()
	b.Host.BootID = "other"
	text, err := json.Marshal(Diff(testHost(), b))
	want := `{"same_boot":false,"cautions":["they are of different hosts, or the host was booted in between: pids and inodes are not comparable"],"namespaces":[],"processes":[],"containers":[]}`
	if err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	b.Host.BootID = ""
	if d := Diff(testHost(), b); d.SameBoot != nil {
		t.Error("the boot is not known, and said to be the same")
	}
}

// TestPropertyDiff: nothing differs from itself, and what appears one way
// went the other way.
func TestPropertyDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := genSnapshot(t), genSnapshot(t)
		if d := Diff(a, a); !d.IsEmpty() {
			t.Fatalf("differs from itself: %s", d.lines())
		}
		there, back := Diff(a, b), Diff(b, a)
		mirror := map[ChangeKind]ChangeKind{Appeared: Went, Went: Appeared, Changed: Changed}
		count := func(d Delta, mirrored bool) map[string]int {
			n := map[string]int{}
			for _, c := range d.Namespaces {
				if mirrored {
					c.Change, c.Joined, c.Left = mirror[c.Change], c.Left, c.Joined
				}
				n[fmt.Sprint(c.Change, c.ID, c.Type, c.Joined, c.Left)]++
			}
			for _, c := range d.Processes {
				if mirrored {
					c.Change = mirror[c.Change]
				}
				n[fmt.Sprint(c.Change, c.PID)]++
			}
			return n
		}
		if x, y := fmt.Sprint(count(there, false)), fmt.Sprint(count(back, true)); x != y {
			t.Fatalf("there %s\nback %s", x, y)
		}
	})
}
