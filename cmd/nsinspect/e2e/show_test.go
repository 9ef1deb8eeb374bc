package e2e

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// show tells of a container what docker inspect and /proc tell.
func checkShow(t *testing.T, s scene) {
	for name, a := range s {
		var p graph.Profile
		viewJSON(t, &p, "show", name)
		if p.Kind != "container" || p.Container == nil || p.Process == nil {
			t.Errorf("show %s is about %s %+v %+v", name, p.Kind, p.Container, p.Process)
			continue
		}
		c := p.Container
		got := []string{c.ID, c.Name, c.Engine, c.Image, c.State, c.NetworkMode, c.Project, c.Service}
		labels := a.Config.Labels
		want := []string{
			a.ID, name, "docker", a.Config.Image, a.State.Status, a.HostConfig.NetworkMode,
			labels["com.docker.compose.project"], labels["com.docker.compose.service"],
		}
		if diff := cmp.Diff(want, got); diff != "" || deref(c.PID) != a.State.Pid || p.Process.PID != a.State.Pid {
			t.Errorf("show %s -want +got:\n%s\npid %d and %d, want %d", name, diff, deref(c.PID), p.Process.PID, a.State.Pid)
		}
		checkProcess(t, name, p.Process)
		checkMemberships(t, s, name, p.Process.Namespaces)
	}
}

// checkProcess compares with /proc/PID/status.
func checkProcess(t *testing.T, name string, p *graph.ProcessProfile) {
	t.Helper()
	if p.Details == nil {
		t.Errorf("show %s: nothing is known of process %d", name, p.PID)
		return
	}
	if want := statusField(t, p.PID, "NSpid"); !slices.Equal(p.PIDs, want) {
		t.Errorf("show %s: pids %v, want %v", name, p.PIDs, want)
	}
	uid := statusField(t, p.PID, "Uid")
	got := []int{int(p.UID.Real), int(p.UID.Effective), int(p.UID.Saved), int(p.UID.FS)}
	if !slices.Equal(got, uid) || p.PPID != statusField(t, p.PID, "PPid")[0] {
		t.Errorf("show %s: uids %v and parent %d, want %v and %v", name, got, p.PPID, uid, statusField(t, p.PID, "PPid"))
	}
}

func checkMemberships(t *testing.T, s scene, name string, list []graph.Membership) {
	t.Helper()
	ours, private := links(t, os.Getpid()), s[name].private(t)
	seen := 0
	for _, m := range list {
		if m.Link != m.Type.Link().String() { // for children
			continue
		}
		seen++
		if m.NS == nil || *m.NS != s[name].ns[m.Type] || m.Host == nil || *m.Host != (*m.NS == ours[m.Type]) {
			t.Errorf("show %s: %s is %+v, want %d (the host's is %d)", name, m.Type, m, s[name].ns[m.Type], ours[m.Type])
			continue
		}
		if private[m.Type] == 0 {
			continue
		}
		nprocs, others := 1, ""
		if name == "web1" {
			nprocs = 2
		}
		if m.Type == inspect.Net && name == "web1" {
			nprocs, others = 3, "side"
		}
		if m.Type == inspect.Net && name == "side" {
			nprocs, others = 3, "web1"
		}
		if deref(m.NProcs) != nprocs || sharers(m.SharedWith) != others || m.SharedWith.Others != 0 {
			t.Errorf("show %s: %s has %d processes, shared with %q, want %d, %q", name, m.Type, deref(m.NProcs), sharers(m.SharedWith), nprocs, others)
		}
		if m.Type == inspect.UTS && (m.UTS == nil || m.UTS.Hostname != s[name].Config.Hostname) {
			t.Errorf("show %s: UTS %+v, want %s", name, m.UTS, s[name].Config.Hostname)
		}
	}
	if seen != len(s[name].ns) {
		t.Errorf("show %s has %d namespaces, want %d", name, seen, len(s[name].ns))
	}
}

func sharers(s *graph.Sharing) string {
	var names []string
	if s != nil {
		for _, c := range s.Containers {
			names = append(names, c.Name)
		}
	}
	return strings.Join(names, " ")
}

// For a person, show says the same in words.
func checkShowText(t *testing.T, s scene) {
	a := s["web1"]
	text := view(t, "show", "web1")
	for _, want := range []string{"web1", a.short(), a.Config.Image, "running", strconv.Itoa(a.State.Pid), a.Config.Hostname, "side", itoa(a.ns[inspect.Net])} {
		if !strings.Contains(text, want) {
			t.Errorf("show web1 does not say %q:\n%s", want, text)
		}
	}
	if text := view(t, "show", "agent"); !strings.Contains(text, "shares the host's pid namespace") {
		t.Errorf("show agent does not warn of the host's pid namespace:\n%s", text)
	}
	r := answered(t, docker.Host(), "show", "web9")
	if r.status != 1 || r.stdout != "" || !strings.Contains(r.stderr, "nsinspect: error: ") || !strings.Contains(r.stderr, "web9") {
		t.Errorf("show web9 = %+v", r)
	}
}

// tree puts every namespace of a container below the user namespace that owns
// it, once, with the container's name.
func checkTree(t *testing.T, s scene) {
	var tree graph.UserTree
	viewJSON(t, &tree, "tree")
	if len(tree.Roots) == 0 || tree.Roots[0].NS != links(t, os.Getpid())[inspect.User] {
		t.Fatalf("tree has %d roots, the first is not the host's user namespace", len(tree.Roots))
	}
	for name, a := range s {
		for typ, ino := range a.private(t) {
			found := 0
			for _, r := range tree.Roots[0].Owns {
				if r.NS != ino {
					continue
				}
				found++
				if want := leadOf(name, typ.String()); r.Type != typ || r.Container == nil || r.Container.Name != want {
					t.Errorf("tree: %s of %s is %s of %+v, want %s", typ, name, r.Type, r.Container, want)
				}
			}
			if found != 1 {
				t.Errorf("tree shows %s of %s %d times", typ, name, found)
			}
		}
	}
}

// tree --pid shows the processes of a container with their pids outside and
// inside.
func checkPIDTree(t *testing.T, s scene) {
	var tree graph.PIDTree
	viewJSON(t, &tree, "tree", "--pid")
	if len(tree.Roots) != 1 {
		t.Fatalf("tree --pid has %d roots", len(tree.Roots))
	}
	for name, a := range s {
		nodes := tree.Roots[0].Children
		if name == "agent" { // it is in the host's
			nodes = tree.Roots
		}
		i := slices.IndexFunc(nodes, func(n *graph.PIDNode) bool { return n.NS == a.ns[inspect.PID] })
		if i < 0 {
			t.Errorf("tree --pid has no pid namespace of %s", name)
			continue
		}
		pids := topPIDs(t, name)
		for _, p := range nodes[i].Processes {
			if p.Container == nil || p.Container.Name != name {
				if name != "agent" {
					t.Errorf("tree --pid: process %d of %s is of %+v", p.PID, name, p.Container)
				}
				continue
			}
			if want := statusField(t, p.PID, "NSpid"); !slices.Equal(p.PIDs, want) {
				t.Errorf("tree --pid: pids of %s %v, want %v", name, p.PIDs, want)
			}
			pids = slices.DeleteFunc(pids, func(pid int) bool { return pid == p.PID })
		}
		if len(pids) != 0 {
			t.Errorf("tree --pid lacks processes %v of %s", pids, name)
		}
	}
}

// topPIDs are the processes of a container as docker top has them.
func topPIDs(t *testing.T, name string) []int {
	t.Helper()
	var pids []int
	for _, word := range strings.Fields(docker.Docker(t, "top", name, "-o", "pid"))[1:] {
		pid, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	slices.Sort(pids)
	return pids
}
