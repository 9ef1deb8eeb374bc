package livetest_test

import (
	"os"
	"strconv"
	"testing"

	"nsinspect/inspect/live/livetest"
)

func TestMain(m *testing.M) { livetest.Main(m, nil) }

func TestSandboxHasOnlyItself(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		if os.Getpid() != 1 {
			t.Errorf("pid %d, want 1", os.Getpid())
		}
		idle := livetest.Start(t, "idle", nil)
		if got := pids(t); len(got) != 2 || got[0] != 1 || got[1] != idle.PID {
			t.Errorf("processes %d, want 1 and %d", got, idle.PID)
		}
		idle.Stop()
		if got := pids(t); len(got) != 1 {
			t.Errorf("processes %d after the end of %d", got, idle.PID)
		}
	})
}

func TestCrowd(t *testing.T) {
	livetest.Root(t)
	own, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	crowd := livetest.Crowd{Processes: 100, Groups: 4, Kinds: livetest.CrowdKinds}.Start(t)
	var groups []string
	for net, n := range netns(t) {
		if net != own && n == 25 {
			groups = append(groups, net)
		}
	}
	if len(groups) != 4 {
		t.Errorf("%d groups of 25 processes, want 4", len(groups))
	}
	crowd.Stop()
	after := netns(t)
	for _, net := range groups {
		if after[net] != 0 {
			t.Errorf("%d processes are still in %s", after[net], net)
		}
	}
}

// netns counts the processes in each network namespace.
func netns(t *testing.T) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, pid := range pids(t) {
		if net, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/ns/net"); err == nil {
			n[net]++
		}
	}
	return n
}

func pids(t *testing.T) []int {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
