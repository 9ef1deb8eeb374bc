package holders_test

import (
	"testing"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest/hold"
)

func TestMain(m *testing.M) { hold.Main(m) }

// TestHolders makes each holder and looks for it among the files of the
// process that has it, and among all mounts.
func TestHolders(t *testing.T) {
	for _, w := range hold.Ways() {
		t.Run(w.Name, func(t *testing.T) {
			h := hold.Start(t, w)
			s := look(t, h)
			found := inspect.NewIndex(s).Namespace(h.NS) != nil
			refs := refsOf(s, h.NS)
			switch {
			case w.Nothing && (found || len(refs) > 0):
				t.Errorf("%s is called held: %+v", h.NS, refs)
			case w.Found == hold.ByScan && !found:
				t.Errorf("%s:[%d] is not found", h.Type, h.NS.Ino)
			case w.Found == hold.ByPeek || w.Found == hold.ByScan:
				checkRef(t, w, h, s)
			}
			checkProblems(t, s)
		})
	}
}

// look captures what the process holds, by default and with a peek.
func look(t *testing.T, h *hold.Held) *inspect.Snapshot {
	t.Helper()
	s, err := live.Collect(t.Context(), live.Options{
		Facts: inspect.FactThreads | inspect.FactOwners | inspect.FactsHolders | inspect.FactInFlight, Only: []int{h.PID},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func refsOf(s *inspect.Snapshot, id inspect.ID) []inspect.Ref {
	var refs []inspect.Ref
	for _, r := range s.Refs {
		if r.NS == id {
			refs = append(refs, r)
		}
	}
	return refs
}

func checkRef(t *testing.T, w hold.Way, h *hold.Held, s *inspect.Snapshot) {
	t.Helper()
	ns := inspect.NewIndex(s).Namespace(h.NS)
	if ns == nil || ns.Type != h.Type {
		t.Fatalf("%s:[%d] is %+v", h.Type, h.NS.Ino, ns)
	}
	if w.Kind == "" {
		return
	}
	for _, r := range refsOf(s, h.NS) {
		byMount := r.Kind == inspect.RefMount && r.MountNS == h.Also && !h.Also.IsZero()
		if r.Kind == w.Kind && (r.PID == h.PID || byMount) {
			return
		}
	}
	t.Errorf("no %s of process %d among %+v", w.Kind, h.PID, refsOf(s, h.NS))
}

func checkProblems(t *testing.T, s *inspect.Snapshot) {
	t.Helper()
	for _, p := range s.Problems {
		t.Errorf("problem: %+v", p)
	}
}
