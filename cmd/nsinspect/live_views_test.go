package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
)

// runRole is nsinspect itself, for tests that need it to be somebody else.
func runRole(args []string) error {
	os.Exit(run(args, strings.NewReader(""), os.Stdout, os.Stderr, func(string) string { return "" }))
	return nil
}

// view runs nsinspect on this host, which must succeed, and returns its
// output. It is a process of its own: in this one the threads of a run before
// may still be on their way out of another namespace.
func view(t *testing.T, args ...string) string {
	t.Helper()
	return string(livetest.Output(t, "nsinspect", nil, append(args, "--no-containers")...))
}

func viewJSON(t *testing.T, doc any, args ...string) {
	t.Helper()
	if err := json.Unmarshal([]byte(view(t, append(args, "-o", "json")...)), doc); err != nil {
		t.Fatalf("nsinspect %s: %v", strings.Join(args, " "), err)
	}
}

// startInside starts a process in user, pid, network and UTS namespaces of
// its own, root there.
func startInside(t *testing.T) int {
	t.Helper()
	one := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
	return livetest.Start(t, "idle", &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWUTS,
		UidMappings: one, GidMappings: one,
	}).PID
}

// TestViewsLive holds the views to what the test made itself, as any user.
func TestViewsLive(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		before := filepath.Join(t.TempDir(), "before.json")
		if err := os.WriteFile(before, []byte(view(t, "snapshot")), 0o600); err != nil {
			t.Fatal(err)
		}
		pid := startInside(t)
		beside := livetest.Start(t, "idle", nil).PID
		t.Run("show", func(t *testing.T) { checkShowLive(t, pid, beside) })
		t.Run("ps", func(t *testing.T) { checkPsLive(t, pid) })
		t.Run("tree", func(t *testing.T) { checkTreeLive(t, pid) })
		t.Run("id", func(t *testing.T) { checkIDLive(t, pid) })
		t.Run("diff", func(t *testing.T) { checkDiffLive(t, pid, before) })
	})
}

func checkShowLive(t *testing.T, pid, beside int) {
	var p graph.Profile
	viewJSON(t, &p, "show", fmt.Sprint(pid))
	own := map[string]bool{"net": true, "pid": true, "user": true, "uts": true}
	if p.Process == nil || len(p.Process.Namespaces) != len(inspect.Types) {
		t.Fatalf("process %+v", p.Process)
	}
	for _, m := range p.Process.Namespaces {
		switch {
		case m.Host == nil || *m.Host == own[m.Link]:
			t.Errorf("%s is the host's: %v", m.Link, m.Host)
		case own[m.Link] && (!m.SharedWith.Alone() || *m.NProcs != 1):
			t.Errorf("%s is shared: %+v", m.Link, m)
		}
	}
	if u := p.Process.User; len(u.Chain) != 2 || !u.Whole || u.IDMap == nil || len(u.IDMap.UID) != 1 {
		t.Errorf("user namespace %+v", u)
	}
	if d := p.Process.Details; d == nil || len(d.PIDs) != 2 || d.PIDs[1] != 1 || d.Age == nil || *d.Age > 600 {
		t.Errorf("details %+v", d)
	}
	viewJSON(t, &p, "show", fmt.Sprint(beside))
	if len(p.Hints) != 0 {
		t.Errorf("hints for a process like any other: %v", p.Hints)
	}
	var n graph.Profile
	viewJSON(t, &n, "show", fmt.Sprintf("/proc/%d/ns/uts", pid))
	if n.Namespace == nil || len(n.Namespace.Members) != 1 || n.Namespace.Members[0].PID != pid || n.Namespace.UTS == nil {
		t.Errorf("UTS namespace %+v", n.Namespace)
	}
}

func checkPsLive(t *testing.T, pid int) {
	var list graph.ProcessList
	viewJSON(t, &list, "ps", fmt.Sprint(pid))
	if len(list.Processes) != 1 {
		t.Fatalf("processes %+v", list.Processes)
	}
	p := list.Processes[0]
	if p.PID != pid || p.InsidePID == nil || *p.InsidePID != 1 || p.InsideUID == nil || *p.InsideUID != 0 {
		t.Errorf("process %+v", p)
	}
	viewJSON(t, &list, "ps", "self")
	if n := len(list.Processes); n != 4 || *list.Processes[0].InsidePID != list.Processes[0].PID {
		t.Errorf("%d processes in the sandbox: %+v", n, list.Processes)
	}
}

func checkTreeLive(t *testing.T, pid int) {
	var users graph.UserTree
	viewJSON(t, &users, "tree")
	if len(users.Roots) != 1 || len(users.Roots[0].Children) != 1 {
		t.Fatalf("roots %+v", users.Roots)
	}
	var owns []string
	for _, r := range users.Roots[0].Children[0].Owns {
		owns = append(owns, r.Type.String())
	}
	if strings.Join(owns, " ") != "net pid uts" {
		t.Errorf("the new user namespace owns %v", owns)
	}
	var pids graph.PIDTree
	viewJSON(t, &pids, "tree", "--pid", fmt.Sprint(pid))
	if len(pids.Roots) != 1 || len(pids.Roots[0].Processes) != 0 || len(pids.Roots[0].Children) != 1 {
		t.Fatalf("roots %+v", pids.Roots)
	}
	if got := pids.Roots[0].Children[0].Processes; len(got) != 1 || got[0].PID != pid || got[0].PIDs[1] != 1 {
		t.Errorf("processes %+v", got)
	}
}

func checkIDLive(t *testing.T, pid int) {
	want := fmt.Sprintf("uid 0 of process %d is 0 on the host\nuid 1 of process %d is unmapped on the host (shown as 65534)\n", pid, pid)
	if got := view(t, "id", "-p", fmt.Sprint(pid), "0", "1"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := view(t, "id", "-p", fmt.Sprint(pid), "-q", "--pid", "1"); got != fmt.Sprintln(pid) {
		t.Errorf("pid 1 inside is %q outside, want %d", got, pid)
	}
	if got := view(t, "id", "-p", fmt.Sprint(pid)); !strings.Contains(got, "0 inside is the same on the host (1 id)") {
		t.Errorf("map %q", got)
	}
}

func checkDiffLive(t *testing.T, pid int, before string) {
	var c graph.Comparison
	viewJSON(t, &c, "diff", "self", fmt.Sprint(pid))
	var shared []string
	for _, n := range c.Namespaces {
		if n.Shared != nil && *n.Shared {
			shared = append(shared, n.Type.String())
		}
	}
	if strings.Join(shared, " ") != "cgroup ipc mnt time" {
		t.Errorf("shared: %v", shared)
	}
	var changes graph.Changes
	viewJSON(t, &changes, "diff", before)
	appeared := 0
	for _, n := range changes.Namespaces {
		if n.Change == inspect.Appeared && n.PID != nil && *n.PID == pid {
			appeared++
		}
	}
	if appeared != 4 || len(changes.Cautions) != 0 {
		t.Errorf("%d namespaces of the new process appeared, want 4: %+v", appeared, changes)
	}
}

// TestViewsUnprivileged has nobody look at this host: own processes are
// shown, others are said to be missing, nothing fails.
func TestViewsUnprivileged(t *testing.T) {
	livetest.Root(t)
	nobody := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	for _, args := range []string{
		"tree", "tree --pid", "show self", "ps self", "id -p self", "id -p self 7", "diff self self", "features",
	} {
		words := strings.Fields(args)
		if out := livetest.Output(t, "nsinspect", nobody, words...); len(out) == 0 {
			t.Errorf("nsinspect %s: no output", args)
		}
	}
	out := livetest.Output(t, "nsinspect", nobody, "show", fmt.Sprint(os.Getpid()), "-o", "json")
	var p graph.Profile
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	if p.Process == nil || p.Process.Unreadable == "" || p.Process.Namespaces[0].NS != nil {
		t.Errorf("a process of root, as nobody sees it: %s", out)
	}
}
