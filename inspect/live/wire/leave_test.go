package wire_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest/netlab"
	"nsinspect/inspect/live/wire"
)

// TestLeavesNothing holds that reading leaves no open file and no thread in
// another namespace behind.
func TestLeavesNothing(t *testing.T) {
	a, b, hidden := netlab.New(t), netlab.New(t), netlab.New(t)
	a.Veth("ab", b, "ba")
	a.Veth("ah", hidden, "ha")
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	before := openFiles(t)
	for range 5 {
		collect(t, wire.Facts, a, b)
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d open files before, %d after", before, after)
	}
	// A thread ends a moment after its goroutine.
	deadline := time.Now().Add(10 * time.Second)
	for {
		away := 0
		links, err := filepath.Glob("/proc/self/task/*/ns/net")
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links {
			if ns, err := os.Readlink(link); err == nil && ns != own {
				away++
			}
		}
		if away == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d threads are in other namespaces", away)
		}
		time.Sleep(time.Millisecond)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

// A source that is gone is left out; one that opens to something else too.
func TestGone(t *testing.T) {
	a, b := netlab.New(t), netlab.New(t)
	sources := []wire.Source{
		{ID: a.ID, Open: a.Open},
		{ID: inspect.ID{Dev: a.ID.Dev, Ino: 1}, Open: b.Open},
		{ID: inspect.ID{Dev: a.ID.Dev, Ino: 2}, Open: func() (int, error) { return -1, os.ErrNotExist }},
		{ID: b.ID, Open: func() (int, error) { return -1, os.ErrPermission }},
	}
	nets, problems := wire.Collect(t.Context(), wire.Options{Facts: inspect.FactNetwork, Sources: sources, ProcRoot: "/proc"})
	if len(nets) != 3 || !nets[0].Gone || !nets[1].Gone || nets[2].NS != a.ID || nets[2].Gone {
		t.Errorf("networks %+v, want two that are gone and that of a", nets)
	}
	if len(problems) != 1 || problems[0].Count != 1 || problems[0].Total != 4 || problems[0].Hint == "" {
		t.Errorf("problems %+v", problems)
	}
}
