package live_test

import (
	"os/exec"
	"testing"
	"time"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

// fullFacts are what nsinspect ls asks for when it is not told to be fast.
const fullFacts = lsFacts | inspect.FactsHolders

// BenchmarkHolders measures the look at all open files and mounts. All times
// of a run are of the same crowd, one after the other:
//
//	x-bare   time of a full capture by that of the bare loop over namespace links
//	x-fast   the same by that of a capture without open files and mounts
//	x-lsns   the same by that of lsns -n -o NS
//	x-lsfd   the same by that of lsfd -l
func BenchmarkHolders(b *testing.B) {
	b.Run("processes=10000,files=5", func(b *testing.B) {
		livetest.Crowd{Processes: 10_000, Groups: 100, Kinds: livetest.CrowdKinds}.Start(b)
		var bare, fast, full time.Duration
		livetest.BareLoop(b)
		for b.Loop() {
			took, _ := livetest.BareLoop(b)
			bare += took
			full += timeCollect(b, fullFacts)
			fast += timeCollect(b, lsFacts)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(full.Seconds()/bare.Seconds(), "x-bare")
		b.ReportMetric(full.Seconds()/fast.Seconds(), "x-fast")
		b.ReportMetric(full.Seconds()*1e3/float64(b.N), "ms/collect")
	})
	b.Run("processes=1000,files=50,sockets=50", func(b *testing.B) {
		livetest.Crowd{Processes: 1_000, Groups: 10, Kinds: livetest.CrowdKinds, Files: 50, Sockets: 50}.Start(b)
		var full, lsfd, lsns time.Duration
		for b.Loop() {
			full += timeCollect(b, fullFacts)
			lsfd += timeLsfd(b)
			lsns += timeLsns(b)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(full.Seconds()/lsfd.Seconds(), "x-lsfd")
		b.ReportMetric(full.Seconds()/lsns.Seconds(), "x-lsns")
		b.ReportMetric(full.Seconds()*1e3/float64(b.N), "ms/collect")
	})
}

// BenchmarkDeep measures what a census adds on a host with 500 namespaces.
//
//	ms-census   time of a deep capture less that of a full one
func BenchmarkDeep(b *testing.B) {
	livetest.Crowd{Processes: 200, Groups: 100, Kinds: livetest.CrowdKinds}.Start(b)
	var full, deep time.Duration
	for b.Loop() {
		full += timeCollect(b, fullFacts)
		deep += timeCollect(b, fullFacts|inspect.FactsDeep)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric((deep-full).Seconds()*1e3/float64(b.N), "ms-census")
	b.ReportMetric(full.Seconds()*1e3/float64(b.N), "ms-full")
}

func timeCollect(b *testing.B, facts inspect.Facts) time.Duration {
	start := time.Now()
	if _, err := live.Collect(b.Context(), live.Options{Facts: facts}); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

func timeLsfd(b *testing.B) time.Duration {
	path, err := exec.LookPath("lsfd")
	if err != nil {
		livetest.Skip(b, "lsfd(1), package util-linux-extra")
	}
	start := time.Now()
	if err := exec.Command(path, "-l", "-n", "-o", "FD").Run(); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}
