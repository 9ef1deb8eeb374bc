package live

import (
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
)

// Threads that differ are found also where a directory's link count does not
// count threads; and this kernel's does.
func TestCountThreads(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		many := livetest.Start(t, "threads", nil)
		root, err := openProc("/proc")
		if err != nil {
			t.Fatal(err)
		}
		dev, err := nsfsDevice(root, "/proc", 1)
		if err != nil {
			t.Fatal(err)
		}
		s := newProcTasks(root, "/proc", dev)
		if !s.counted {
			t.Error("the link count of a task directory does not count threads")
		}
		count := threadCounter{root: root}
		got, want := 0, 1
		for try := 0; got != want && try < 10; try++ { // a Go program makes threads when it pleases
			entries, err := os.ReadDir("/proc/" + strconv.Itoa(many.PID) + "/task")
			if err != nil {
				t.Fatal(err)
			}
			got, want = count.threads(many.PID), len(entries)
		}
		if got != want {
			t.Errorf("%d threads, want %d", got, want)
		}
		compareWays(t, s)
	})
}

// compareWays reads all tasks with and without the count.
func compareWays(t *testing.T, s *procTasks) {
	t.Helper()
	var p problems
	want, err := s.read(t.Context(), taskQuery{threads: true}, &p)
	if err != nil {
		t.Fatal(err)
	}
	s.counted = false
	got, err := s.read(t.Context(), taskQuery{threads: true}, &p)
	if diff := cmp.Diff(want, got); err != nil || diff != "" || len(p.all()) != 0 {
		t.Errorf("%v, problems %+v (-by count +by listing):\n%s", err, p.all(), diff)
	}
}

// Where the first process of a group has gone the next one is described.
func TestLeadThatIsGone(t *testing.T) {
	c, err := newCapture(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	links := inspect.Links{{Dev: 4, Ino: 1}}
	const none = 1<<22 + 1 // above any pid
	c.procs = []inspect.Process{{PID: none, NS: links}, {PID: none + 1, NS: links}, {PID: os.Getpid(), NS: links}, {PID: os.Getppid(), NS: links}}
	c.groups = groupTasks(c.procs)
	if err := c.readLeads(t.Context()); err != nil {
		t.Fatal(err)
	}
	described := slices.IndexFunc(c.procs, func(p inspect.Process) bool { return p.Info != nil })
	if described != 2 || c.procs[3].Info != nil || len(c.p.all()) != 0 {
		t.Errorf("process %d is described, want the third alone; problems %+v", described, c.p.all())
	}
}

// Looking at a process takes no memory.
func TestLinksAllocateNothing(t *testing.T) {
	c, err := newCapture(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	links, count := linkReader{root: c.root, dev: c.dev}, threadCounter{root: c.root}
	var ns inspect.Links
	pid := os.Getpid()
	if n := testing.AllocsPerRun(100, func() { err = links.process(pid, &ns) }); n != 0 || err != nil || ns.IsZero() {
		t.Errorf("links: %v allocations, %v", n, err)
	}
	threads := 0
	if n := testing.AllocsPerRun(100, func() { threads = count.threads(pid) }); n != 0 || threads == 0 {
		t.Errorf("threads: %v allocations, %d threads", n, threads)
	}
}
