package live_test

import (
	"bytes"
	"testing"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

// Processes that come and go while we look are no problem, and cost us none
// of those that stay.
func TestForkStorm(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		idle := livetest.Start(t, "idle", nil)
		for range 2 {
			livetest.Storm(t, 10_000_000)
		}
		passing := 0
		for range 300 {
			s := capture(t, live.Options{})
			checkStorm(t, s, idle.PID)
			passing += len(s.Processes) - 4
		}
		if passing == 0 {
			t.Error("no process of the storm was ever seen: it was none")
		}
	})
}

func checkStorm(t *testing.T, s *inspect.Snapshot, idle int) {
	t.Helper()
	x := inspect.NewIndex(s)
	for _, pid := range []int{1, idle} {
		if p := x.Process(pid); p == nil || p.Info == nil || p.NS.IsZero() {
			t.Fatalf("process %d: %+v", pid, p)
		}
	}
	if len(s.Problems) != 0 {
		t.Fatalf("problems %+v", s.Problems)
	}
	if err := inspect.Encode(new(bytes.Buffer), s); err != nil {
		t.Fatal(err)
	}
}
