package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/livetest"
)

// BenchmarkLs runs the built binary on crowds of processes in 500 namespaces
// more than the host has, as 100 groups with five of their own each or as 500
// groups with one. All times are of the same run, taken in turn:
//
//	x-bare       time of nsinspect by that of livetest.BareLoop
//	x-bare-cpu   processor time of both, which a busy machine disturbs less
//	x-lsns       time of nsinspect by that of lsns -n -o NS
//	µs/process   time of nsinspect by process
//	MB-peak      most memory that nsinspect had
//
// The goals are for 10,000 processes. ls --fast, which looks where lsns does:
// 1.5 x-bare, 0.2 x-lsns, 80 MB. ls, which also looks at open files and mounts:
// 3 x-bare.
func BenchmarkLs(b *testing.B) {
	binary := buildBinary(b)
	for _, c := range []struct {
		name  string
		crowd livetest.Crowd
		lsns  bool // its time grows with the square
	}{
		{"processes=1000", livetest.Crowd{Processes: 1_000, Groups: 100, Kinds: livetest.CrowdKinds}, true},
		{"processes=10000", livetest.Crowd{Processes: 10_000, Groups: 100, Kinds: livetest.CrowdKinds}, true},
		{"processes=10000,groups=500", livetest.Crowd{Processes: 10_000, Groups: 500, Kinds: unix.CLONE_NEWPID}, true},
		{"processes=20000", livetest.Crowd{Processes: 20_000, Groups: 100, Kinds: livetest.CrowdKinds}, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			c.crowd.Start(b)
			for _, args := range [][]string{{"ls", "--fast"}, {"ls"}} {
				b.Run(strings.Join(args, ""), func(b *testing.B) { benchmarkLs(b, c.crowd.Processes, c.lsns, binary, args) })
			}
		})
	}
}

func benchmarkLs(b *testing.B, processes int, withLsns bool, binary string, args []string) {
	var bare, ls, lsns usage
	livetest.BareLoop(b) // who is first pays for the kernel's caches
	execute(b, binary, args...)
	for b.Loop() {
		bare.add(bareUsage(b))
		ls.add(execute(b, binary, args...))
		if withLsns {
			lsns.add(execute(b, "lsns", "-n", "-o", "NS"))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ls.wall.Seconds()/bare.wall.Seconds(), "x-bare")
	b.ReportMetric(ls.cpu.Seconds()/bare.cpu.Seconds(), "x-bare-cpu")
	b.ReportMetric(ls.wall.Seconds()*1e6/float64(b.N*processes), "µs/process")
	b.ReportMetric(float64(ls.peak)/1024, "MB-peak")
	if withLsns {
		b.ReportMetric(ls.wall.Seconds()/lsns.wall.Seconds(), "x-lsns")
	}
}

// BenchmarkOne runs what looks at one process on a crowd of 10,000:
//
//	x-ls   time of the command by that of nsinspect ls
func BenchmarkOne(b *testing.B) {
	binary := buildBinary(b)
	crowd := livetest.Crowd{Processes: 10_000, Groups: 100, Kinds: livetest.CrowdKinds}.Start(b)
	pid := fmt.Sprint(crowd.PID)
	for name, args := range map[string][]string{
		"ls-p,columns=NS": {"ls", "-p", pid, "--columns", "NS,TYPE"}, "ls-p": {"ls", "-p", pid}, "show": {"show", pid},
	} {
		b.Run(name, func(b *testing.B) {
			var one, all usage
			for b.Loop() {
				one.add(execute(b, binary, args...))
				all.add(execute(b, binary, "ls"))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(one.wall.Seconds()*1e3/float64(b.N), "ms")
			b.ReportMetric(one.wall.Seconds()/all.wall.Seconds(), "x-ls")
		})
	}
}

// usage is what a run took.
type usage struct {
	wall, cpu time.Duration
	peak      int64 // of memory, in KiB
}

func (u *usage) add(o usage) {
	u.wall += o.wall
	u.cpu += o.cpu
	u.peak = max(u.peak, o.peak)
}

// execute runs a program to its end and drops its output.
func execute(b *testing.B, name string, args ...string) usage {
	b.Helper()
	cmd := exec.Command(name, args...)
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("%s %s: %v", name, args, err)
	}
	return usage{
		wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(),
		peak: cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss,
	}
}

func bareUsage(b *testing.B) usage {
	b.Helper()
	before := ownCPU(b)
	wall, _ := livetest.BareLoop(b)
	return usage{wall: wall, cpu: ownCPU(b) - before}
}

func ownCPU(b *testing.B) time.Duration {
	b.Helper()
	var ru syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &ru); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ru.Utime.Nano() + ru.Stime.Nano())
}

// buildBinary builds nsinspect as make build does.
func buildBinary(b *testing.B) string {
	b.Helper()
	livetest.Root(b)
	binary := filepath.Join(b.TempDir(), "nsinspect")
	if out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, ".").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return binary
}
