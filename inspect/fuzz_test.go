package inspect

import (
	"strings"
	"testing"
)

// FuzzParseLink: what is parsed prints as it was read.
func FuzzParseLink(f *testing.F) {
	for _, s := range []string{"net:[4026531833]", "mnt:[1]", "mount:[1]", "net:[0]", "net:[01]", "net:[1", "pid_for_children:[3]", "net:[+1]", "time:[18446744073709551615]", "net:[18446744073709551616]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kind, ino, err := ParseLink(text)
		if err != nil {
			return
		}
		if !kind.Valid() || ino == 0 || linkText(kind, ID{1, ino}) != text {
			t.Errorf("%q was read as %s %d", text, kind, ino)
		}
	})
}

// FuzzDecode: what is read can be written and read again without change, and
// no question about it panics.
func FuzzDecode(f *testing.F) {
	for _, s := range smallSnapshots() {
		f.Add(encode(f, s))
	}
	f.Add(`{"format":1,"scope":{"facts":["tasks"]},"host":{"ns_dev":4},"namespaces":[{"id":"4:9","type":"user","id_map":{"uid":null}}],"processes":[{"pid":7,"x":1}]}`)
	f.Add(`{"format":1,"scope":{},"host":{"observer":{"pid":1}},"namespaces":[],"processes":[{"pid":1,"info":{"nspid":[]}}],"refs":[],"networks":null}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Decode(strings.NewReader(text))
		if err != nil {
			if err.Error() == "" || s != nil {
				t.Errorf("refused without a reason, or refused and returned")
			}
			return
		}
		written := encode(t, s)
		again, err := Decode(strings.NewReader(written))
		if err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, written)
		}
		if diff := diffSnapshots(s, again); diff != "" {
			t.Error(diff)
		}
		if twice := encode(t, again); twice != written {
			t.Errorf("written twice differs:\n%s%s", written, twice)
		}
		ask(t, s)
	})
}

// smallSnapshots are a few with one of each thing: what is small is mutated
// fast.
func smallSnapshots() []*Snapshot {
	host := testHost()
	empty := func() *Snapshot { return &Snapshot{Format: Format, Host: Host{NSDev: 4}} }
	user, process, thread, container, ref := empty(), empty(), empty(), empty(), empty()
	user.Namespaces = []Namespace{*NewIndex(host).Namespace(id(inoInUser)), {ID: id(7), Type: PID, Parent: id(8)}}
	process.Processes = host.Processes[6:7]
	process.Containers = host.Containers[:1]
	thread.Processes = host.Processes[7:8]
	thread.Scope.Focus = []int{5000}
	container.Containers = host.Containers[1:]
	container.Host.Users = host.Host.Users
	ref.Refs, ref.Problems = host.Refs, host.Problems
	ref.Networks = []Network{{NS: id(inoBlue), Facts: []string{"network"}, NSIDs: []NSID{{NSID: 1, Dark: 1}}}, {Dark: 1, Via: &Via{NS: id(inoBlue)}}}
	return []*Snapshot{empty(), user, process, thread, container, ref}
}

// ask puts every question to an index.
func ask(t *testing.T, s *Snapshot) {
	x := NewIndex(s)
	for i := range s.Namespaces {
		id := s.Namespaces[i].ID
		if x.Namespace(id) != &s.Namespaces[i] {
			t.Errorf("namespace %s is not found", id)
		}
		if lead := x.Lead(id); lead == nil != (len(x.Members(id)) == 0) {
			t.Errorf("namespace %s has lead %v and members %v", id, lead, x.Members(id))
		}
		x.ContainersOf(id)
		x.Names(id)
		x.RefsOf(id)
		x.Ancestors(id)
		x.Children(id)
		x.Owned(id)
		x.IsOwn(id)
		checkWord(t, x, linkText(s.Namespaces[i].Type, id))
		if tr := x.TranslateID(GID, id, x.Own(User), 1000); len(tr.Levels) == 0 || tr.Levels[0].NS != id || tr.String() == "" {
			t.Errorf("gid 1000 of %s: %+v", id, tr)
		}
	}
	for i := range s.Processes {
		if x.Process(s.Processes[i].PID) != &s.Processes[i] {
			t.Errorf("process %d is not found", s.Processes[i].PID)
		}
		checkWord(t, x, targetProcess(s.Processes[i].PID).Text)
		levels := x.PIDLevels(&s.Processes[i])
		if levels[0].PID != s.Processes[i].PID {
			t.Errorf("process %d has the pids %v", s.Processes[i].PID, levels)
		}
		x.TranslatePID(levels[len(levels)-1].NS, x.Own(PID), levels[len(levels)-1].PID)
	}
	for i := range s.Containers {
		checkWord(t, x, s.Containers[i].Name)
		checkWord(t, x, "id:"+s.Containers[i].ID)
	}
	checkWord(t, x, "self")
	if d := Diff(s, s); !d.IsEmpty() {
		t.Errorf("it differs from itself: %s", d.lines())
	}
}

// FuzzResolve: no word panics, and what a word means can be said in a word
// that means nothing else.
func FuzzResolve(f *testing.F) {
	for _, w := range trickyWords {
		f.Add(w)
	}
	for _, w := range []string{"/proc/7/task/8/ns/net", "/proc/self/ns/", "/proc//7", "/proc/7/fd/-1", "mount:[3]", "pid:4026531836", "service:shop/web", "id:", "/var/run/netns/"} {
		f.Add(w)
	}
	s := testHost()
	s.Containers = append(s.Containers, Container{ID: "c1", Name: "blue", Engine: "podman"}, Container{ID: "c2", Name: "1", Engine: "lxc"})
	x := NewIndex(s)
	f.Fuzz(func(t *testing.T, word string) { checkWord(t, x, word) })
}
