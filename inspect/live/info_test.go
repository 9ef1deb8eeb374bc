package live

import (
	"os"
	"testing"
	"time"

	"github.com/prometheus/procfs"
)

// BenchmarkInfo compares what is read of one process with how procfs reads
// the same three files, of which it lacks NoNewPrivs and Seccomp:
//
//	x-procfs   time by that of procfs
func BenchmarkInfo(b *testing.B) {
	root, err := openProc("/proc")
	if err != nil {
		b.Fatal(err)
	}
	var p problems
	r := &infoReader{root: root, dir: "/proc", p: &p, found: new(containers)}
	pid := os.Getpid()
	var ours, theirs time.Duration
	for b.Loop() {
		start := time.Now()
		if r.read(pid) == nil {
			b.Fatal("nothing was read")
		}
		ours += time.Since(start)
		start = time.Now()
		if err := readWithProcfs(pid); err != nil {
			b.Fatal(err)
		}
		theirs += time.Since(start)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N), "ns/process")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-procfs")
}

func readWithProcfs(pid int) error {
	proc, err := procfs.NewProc(pid)
	if err != nil {
		return err
	}
	if _, err := proc.Stat(); err != nil {
		return err
	}
	if _, err := proc.NewStatus(); err != nil {
		return err
	}
	_, err = proc.Cgroups()
	return err
}
