package live_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

func sortedNamespaces(list []inspect.Namespace) []inspect.Namespace {
	slices.SortFunc(list, func(a, b inspect.Namespace) int { return a.ID.Compare(b.ID) })
	return list
}

func number(t *testing.T, word string) int {
	t.Helper()
	n, err := strconv.Atoi(word)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Threads that went elsewhere are listed, the others are not.
func TestThreadsThatDiffer(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		c := livetest.Start(t, "threads", nil)
		x := inspect.NewIndex(capture(t, live.Options{}))
		var want []inspect.Thread
		for _, word := range c.Words[:3] {
			tid := number(t, word)
			want = append(want, inspect.Thread{
				TID: tid, Comm: comm(t, tid), NS: wantLinks(t, fmt.Sprintf("/proc/%d/task/%d", c.PID, tid)),
			})
		}
		slices.SortFunc(want, func(a, b inspect.Thread) int { return a.TID - b.TID })
		p := x.Process(c.PID)
		if diff := cmp.Diff(want, p.Threads); diff != "" {
			t.Errorf("threads (-want +got):\n%s", diff)
		}
		away := want[slices.IndexFunc(want, func(th inspect.Thread) bool { return fmt.Sprint(th.TID) == c.Words[0] })]
		for _, typ := range []inspect.Type{inspect.Net, inspect.UTS} {
			ns := x.Namespace(away.NS.Of(typ))
			if ns == nil || ns.Owner != x.Own(inspect.User) {
				t.Errorf("the thread's %s namespace: %+v", typ, ns)
			}
		}
		if uts := x.Namespace(away.NS.Of(inspect.UTS)).UTS; uts == nil || uts.Hostname == "" {
			t.Errorf("the thread's hostname: %+v", uts)
		}

		fewer := inspect.NewIndex(capture(t, live.Options{Facts: taskFacts &^ inspect.FactThreads}))
		if p := fewer.Process(c.PID); len(p.Threads) != 0 {
			t.Errorf("threads were not asked for: %+v", p.Threads)
		}
	})
}

// A process whose first thread has ended is still there by its others.
func TestZombieLeader(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		c := livetest.Start(t, "zombie", nil)
		tid := number(t, c.Words[0])
		s := capture(t, live.Options{})
		p := inspect.NewIndex(s).Process(c.PID)
		if p == nil || p.Info == nil || p.Info.State != "Z" {
			t.Fatalf("no zombie: %+v", p)
		}
		if id := p.NS.Of(inspect.Net); !id.IsZero() {
			t.Errorf("the zombie is in network namespace %s", id)
		}
		i := slices.IndexFunc(p.Threads, func(th inspect.Thread) bool { return th.TID == tid })
		if i < 0 {
			t.Fatalf("thread %d is missing in %+v", tid, p.Threads)
		}
		if diff := cmp.Diff(wantLinks(t, fmt.Sprintf("/proc/%d/task/%d", c.PID, tid)), p.Threads[i].NS); diff != "" {
			t.Errorf("links of the living thread (-want +got):\n%s", diff)
		}
		if len(s.Problems) != 0 {
			t.Errorf("problems: %+v", s.Problems)
		}
	})
}

// A user namespace without a process is seen as the parent of another one.
func TestAncestorWithoutProcess(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		c := livetest.Start(t, "orphan", &syscall.SysProcAttr{
			Cloneflags:  unix.CLONE_NEWUSER,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}},
		})
		links := wantLinks(t, fmt.Sprintf("/proc/%d", c.PID))
		middle := links.Of(inspect.User)
		child := number(t, c.Words[0])
		c.Stop()
		x := inspect.NewIndex(capture(t, live.Options{}))
		if got := x.Members(middle); len(got) != 0 {
			t.Fatalf("processes %d are in the namespace that was to be empty", got)
		}
		uid := uint32(0)
		want := &inspect.Namespace{
			ID: middle, Type: inspect.User, Owner: x.Own(inspect.User), Parent: x.Own(inspect.User), OwnerUID: &uid,
		}
		got := x.Namespace(middle)
		if got == nil {
			t.Fatal("the namespace in between is missing")
		}
		want.Serial = got.Serial
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the namespace in between (-want +got):\n%s", diff)
		}
		last := x.Namespace(x.Process(child).NS.Of(inspect.User))
		wantMap := &inspect.IDMap{
			UID:       []inspect.IDRange{{Inside: 7, Outside: 0, Count: 1}},
			GID:       []inspect.IDRange{{Inside: 8, Outside: 0, Count: 1}},
			Setgroups: "deny",
		}
		if diff := cmp.Diff(wantMap, last.IDMap); diff != "" || last.Parent != middle {
			t.Errorf("parent %s, want %s; id map (-want +got):\n%s", last.Parent, middle, diff)
		}
	})
}

// Nested pid namespaces: every level has its own number.
func TestNestedPIDNamespaces(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		c := livetest.Start(t, "idle", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID})
		x := inspect.NewIndex(capture(t, live.Options{}))
		p := x.Process(c.PID)
		if diff := cmp.Diff([]int{c.PID, 1}, p.Info.NSpid); diff != "" {
			t.Errorf("NSpid (-want +got):\n%s", diff)
		}
		if ns := x.Namespace(p.NS.Of(inspect.PID)); ns.Parent != x.Own(inspect.PID) {
			t.Errorf("parent %s, want the sandbox %s", ns.Parent, x.Own(inspect.PID))
		}
	})
}

func TestTimeOffsets(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		c := livetest.Start(t, "offset", nil)
		x := inspect.NewIndex(capture(t, live.Options{}))
		p := x.Process(number(t, c.Words[0]))
		ns := x.Namespace(p.NS.Of(inspect.Time))
		want := &inspect.TimeOffsets{
			Monotonic: 7*24*time.Hour + 500*time.Millisecond,
			Boottime:  -5*time.Second + time.Nanosecond,
		}
		if diff := cmp.Diff(want, ns.TimeOffsets); diff != "" {
			t.Errorf("offsets (-want +got):\n%s", diff)
		}
		if own := x.Namespace(x.Own(inspect.Time)); own.TimeOffsets == nil || *own.TimeOffsets != (inspect.TimeOffsets{}) {
			t.Errorf("own offsets %+v", own.TimeOffsets)
		}
	})
}

// The 64-bit id of a namespace is the one that NS_GET_ID tells of the file.
func TestSerials(t *testing.T) {
	s := capture(t, live.Options{})
	x := inspect.NewIndex(s)
	for _, typ := range inspect.Types {
		fd, err := unix.Open("/proc/self/ns/"+typ.String(), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		want, err := serialOf(fd)
		unix.Close(fd)
		if err != nil && !strings.Contains(err.Error(), "inappropriate ioctl") {
			t.Fatal(err)
		}
		if got := x.Namespace(x.Own(typ)).Serial; got != want {
			t.Errorf("serial of own %s namespace is %d, want %d", typ, got, want)
		}
	}
}
