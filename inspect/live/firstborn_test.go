package live

import (
	"os"
	"os/exec"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// TestOldest has two containers whose first processes have not the lowest pid,
// and one whose has.
func TestOldest(t *testing.T) {
	procs := []inspect.Process{
		{PID: 500, Info: &inspect.Info{Start: 900, Container: "a"}},
		{PID: 501},
		{PID: 30000},
		{PID: 30001},
		{PID: 600, Info: &inspect.Info{Start: 100, Container: "b"}},
		{PID: 601},
		{PID: 602},
		{PID: 700, Info: &inspect.Info{Start: 800, Container: "c"}},
		{PID: 31000},
	}
	a := &group{tasks: []task{{proc: 0}, {proc: 1}, {proc: 2}, {proc: 3}}}
	b := &group{tasks: []task{{proc: 4}, {proc: 5}, {proc: 6}}}
	c := &group{tasks: []task{{proc: 7}, {proc: 8}}}
	got := oldest(procs, []sibling{
		{g: a, proc: 1, start: 950, known: true},
		{g: a, proc: 2, start: 50, known: true},
		{g: a, proc: 3, start: 60, known: true},
		{g: b, proc: 5, start: 150, known: true},
		{g: b, proc: 6}, // gone
		{g: c, proc: 8, start: 700, known: true},
	})
	if want := []int{2, 8}; !slices.Equal(got, want) {
		t.Errorf("oldest: %v, want %v", got, want)
	}
}

// TestFirstborn has this process, as if it were in a container, known by a
// child with a later start.
func TestFirstborn(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	root, err := openProc("/proc")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(root) })
	var r startReader
	start, ok := r.read(root, cmd.Process.Pid)
	if !ok {
		t.Fatalf("start of process %d is not known", cmd.Process.Pid)
	}
	c := &capture{root: root, procs: []inspect.Process{
		{PID: cmd.Process.Pid, Info: &inspect.Info{Start: start + 1, Container: "x"}}, {PID: os.Getpid()}, {PID: 1 << 30},
	}}
	c.groups = groupTasks(c.procs)
	got, err := c.firstborn(t.Context())
	if want := []int{1}; err != nil || !slices.Equal(got, want) {
		t.Errorf("firstborn: %v, %v, want %v", got, err, want)
	}
	c.procs[0].Info.Container = ""
	if got, err := c.firstborn(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("outside of containers: %v, %v, want none", got, err)
	}
}
