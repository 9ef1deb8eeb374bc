package live

import (
	"slices"
	"testing"

	"nsinspect/inspect"
)

// TestElders has a daemon (pid 30300, started first) whose later child got the
// lower pid 532 after the pids wrapped around, and a container (pid 31179,
// started in between) that uses the daemon's network namespace.
func TestElders(t *testing.T) {
	links := func(net, uts uint64) (l inspect.Links) {
		l[inspect.LinkNet], l[inspect.LinkUTS] = inspect.ID{Ino: net}, inspect.ID{Ino: uts}
		return l
	}
	started := func(at uint64, container string) *inspect.Info {
		return &inspect.Info{Start: at, Container: container}
	}
	daemon, host, own := links(10, 1), links(2, 1), links(11, 12)
	procs := []inspect.Process{
		{PID: 2, NS: host, Info: started(0, "")},
		{PID: 7, NS: host},
		{PID: 532, NS: daemon, Info: started(300, "")},
		{PID: 30300, NS: daemon},
		{PID: 31179, NS: links(10, 3), Info: started(200, "c1")},
		{PID: 31200, NS: own, Info: started(250, "c2")},
		{PID: 31201, NS: own},
	}
	got := elders(procs, groupTasks(procs))
	if want := []int{3}; !slices.Equal(got, want) {
		t.Errorf("elders: %v, want %v", got, want)
	}
	procs[3].Info = started(100, "")
	if lead := inspect.NewIndex(&inspect.Snapshot{Processes: procs}).Lead(inspect.ID{Ino: 10}); lead.PID != 30300 {
		t.Errorf("lead: %d, want the daemon", lead.PID)
	}
	if got := elders(procs, groupTasks(procs)); len(got) != 0 {
		t.Errorf("elders when all is known: %v, want none", got)
	}
}
