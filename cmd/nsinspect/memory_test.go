package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

// gcPercent is what GOGC is by now.
func gcPercent() uint64 {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// The first collection comes late, those after it as usual; GOGC is obeyed.
func TestCollectLater(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	collectLater()
	if got := gcPercent(); got <= 100 {
		t.Errorf("GOGC is %d before the first collection", got)
	}
	deadline := time.Now().Add(10 * time.Second)
	for gcPercent() != 100 {
		if time.Now().After(deadline) {
			t.Fatalf("GOGC is still %d after a collection", gcPercent())
		}
		runtime.GC()
	}
	debug.SetGCPercent(50)
	if collectLater(); gcPercent() != 50 {
		t.Errorf("GOGC=50 became %d", gcPercent())
	}
}
