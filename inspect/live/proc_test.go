package live_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

func TestNoUsableProc(t *testing.T) {
	for _, c := range []struct{ dir, want string }{
		{"/nowhere/proc", "/nowhere/proc: no such file or directory"},
		{"/dev/null", "/dev/null: not a directory"},
		{"/", "/: not a proc file system"},
	} {
		_, err := live.Collect(t.Context(), live.Options{ProcRoot: c.dir})
		var unusable *live.ProcError
		if !errors.As(err, &unusable) || err.Error() != c.want || unusable.Hint() != "mount -t proc proc "+c.dir {
			t.Errorf("%s: error %v, want %q and a hint", c.dir, err, c.want)
		}
	}
}

// A proc of a pid namespace that we are not in shows that namespace, and it is
// said that it does.
func TestProcOfAnotherPIDNamespace(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		c := livetest.Start(t, "ownproc", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS})
		s := capture(t, live.Options{ProcRoot: fmt.Sprintf("/proc/%d/root/proc", c.PID)})
		x := inspect.NewIndex(s)
		p := x.Process(1)
		if p == nil || p.NS != wantLinks(t, fmt.Sprintf("/proc/%d", c.PID)) || len(s.Processes) != 1 {
			t.Errorf("the process in there: %+v of %d", p, len(s.Processes))
		}
		if s.Host.NSDev != nsDevice(t) || s.Host.Observer.PID != 0 {
			t.Errorf("device %d, own pid %d", s.Host.NSDev, s.Host.Observer.PID)
		}
		if len(s.Problems) != 1 || !strings.Contains(s.Problems[0].Err, "pid namespace that nsinspect is not in") {
			t.Errorf("problems %+v", s.Problems)
		}
	})
}

// Only the processes asked for are looked at; each must exist.
func TestOnly(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		idle := livetest.Start(t, "idle", nil)
		many := livetest.Start(t, "threads", nil)
		s := capture(t, live.Options{Only: []int{idle.PID}})
		if len(s.Processes) != 1 || s.Processes[0].PID != idle.PID || len(s.Namespaces) != len(inspect.Types) {
			t.Errorf("processes %+v and %d namespaces", s.Processes, len(s.Namespaces))
		}
		tid := number(t, many.Words[0])
		for _, c := range []struct {
			only []int
			want live.NoProcessError
			text string
		}{
			{[]int{999999}, live.NoProcessError{PID: 999999}, "process 999999 does not exist"},
			{[]int{idle.PID, 999999}, live.NoProcessError{PID: 999999}, "process 999999 does not exist"},
			{[]int{tid}, live.NoProcessError{PID: tid, Leader: many.PID}, fmt.Sprintf("%d is not a process but a thread of process %d", tid, many.PID)},
		} {
			_, err := live.Collect(t.Context(), live.Options{Facts: taskFacts, Only: c.only})
			var missing *live.NoProcessError
			if !errors.As(err, &missing) || *missing != c.want || err.Error() != c.text || missing.Hint() == "" {
				t.Errorf("%d: error %v, want %v", c.only, err, &c.want)
			}
		}
	})
}

// Focus is asked when the links are known, and narrows the rest.
func TestFocus(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		a := livetest.Start(t, "idle", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUTS})
		b := livetest.Start(t, "idle", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUTS})
		var seen int
		s := capture(t, live.Options{Facts: taskFacts &^ inspect.FactContainers, Focus: func(x *inspect.Index) []int {
			seen = len(x.Snapshot().Processes)
			return []int{b.PID, b.PID}
		}})
		x := inspect.NewIndex(s)
		if seen != 3 || len(s.Processes) != 3 || len(s.Scope.Focus) != 1 || s.Scope.Focus[0] != b.PID {
			t.Errorf("%d processes before, %d after, focus %d", seen, len(s.Processes), s.Scope.Focus)
		}
		if x.Process(b.PID).Info == nil || x.Process(a.PID).Info != nil {
			t.Errorf("Info of %d: %v, of %d: %v", b.PID, x.Process(b.PID).Info, a.PID, x.Process(a.PID).Info)
		}
		for pid, want := range map[int]bool{a.PID: false, b.PID: true} {
			uts := x.Namespace(x.Process(pid).NS.Of(inspect.UTS))
			if uts == nil || (uts.UTS != nil) != want || uts.Owner.IsZero() == want {
				t.Errorf("UTS namespace of %d: %+v", pid, uts)
			}
		}
		all := capture(t, live.Options{Focus: func(*inspect.Index) []int { return nil }})
		if inspect.NewIndex(all).Process(a.PID).Info == nil || all.Scope.Focus != nil {
			t.Errorf("no focus is all, but %d", all.Scope.Focus)
		}
	})
}

// Names of network namespaces: mounted, linked by hand, and left over.
func TestNames(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		c := livetest.Start(t, "idle", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET})
		links := wantLinks(t, fmt.Sprintf("/proc/%d", c.PID))
		blue := wantLinks(t, "/proc/self")
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, dir := range []string{"/run/netns", "/run/docker/netns"} {
			must(os.MkdirAll(dir, 0o755))
		}
		for _, file := range []string{"/run/netns/gone", "/run/netns/blue", "/run/docker/netns/d34d"} {
			must(os.WriteFile(file, nil, 0o444))
		}
		must(unix.Mount(fmt.Sprintf("/proc/%d/ns/net", c.PID), "/run/netns/blue", "", unix.MS_BIND, ""))
		must(unix.Mount("/proc/self/ns/net", "/run/docker/netns/d34d", "", unix.MS_BIND, ""))
		must(os.Symlink("/proc/self/ns/net", "/run/netns/web"))
		must(os.Symlink("/proc/999999/ns/net", "/run/netns/old"))
		c.Stop()

		s := capture(t, live.Options{})
		own := blue.Of(inspect.Net)
		want := inspect.SortRefs([]inspect.Ref{
			{NS: links.Of(inspect.Net), Kind: inspect.RefMount, Path: "/run/netns/blue", Name: "blue"},
			{NS: own, Kind: inspect.RefMount, Path: "/run/docker/netns/d34d", Name: "d34d"},
			{NS: own, Kind: inspect.RefSymlink, Path: "/run/netns/web", Name: "web"},
			{Kind: inspect.RefStale, Path: "/run/netns/gone", Name: "gone"},
			{Kind: inspect.RefStale, Path: "/run/netns/old", Name: "old"},
		})
		if diff := cmp.Diff(want, s.Refs); diff != "" {
			t.Errorf("references (-want +got):\n%s", diff)
		}
		x := inspect.NewIndex(s)
		ns := x.Namespace(links.Of(inspect.Net))
		if ns == nil || ns.Type != inspect.Net || ns.Owner != x.Own(inspect.User) {
			t.Errorf("the namespace that only a mount holds: %+v", ns)
		}
		if len(s.Problems) != 0 {
			t.Errorf("problems %+v", s.Problems)
		}
	})
}
