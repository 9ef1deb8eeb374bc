package inspect

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Words that mean something in more than one way.
var trickyWords = []string{
	"", "1", "7", "12", "web", "web1", "blue", "self", "pid", "net", "docker", "id", "/run/netns/blue", "docker:web", "net:[7]", "ab", "abc",
	"abcdef012345", "99999999", "999999991234", "a:b", ":", "[", "\x1b[0m", "..", "/proc/7/ns/net", "pid:7", "\xff", "shop/web", "netns:blue",
}

// genLinks draws few distinct ids, some of which no namespace has.
func genLinks(t *rapid.T) Links {
	var l Links
	for i := range l {
		if n := rapid.Uint64Range(0, 4).Draw(t, "n"); n > 0 {
			l[i] = ID{Dev: 4, Ino: uint64(Link(i).Type())*10 + n}
		}
	}
	return l
}

// genSnapshot draws a small snapshot that a file can hold: ids that clash in
// text with pids and names, links that lead nowhere, nested maps.
func genSnapshot(t *rapid.T) *Snapshot {
	word := rapid.SampledFrom(trickyWords)
	s := &Snapshot{Format: Format, Scope: NewScope(Facts(rapid.Uint32().Draw(t, "facts"))&FactsAll, nil), Host: Host{NSDev: 4}}
	s.Host.Observer = Observer{PID: rapid.IntRange(0, 15).Draw(t, "observer"), NS: genLinks(t)}
	for _, kind := range Types {
		for n := uint64(1); n <= 4; n++ {
			if rapid.Bool().Draw(t, "exists") {
				s.Namespaces = append(s.Namespaces, genNamespace(t, kind, n))
			}
		}
	}
	for pid := 1; pid <= 15; pid++ {
		if rapid.Bool().Draw(t, "exists") {
			s.Processes = append(s.Processes, genProcess(t, pid, word))
		}
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "containers") {
		s.Containers = append(s.Containers, Container{
			ID: word.Draw(t, "id") + fmt.Sprint(i), Name: word.Draw(t, "name"), PID: rapid.IntRange(0, 15).Draw(t, "pid"),
			Engine: rapid.SampledFrom([]string{"docker", "podman", "pid", "", "a:b", "/x"}).Draw(t, "engine"),
			Labels: map[string]string{"com.docker.compose.service": word.Draw(t, "service"), "com.docker.compose.project": "shop"},
		})
	}
	for range rapid.IntRange(0, 4).Draw(t, "refs") {
		s.Refs = append(s.Refs, Ref{
			NS: ID{4, rapid.Uint64Range(11, 99).Draw(t, "ns")}, Kind: RefMount,
			Path: "/run/netns/" + word.Draw(t, "path"), Name: word.Draw(t, "name"),
		})
	}
	s.Settle()
	s.Problems = nil
	return s
}

func genNamespace(t *rapid.T, kind Type, n uint64) Namespace {
	ns := Namespace{ID: ID{4, uint64(kind)*10 + n}, Type: kind, Serial: rapid.Uint64Range(0, 3).Draw(t, "serial")}
	if kind == User || kind == PID { // parents have lower numbers: no loops
		if up := rapid.Uint64Range(0, n-1).Draw(t, "parent"); up > 0 {
			ns.Parent = ID{4, uint64(kind)*10 + up}
		}
	}
	if owner := rapid.Uint64Range(0, 5).Draw(t, "owner"); owner > 0 && kind != User {
		ns.Owner = ID{4, uint64(User)*10 + owner}
	}
	if kind == User && rapid.Bool().Draw(t, "mapped") {
		ranges := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) IDRange {
			return IDRange{
				rapid.Uint32Range(0, 50).Draw(t, "in"),
				rapid.SampledFrom([]uint32{0, 5, 100, 1000, 4294967290, 4294967295}).Draw(t, "out"),
				rapid.SampledFrom([]uint32{1, 10, 65536, 4294967200}).Draw(t, "count"),
			}
		}), 0, 3)
		ns.IDMap = &IDMap{UID: ranges.Draw(t, "uid"), GID: ranges.Draw(t, "gid"), Setgroups: "deny"}
	}
	return ns
}

func genProcess(t *rapid.T, pid int, word *rapid.Generator[string]) Process {
	p := Process{PID: pid, NS: genLinks(t)}
	if rapid.Bool().Draw(t, "threads") {
		p.Threads = []Thread{{TID: 100 + pid, NS: genLinks(t)}}
	}
	if rapid.Bool().Draw(t, "info") {
		p.Info = &Info{
			PPID: rapid.IntRange(0, 15).Draw(t, "ppid"), Start: rapid.Uint64Range(0, 9).Draw(t, "start"),
			State: rapid.SampledFrom([]string{"S", "Z", ""}).Draw(t, "state"), Comm: word.Draw(t, "comm"),
			NSpid:   append([]int{pid}, rapid.SliceOfN(rapid.IntRange(1, 9), 0, 3).Draw(t, "nspid")...),
			Threads: rapid.IntRange(0, 2).Draw(t, "count"), Container: word.Draw(t, "container"),
		}
	}
	return p
}

func TestPropertyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genSnapshot(t)
		var first, second strings.Builder
		if err := Encode(&first, s); err != nil {
			t.Fatal(err)
		}
		got, err := Decode(strings.NewReader(first.String()))
		if err != nil {
			t.Fatal(err)
		}
		if err := Encode(&second, got); err != nil {
			t.Fatal(err)
		}
		if first.String() != second.String() {
			t.Fatalf("\n%s\n%s", first.String(), second.String())
		}
	})
}

func TestPropertyTextMeansItsTargetAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := NewIndex(genSnapshot(t))
		prefix := rapid.SampledFrom([]string{"", "", "docker:", "id:", "netns:", "net:", "pid:"}).Draw(t, "prefix")
		checkWord(t, x, prefix+rapid.SampledFrom(trickyWords).Draw(t, "word"))
	})
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkWord resolves a word and asserts that what comes of it holds: each
// text means its target and no other.
func checkWord(t fataler, x *Index, word string) {
	t.Helper()
	found := []Target{}
	switch target, err := x.Resolve(word); e := err.(type) {
	case nil:
		found = append(found, target)
	case *AmbiguousError:
		found = e.Candidates
		if len(found) < 2 || e.Hint() == "" || e.Error() == "" {
			t.Fatalf("%q: %v between %v", word, e, found)
		}
	case *NotFoundError:
		if e.Hint() == "" || e.Error() == "" {
			t.Fatalf("%q: an error without words", word)
		}
	case *UnreadableError:
		if e.Error() == "" {
			t.Fatalf("%q: an error without words", word)
		}
	default:
		t.Fatalf("%q: error of type %T", word, err)
	}
	for _, target := range found {
		again, err := x.Resolve(target.Text)
		if err != nil || !again.same(target) {
			t.Fatalf("%q is %s (%s), and that is %v %v", word, brief(target), target.Text, again, err)
		}
		if links, err := x.NamespacesOf(target); (err == nil) == links.IsZero() {
			t.Fatalf("%s: namespaces %v, error %v", target, links, err)
		}
	}
	for _, w := range x.Words(word) {
		if _, err := x.Resolve(w.Text); err != nil || !strings.HasPrefix(w.Text, word) {
			t.Fatalf("%q is completed to %q: %v", word, w.Text, err)
		}
	}
}

func TestPropertyMembers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := genSnapshot(t)
		x := NewIndex(s)
		for ino := uint64(1); ino < 100; ino++ {
			ns := ID{4, ino}
			var want []int
			var lead *Process
			for i := range s.Processes {
				p := &s.Processes[i]
				if !isMember(p, ns) {
					continue
				}
				want = append(want, p.PID)
				if lead == nil || p.Info != nil && (lead.Info == nil || p.Info.Start < lead.Info.Start) {
					lead = p
				}
			}
			if got := x.Members(ns); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("members of %s: %v, want %v", ns, got, want)
			}
			if got := x.Lead(ns); got != lead {
				t.Fatalf("lead of %s: %v, want %v", ns, got, lead)
			}
		}
	})
}

func isMember(p *Process, ns ID) bool {
	tasks := []Links{p.NS}
	for _, th := range p.Threads {
		tasks = append(tasks, th.NS)
	}
	for _, l := range tasks {
		for _, t := range Types {
			if l.Of(t) == ns {
				return true
			}
		}
	}
	return false
}
