package live_test

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

// Looking leaves nothing behind: no thread of ours in a foreign namespace, no
// open file, no goroutine, and every namespace as it was.
func TestLeavesNothingBehind(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		for i := range 20 {
			livetest.Start(t, "named", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUTS}, fmt.Sprintf("%02x", 'a'+i), "-", "-")
		}
		goroutines := goleak.IgnoreCurrent()
		self, files := wantLinks(t, "/proc/self"), openFiles(t)
		first := capture(t, live.Options{})
		for range 10 {
			s := capture(t, live.Options{})
			if len(s.Processes) != 21 || len(s.Problems) != 0 {
				t.Fatalf("%d processes, problems %+v", len(s.Processes), s.Problems)
			}
			if diff := cmp.Diff(first.Namespaces, s.Namespaces); diff != "" {
				t.Fatalf("looking changed namespaces (-before +after):\n%s", diff)
			}
		}
		if diff := cmp.Diff(files, openFiles(t)); diff != "" {
			t.Errorf("open files (-before +after):\n%s", diff)
		}
		if err := goleak.Find(goroutines); err != nil {
			t.Error(err)
		}
		awaitThreadsIn(t, self)
	})
}

// openFiles is what our descriptors are open on.
func openFiles(t *testing.T) map[string]string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		target, err := os.Readlink("/proc/self/fd/" + e.Name())
		if errors.Is(err, os.ErrNotExist) {
			continue // the directory just read
		}
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = target
	}
	return files
}

// awaitThreadsIn waits until all threads of ours are where they belong. One
// that was elsewhere ends, but the kernel tells nobody when.
func awaitThreadsIn(t *testing.T, want inspect.Links) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		astray := threadsNotIn(t, want)
		if len(astray) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("threads in other namespaces: %v", astray)
		}
		time.Sleep(time.Millisecond)
	}
}

func threadsNotIn(t *testing.T, want inspect.Links) []string {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	var astray []string
	for _, e := range entries {
		for l := range inspect.NumLinks {
			text, err := os.Readlink("/proc/self/task/" + e.Name() + "/ns/" + l.String())
			if err != nil {
				break // it ended
			}
			if text != fmt.Sprintf("%s:[%d]", l.Type(), want[l].Ino) {
				astray = append(astray, e.Name()+" in "+text)
			}
		}
	}
	return astray
}
