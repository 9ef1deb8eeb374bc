package live_test

import (
	"fmt"
	"os/exec"
	"testing"
	"time"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

// lsFacts are what nsinspect ls asks for.
const lsFacts = inspect.FactTasks | inspect.FactThreads | inspect.FactLeads | inspect.FactOwners | inspect.FactNames

// BenchmarkCollect compares Collect with the bare loop and with lsns(8) on
// crowds of processes, 100 groups of them with five namespaces each. All times
// are of the same run, one after the other:
//
//	x-bare       time of Collect by that of the bare loop
//	x-lsns       time of Collect by that of lsns -n -o NS
//	µs/process   time of Collect by process
func BenchmarkCollect(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 20_000} {
		b.Run(fmt.Sprintf("processes=%d", n), func(b *testing.B) {
			livetest.Crowd{Processes: n, Groups: 100, Kinds: livetest.CrowdKinds}.Start(b)
			benchmark(b, n, lsFacts)
		})
	}
	b.Run("processes=10000,all", func(b *testing.B) {
		livetest.Crowd{Processes: 10_000, Groups: 100, Kinds: livetest.CrowdKinds}.Start(b)
		benchmark(b, 10_000, taskFacts)
	})
}

func benchmark(b *testing.B, processes int, facts inspect.Facts) {
	var bare, collect, lsns time.Duration
	livetest.BareLoop(b) // the first one pays for the kernel's caches
	for b.Loop() {
		took, _ := livetest.BareLoop(b)
		bare += took
		start := time.Now()
		s, err := live.Collect(b.Context(), live.Options{Facts: facts})
		collect += time.Since(start)
		if err != nil || len(s.Processes) < processes || len(s.Namespaces) < 500 {
			b.Fatalf("snapshot of %d processes: %v", len(s.Processes), err)
		}
		lsns += timeLsns(b)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(collect.Seconds()/bare.Seconds(), "x-bare")
	b.ReportMetric(collect.Seconds()/lsns.Seconds(), "x-lsns")
	b.ReportMetric(collect.Seconds()*1e6/float64(b.N*processes), "µs/process")
	b.ReportMetric(collect.Seconds()*1e3/float64(b.N), "ms/collect")
}

func timeLsns(b *testing.B) time.Duration {
	path, err := exec.LookPath("lsns")
	if err != nil {
		livetest.Skip(b, "lsns(8), package util-linux")
	}
	start := time.Now()
	if err := exec.Command(path, "-n", "-o", "NS").Run(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}
