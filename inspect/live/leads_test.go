package live_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

// One process of each distinct set of namespaces is described: that with the
// lowest pid, and any whose thread is alone somewhere.
func TestLeads(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		same := livetest.Start(t, "idle", nil)
		uts := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUTS}
		other := livetest.Start(t, "idle", uts)
		threads := livetest.Start(t, "threads", nil)
		facts := inspect.FactTasks | inspect.FactThreads | inspect.FactLeads
		x := inspect.NewIndex(capture(t, live.Options{Facts: facts}))
		for pid, want := range map[int]bool{1: true, same.PID: false, other.PID: true, threads.PID: true} {
			if got := x.Process(pid).Info != nil; got != want {
				t.Errorf("process %d is described: %t, want %t", pid, got, want)
			}
		}
		narrow := capture(t, live.Options{Facts: facts, Focus: func(*inspect.Index) []int { return []int{same.PID} }})
		for _, p := range narrow.Processes {
			if (p.Info != nil) != (p.PID == same.PID) {
				t.Errorf("with a focus on %d, process %d is described: %t", same.PID, p.PID, p.Info != nil)
			}
		}
	})
}

// Kernel threads are told from processes.
func TestKernelThreads(t *testing.T) {
	s := capture(t, live.Options{})
	x := inspect.NewIndex(s)
	self := x.Process(os.Getpid())
	if self == nil || self.Info == nil || self.Info.Kernel {
		t.Errorf("own process: %+v", self)
	}
	daemon := x.Process(2)
	if daemon == nil || daemon.Info == nil || daemon.Info.Comm != "kthreadd" {
		livetest.Skip(t, "the initial pid namespace, where kernel threads are seen")
	}
	if !daemon.Info.Kernel {
		t.Errorf("kthreadd is no kernel thread: %+v", daemon.Info)
	}
	if !slices.ContainsFunc(s.Processes, func(p inspect.Process) bool {
		return p.Info != nil && p.Info.Kernel && p.Info.PPID == 2
	}) {
		t.Error("kthreadd has no children")
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := live.Collect(ctx, live.Options{Facts: taskFacts})
	if !errors.Is(err, context.Canceled) || s != nil {
		t.Errorf("cancelled: %v and a snapshot: %t", err, s != nil)
	}
}
