package wire_test

import (
	"os"
	"testing"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
	"nsinspect/inspect/live/wire"
)

// TestLeavesNothing holds that reading leaves no open file and no thread in
// another namespace behind.
func TestLeavesNothing(t *testing.T) {
	a, b, hidden := netlab.New(t), netlab.New(t), netlab.New(t)
	a.Veth("ab", b, "ba")
	a.Veth("ah", hidden, "ha")
	before := livetest.OpenFiles(t)
	for range 5 {
		collect(t, wire.Facts, a, b)
	}
	if after := livetest.OpenFiles(t); after != before {
		t.Errorf("%d open files before, %d after", before, after)
	}
	livetest.AwaitNetHome(t)
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
