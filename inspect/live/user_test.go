package live_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

// asUser are the attributes of a process of another user, in a sandbox.
func asUser(t *testing.T, uid uint32) *syscall.SysProcAttr {
	t.Helper()
	b, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	var inside, outside, count uint32
	if _, err := fmt.Sscan(string(b), &inside, &outside, &count); err != nil {
		t.Fatal(err)
	}
	if count <= uid {
		livetest.Skip(t, "root, for a sandbox with two users")
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
}

// captureAs takes a snapshot as another user.
func captureAs(t *testing.T, attr *syscall.SysProcAttr, proc string) *inspect.Snapshot {
	t.Helper()
	s, err := inspect.Decode(bytes.NewReader(livetest.Output(t, "collect", attr, proc)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A user without rights sees his own processes, and learns what he does not.
func TestUnprivilegedUser(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		others := livetest.Start(t, "idle", nil)
		for _, uid := range []uint32{1000, 65534} {
			user := asUser(t, uid)
			own := livetest.Start(t, "idle", user)
			s := captureAs(t, user, "/proc")
			checkOwnAndOthers(t, s, []int{own.PID}, []int{1, others.PID})
			own.Stop()
		}
	})
}

func checkOwnAndOthers(t *testing.T, s *inspect.Snapshot, own, others []int) {
	t.Helper()
	x := inspect.NewIndex(s)
	for _, pid := range own {
		p := x.Process(pid)
		if p == nil || p.Info == nil || p.NS != wantLinks(t, fmt.Sprintf("/proc/%d", pid)) {
			t.Errorf("own process %d: %+v", pid, p)
		}
	}
	for _, pid := range others {
		p := x.Process(pid)
		if p == nil || p.Info == nil || p.Info.Comm != comm(t, pid) || !p.NS.IsZero() {
			t.Errorf("process %d of another user: %+v", pid, p)
		}
	}
	i := slices.IndexFunc(s.Problems, func(p inspect.Problem) bool { return p.Op == "read namespace links" })
	if i < 0 {
		t.Fatalf("nothing says that links were not read: %+v", s.Problems)
	}
	b := s.Problems[i]
	if !slices.Equal(b.PIDs, others) || b.Count != len(others) || b.Total != len(s.Processes) ||
		b.Err != "permission denied" || b.Path != fmt.Sprintf("/proc/%d/ns", others[0]) || !strings.Contains(b.Hint, "sudo nsinspect") {
		t.Errorf("problem %+v, want %d of %d processes %d", b, len(others), len(s.Processes), others)
	}
}

// Where /proc hides processes it is said that there may be more.
func TestHidepid(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		user := asUser(t, 1000)
		own := livetest.Start(t, "idle", user)
		others := livetest.Start(t, "idle", nil)
		for hidepid, visible := range map[string]bool{"noaccess": true, "invisible": false, "ptraceable": false} {
			dir := "/run/" + hidepid
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := unix.Mount("proc", dir, "proc", 0, "hidepid="+hidepid); err != nil {
				livetest.Skip(t, "hidepid by name (Linux 5.8)")
			}
			s := captureAs(t, user, dir)
			x := inspect.NewIndex(s)
			if p := x.Process(own.PID); p == nil || p.NS.IsZero() || p.Info == nil {
				t.Errorf("hidepid=%s: own process %+v", hidepid, p)
			}
			if p := x.Process(others.PID); (p != nil) != visible {
				t.Errorf("hidepid=%s: process of another user %+v", hidepid, p)
			}
			if len(s.Problems) == 0 || !strings.Contains(s.Problems[0].Hint, "sudo nsinspect") {
				t.Errorf("hidepid=%s: problems %+v", hidepid, s.Problems)
			}
			if s := capture(t, live.Options{ProcRoot: dir}); len(s.Problems) != 0 || len(s.Processes) != 3 {
				t.Errorf("hidepid=%s: root sees %d processes and %+v", hidepid, len(s.Processes), s.Problems)
			}
		}
	})
}
