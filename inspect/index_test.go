package inspect

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestIndexLooksUp(t *testing.T) {
	x := NewIndex(testHost())
	if n := x.Namespace(id(inoWebNet)); n == nil || n.ID != id(inoWebNet) {
		t.Errorf("namespace %v", n)
	}
	if x.Namespace(id(1)) != nil || x.Namespace(ID{}) != nil || x.Process(0) != nil || x.Process(3038) != nil || x.Container("") != nil || x.Container("web1") != nil {
		t.Error("something is found that is not there")
	}
	if p := x.Process(3040); p == nil || p.PID != 3040 {
		t.Errorf("process %v", p)
	}
	if c := x.Container(dbID); c == nil || c.Name != "db1" {
		t.Errorf("container %v", c)
	}
	if x.Own(Net) != id(inoNet) || !x.IsOwn(id(inoNet)) || x.IsOwn(id(inoWebNet)) || x.IsOwn(ID{}) {
		t.Error("own namespaces are wrong")
	}
}

func TestIndexMembers(t *testing.T) {
	x := NewIndex(testHost())
	for _, c := range []struct {
		ino  uint64
		want string
		lead int
	}{
		{inoNet, "[1 2 900]", 1},
		{inoWebNet, "[3037 3040]", 3037},
		{inoDBNet, "[4000 4010]", 4000},
		{inoDBPID, "[4000]", 4000},
		{inoGhost, "[5000]", 5000}, // only a thread of a zombie leader
		{inoUser, "[1 2 900 3037 3040 5000]", 1},
		{inoBlue, "[]", 0},
		{1, "[]", 0},
	} {
		if got := fmt.Sprint(x.Members(id(c.ino))); got != c.want {
			t.Errorf("members of %d: %s, want %s", c.ino, got, c.want)
		}
		lead := 0
		if p := x.Lead(id(c.ino)); p != nil {
			lead = p.PID
		}
		if lead != c.lead {
			t.Errorf("lead of %d: %d, want %d", c.ino, lead, c.lead)
		}
	}
}

func TestIndexChildrenLinksMakeNoMember(t *testing.T) {
	s := testHost()
	s.Processes[2].NS[LinkPIDForChildren] = id(inoWebPID)
	if got := fmt.Sprint(NewIndex(s).Members(id(inoWebPID))); got != "[3037 3040]" {
		t.Errorf("members %s", got)
	}
}

func TestIndexLeadIsTheOldestKnown(t *testing.T) {
	s := testHost()
	x := NewIndex(s)
	x.Process(3037).Info.Start = 320 // the engine's pid came later than 3040
	if p := NewIndex(s).Lead(id(inoWebNet)); p.PID != 3040 {
		t.Errorf("lead %d", p.PID)
	}
	x.Process(3040).Info = nil
	if p := NewIndex(s).Lead(id(inoWebNet)); p.PID != 3037 {
		t.Errorf("with a start unknown: lead %d", p.PID)
	}
	x.Process(3037).Info = nil
	if p := NewIndex(s).Lead(id(inoWebNet)); p.PID != 3037 {
		t.Errorf("with all unknown: lead %d", p.PID)
	}
}

func TestIndexContainers(t *testing.T) {
	s := testHost()
	s.Processes = append(s.Processes,
		inContainer(process(8000, 1, 900, "sidecar", webLinks(), 9), dbID),
		inContainer(process(8001, 1, 900, "sidecar", webLinks(), 10), oldID),
		inContainer(process(8002, 1, 900, "on-the-host", hostLinks()), webID),
		inContainer(process(8003, 1, 901, "lost", webLinks()), "no-such-container"),
	)
	x := NewIndex(s)
	names := func(ino uint64) []string {
		list := []string{}
		for _, c := range x.ContainersOf(id(ino)) {
			list = append(list, c.Name)
		}
		return list
	}
	if got := names(inoWebNet); !slices.Equal(got, []string{"web1", "db1", "old"}) {
		t.Errorf("of a shared namespace: %v", got)
	}
	if got := names(inoNet); len(got) != 0 {
		t.Errorf("of the host's: %v", got)
	}
	if got := names(inoBlue); len(got) != 0 {
		t.Errorf("without process: %v", got)
	}
	if c := x.ContainerOf(8003); c != nil {
		t.Errorf("a container that is not there: %v", c)
	}
	if x.ContainerOf(6000) != nil || x.ContainerOf(1) != nil || x.ContainerOf(99) != nil {
		t.Error("in a container that it is not in")
	}
	if got := fmt.Sprint(x.ProcessesIn(webID)); got != "[3037 3040 8002]" {
		t.Errorf("processes of web1: %s", got)
	}
}

// A user who may not look at the host's processes sees that of a container as
// the oldest one in namespaces that are the host's.
func TestContainersOfOwn(t *testing.T) {
	s := testHost()
	s.Processes = slices.DeleteFunc(s.Processes, func(p Process) bool {
		return p.PID != s.Host.Observer.PID && (p.Info == nil || p.Info.Container == "")
	})
	x := NewIndex(s)
	own := x.Own(User)
	if lead := x.Lead(own); lead == nil || x.ContainerOf(lead.PID) == nil {
		t.Fatalf("the lead of the observer's user namespace is %v, not in a container", lead)
	}
	if got := x.ContainersOf(own); got != nil {
		t.Errorf("the host's user namespace belongs to %v", got)
	}
	x.Process(s.Host.Observer.PID).Info.Container = webID
	x = NewIndex(s)
	if got := x.ContainersOf(own); len(got) == 0 {
		t.Error("the user namespace of an observer in a container belongs to none")
	}
}

func TestIndexFamily(t *testing.T) {
	x := NewIndex(testHost())
	for _, c := range []struct{ name, got, want string }{
		{"children of 1", fmt.Sprint(x.ChildProcesses(1)), "[900 3037 4000 5000]"},
		{"children of 0", fmt.Sprint(x.ChildProcesses(0)), "[1 2]"},
		{"children of 7", fmt.Sprint(x.ChildProcesses(7)), "[]"},
		{"pid namespaces", fmt.Sprint(x.Children(id(inoPID))), "[4:4026532297 4:4026532312]"},
		{"user namespaces", fmt.Sprint(x.Children(id(inoDBUser))), "[4:4026532320]"},
		{"at the top", fmt.Sprint(x.Children(ID{})), "[4:4026531836 4:4026531837]"},
		{"owned", fmt.Sprint(x.Owned(id(inoDBUser))), "[4:4026532315 4:4026532320]"},
		{"ancestors", fmt.Sprint(x.Ancestors(id(inoInUser))), "[4:4026532310 4:4026531837]"},
		{"ancestors of the top", fmt.Sprint(x.Ancestors(id(inoUser))), "[]"},
		{"ancestors of nothing", fmt.Sprint(x.Ancestors(id(1))), "[]"},
		{"names", fmt.Sprint(x.Names(id(inoBlue))), "[blue]"},
		{"no names", fmt.Sprint(x.Names(id(inoNet))), "[]"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", c.name, c.got, c.want)
		}
	}
}

func TestIndexLoopEnds(t *testing.T) {
	s := &Snapshot{Namespaces: []Namespace{
		{ID: id(1), Type: PID, Parent: id(2)}, {ID: id(2), Type: PID, Parent: id(3)}, {ID: id(3), Type: PID, Parent: id(2)},
	}}
	if got := fmt.Sprint(NewIndex(s).Ancestors(id(1))); got != "[4:2 4:3]" {
		t.Errorf("ancestors %s", got)
	}
}

func TestIndexTakesAnyOrder(t *testing.T) {
	s := testHost()
	slices.Reverse(s.Processes)
	slices.Reverse(s.Namespaces)
	slices.Reverse(s.Containers)
	x := NewIndex(s)
	if x.Process(3037) == nil || x.Namespace(id(inoBlue)) == nil || x.Container(webID) == nil {
		t.Error("not found in a snapshot that is not sorted")
	}
	if s.Processes[0].PID != 6000 {
		t.Error("the snapshot was changed")
	}
	if again := NewIndex(x.Snapshot()); again.Snapshot() != x.Snapshot() {
		t.Error("a sorted snapshot is copied")
	}
}

// crowd is a host with n processes, a tenth of them in 500 containers.
func crowd(n int) *Snapshot {
	s := testHost()
	s.Processes = nil
	for c := range 500 {
		for k := range 5 {
			s.Namespaces = append(s.Namespaces, Namespace{ID: id(4026540000 + uint64(c*5+k)), Type: []Type{Mnt, Net, PID, IPC, UTS}[k], Owner: id(inoUser)})
		}
		s.Containers = append(s.Containers, Container{ID: fmt.Sprintf("%064x", c), Name: fmt.Sprint("c", c), Engine: "docker"})
	}
	for i := range n {
		p := process(i+1, 1, uint64(i), "worker", hostLinks())
		p.Info.Cgroups = []CgroupPath{{Path: "/system.slice/worker.service"}}
		if i%10 == 0 {
			c := i / 10 % 500
			base := 4026540000 + uint64(c*5)
			p.NS = p.NS.with(map[Link]uint64{LinkMnt: base, LinkNet: base + 1, LinkPID: base + 2, LinkIPC: base + 3, LinkUTS: base + 4})
			p.Info.Container = fmt.Sprintf("%064x", c)
		}
		s.Processes = append(s.Processes, p)
	}
	s.sort()
	return s
}

func BenchmarkIndex(b *testing.B) {
	for _, n := range []int{1000, 20000} {
		s := crowd(n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				x := NewIndex(s)
				for i := range s.Namespaces {
					x.ContainersOf(s.Namespaces[i].ID)
				}
			}
		})
	}
}

func BenchmarkSettle(b *testing.B) {
	s := crowd(20000)
	for b.Loop() {
		s.Settle()
	}
}

func BenchmarkDecode(b *testing.B) {
	s := crowd(20000)
	text := encode(b, s)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(strings.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	s := crowd(20000)
	b.SetBytes(int64(len(encode(b, s))))
	b.ReportAllocs()
	for b.Loop() {
		if err := Encode(io.Discard, s); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWords(b *testing.B) {
	x := NewIndex(crowd(20000))
	for b.Loop() {
		x.Words("1")
	}
}
