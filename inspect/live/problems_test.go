package live

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// One problem for each operation and reason, whatever order they come in.
func TestProblemsAreGathered(t *testing.T) {
	var p problems
	var wg sync.WaitGroup
	for pid := 200; pid > 0; pid-- {
		wg.Go(func() {
			p.add("read links", fmt.Sprintf("/proc/%d/ns", pid), pid, &os.PathError{Op: "open", Path: "x", Err: unix.EACCES})
		})
	}
	wg.Wait()
	p.add("read links", "/proc/7/ns", 7, unix.EIO)
	p.add("read links", "/proc/7/ns", 7, unix.EIO)
	p.add("list names", "/run/netns", 0, unix.EIO)
	p.total("read links", 500)

	var all []int
	for pid := 1; pid <= 200; pid++ {
		all = append(all, pid)
	}
	want := []inspect.Problem{
		{Op: "list names", Path: "/run/netns", Err: "input/output error"},
		{Op: "read links", Path: "/proc/7/ns", Err: "input/output error", Count: 2, Total: 500, PIDs: []int{7}},
		{Op: "read links", Path: "/proc/1/ns", Err: "permission denied", Count: 200, Total: 500, PIDs: all},
	}
	got := p.all()
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(inspect.Problem{}, "Hint")); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got[2].Hint == "" || got[1].Hint != "" {
		t.Errorf("hints %q and %q: only what another user may do has one", got[2].Hint, got[1].Hint)
	}
	if diff := cmp.Diff(got, p.all()); diff != "" {
		t.Errorf("asked twice (-first +second):\n%s", diff)
	}
}
