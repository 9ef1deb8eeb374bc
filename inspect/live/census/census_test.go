package census_test

import (
	"testing"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/hold"
)

func TestMain(m *testing.M) { hold.Main(m) }

const deep = inspect.FactThreads | inspect.FactOwners | inspect.FactsHolders | inspect.FactsDeep

// held is what was made to be found.
type held struct {
	hold.Way
	*hold.Held
}

// startAll holds namespaces in all ways at once.
func startAll(t *testing.T) []held {
	t.Helper()
	livetest.Root(t)
	var all []held
	for _, w := range hold.Ways() {
		t.Run("make "+w.Name, func(inner *testing.T) {
			all = append(all, held{w, hold.StartUntil(t, inner, w)})
		})
	}
	if len(all) < 40 {
		t.Fatalf("only %d ways to hold a namespace could be made", len(all))
	}
	return all
}

func collect(t *testing.T, without ...string) *inspect.Snapshot {
	t.Helper()
	s, err := live.Collect(t.Context(), live.Options{Facts: deep, CensusWithout: without})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range s.Census.Steps {
		t.Logf("%s: skipped %q, found %d, %s %s", step.Name, step.Skipped, len(step.Found), step.Note, step.Effect)
	}
	return s
}

// collectUntil takes snapshots until one is as it should be, and returns the
// last: while other tests on the machine make and end namespaces, some inodes
// are in use that a moment later are not.
func collectUntil(t *testing.T, good func(*inspect.Snapshot) bool, without ...string) *inspect.Snapshot {
	t.Helper()
	s := collect(t, without...)
	for range 30 {
		if good(s) {
			break
		}
		s = collect(t, without...)
	}
	return s
}

// TestDeepFindsAll looks for everything that is held in whatever way.
func TestDeepFindsAll(t *testing.T) {
	all := startAll(t)
	s := collectUntil(t, func(s *inspect.Snapshot) bool { return s.Census.Complete || s.Census.Steps[0].Skipped != "" })
	if s.Census.Steps[0].Skipped != "" {
		livetest.Skip(t, "BPF: "+s.Census.Steps[0].Skipped)
	}
	x := inspect.NewIndex(s)
	for _, h := range all {
		found := x.Namespace(h.NS)
		switch {
		case h.Nothing && found != nil && found.RefCount != nil:
			t.Errorf("%s is called alive", h.Name)
		case h.Nothing:
		case h.NS.IsZero():
			checkUnborn(t, x, h)
		case found == nil:
			t.Errorf("%s: %s:[%d] is not found", h.Name, h.Held.Type, h.NS.Ino)
		case found.Type != h.Held.Type:
			t.Errorf("%s: %s:[%d] is called %s", h.Name, h.Held.Type, h.NS.Ino, found.Type)
		case h.Kind == inspect.RefProcNet:
			checkHolder(t, x, h)
		}
	}
	if !s.Census.Complete {
		t.Errorf("unaccounted for: %+v", s.Census.Unknown)
	}
}

// checkUnborn looks for a namespace that nobody was ever in: one of its kind
// that has no member, but a parent.
func checkUnborn(t *testing.T, x *inspect.Index, h held) {
	t.Helper()
	for _, ns := range x.Snapshot().Namespaces {
		if ns.Type == h.Held.Type && len(x.Members(ns.ID)) == 0 && !ns.Parent.IsZero() && len(x.RefsOf(ns.ID)) == 0 {
			return
		}
	}
	t.Errorf("%s: no %s namespace without member", h.Name, h.Held.Type)
}

func checkHolder(t *testing.T, x *inspect.Index, h held) {
	t.Helper()
	for _, r := range x.RefsOf(h.NS) {
		if r.Kind == h.Kind && r.PID == h.PID && !r.Candidate {
			return
		}
	}
	t.Errorf("%s: no %s of process %d among %+v", h.Name, h.Kind, h.PID, x.RefsOf(h.NS))
}

// TestInodesTellWhatIsHidden leaves the kernel's lists out: what is held then
// is either named by its handle or counted as unknown, never overlooked.
func TestInodesTellWhatIsHidden(t *testing.T) {
	all := startAll(t)
	s := collect(t, "bpf", "listns")
	x := inspect.NewIndex(s)
	for _, h := range all {
		if !h.Nothing && !h.NS.IsZero() && x.Namespace(h.NS) == nil && !unknown(s, h.NS.Ino) {
			t.Errorf("%s: %s:[%d] is overlooked", h.Name, h.Held.Type, h.NS.Ino)
		}
	}
	if s.Census.Complete != (len(s.Census.Unknown) == 0) {
		t.Errorf("complete %v, unknown %v", s.Census.Complete, s.Census.Unknown)
	}
}

func unknown(s *inspect.Snapshot, ino uint64) bool {
	for _, run := range s.Census.Unknown {
		if ino >= run.First && ino < run.First+uint64(run.Count) {
			return true
		}
	}
	return false
}

// TestHandleNamesWhatIsHidden lets a handle open the one namespace that
// nothing shows.
func TestHandleNamesWhatIsHidden(t *testing.T) {
	for _, w := range hold.Ways() {
		if w.Name != "net fscontext" && w.Name != "ipc attached shm" {
			continue
		}
		t.Run(w.Name, func(t *testing.T) {
			h := hold.Start(t, w)
			named := func(s *inspect.Snapshot) bool { return inspect.NewIndex(s).Namespace(h.NS) != nil }
			s := collectUntil(t, named, "bpf", "listns")
			for _, step := range s.Census.Steps {
				if step.Name == "handles" && step.Skipped != "" {
					livetest.Skip(t, "handles of namespaces: "+step.Skipped)
				}
			}
			ns := inspect.NewIndex(s).Namespace(h.NS)
			if ns == nil || ns.Type != h.Type || ns.Serial == 0 || ns.Owner.IsZero() {
				t.Errorf("%s:[%d] is %+v; unknown %+v", h.Type, h.NS.Ino, ns, s.Census.Unknown)
			}
		})
	}
}
