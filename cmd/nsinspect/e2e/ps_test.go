package e2e

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/inspect/container/dockertest"
)

// ps lists the processes that docker top lists, with the pids and uids that
// /proc has for both sides.
func checkPs(t *testing.T, s scene) {
	for name, a := range s {
		var list graph.ProcessList
		viewJSON(t, &list, "ps", name)
		var pids []int
		for _, p := range list.Processes {
			pids = append(pids, p.PID)
			nspid, uid := statusField(t, p.PID, "NSpid"), statusField(t, p.PID, "Uid")[1]
			if deref(p.InsidePID) != nspid[len(nspid)-1] || p.UID == nil || int(*p.UID) != uid || p.InsideUID == nil || int(*p.InsideUID) != uid {
				t.Errorf("ps %s: %+v, want pids %v and uid %d on both sides", name, p, nspid, uid)
			}
			if p.Container == nil || p.Container.Name != name || p.Command == nil || *p.Command != "sleep" {
				t.Errorf("ps %s: process %d is %v of %+v", name, p.PID, p.Command, p.Container)
			}
		}
		if want := topPIDs(t, name); !slices.Equal(pids, want) {
			t.Errorf("ps %s lists %v, docker top %v", name, pids, want)
		}
		if list.PIDNamespace == nil || *list.PIDNamespace != a.ns[inspect.PID] {
			t.Errorf("ps %s is about pid namespace %v, want %d", name, list.PIDNamespace, a.ns[inspect.PID])
		}
	}
	text := view(t, "ps", "--no-headings", "web1")
	if n := strings.Count(text, "\n"); n != 2 || !strings.Contains(text, strconv.Itoa(s["web1"].State.Pid)) {
		t.Errorf("ps web1:\n%s", text)
	}
}

// Where ids are not mapped they are the host's; pids are not.
func checkID(t *testing.T, s scene) {
	pid := strconv.Itoa(s["web1"].State.Pid)
	for _, tt := range []struct{ args, want string }{
		{"-p web1 1000", "1000"},
		{"-p web1 --from-host 1000", "1000"},
		{"-p web1 --gid 0 33", "0\n33"},
		{"-p web1 --pid 1", pid},
		{"-p web1 --pid --from-host " + pid, "1"},
		{"-p web1 --to web2 7", "7"},
	} {
		got := view(t, append([]string{"id", "-q"}, strings.Fields(tt.args)...)...)
		if strings.TrimSpace(got) != tt.want {
			t.Errorf("id -q %s = %q, want %q", tt.args, got, tt.want)
		}
	}
}

// testRemappedID holds the ids of a container with a user namespace, and of
// one with another inside of that, against /proc/PID/status.
func testRemappedID(t *testing.T) {
	nested := remap.Run(t, "--name=nested", "--user=33:33", "--security-opt=seccomp=unconfined",
		dockertest.Image, "unshare", "-U", "-r", "sleep", "1000")
	uid := statusField(t, remap.PID(t, nested), "Uid")[1]
	if uid != mappedFrom+33 {
		t.Fatalf("the host's uid of nested is %d", uid)
	}
	for _, tt := range []struct{ args, want string }{
		{"-q -p mapped 0 33 65535", "200000\n200033\n265535"},
		{"-q -p mapped --from-host 200033", "33"},
		{"-q -p mapped --gid 33", "200033"},
		{"-q -p nested 0", strconv.Itoa(uid)},
		{"-q -p nested --from-host 200033", "0"},
		{"-q -p nested --to mapped 0", "33"},
	} {
		got := viewOn(t, remap.Host(), append([]string{"id"}, strings.Fields(tt.args)...)...)
		if strings.TrimSpace(got) != tt.want {
			t.Errorf("id %s = %q, want %q", tt.args, got, tt.want)
		}
	}
	for _, args := range []string{"-p mapped 65536", "-p mapped --from-host 0", "-p nested 33"} {
		got := viewOn(t, remap.Host(), append([]string{"id"}, strings.Fields(args)...)...)
		if !strings.Contains(got, "unmapped") || !strings.Contains(got, "65534") {
			t.Errorf("id %s = %q, want unmapped, shown as 65534", args, got)
		}
	}
}
