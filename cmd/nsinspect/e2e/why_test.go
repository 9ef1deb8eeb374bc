package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// why names the container whose processes hold its namespaces, the sandbox
// mount that Docker made of its network namespace, and how to stop it.
func checkWhy(t *testing.T, s scene) {
	var doc render.WhyDocument
	viewJSON(t, &doc, "why", "web1")
	private := s["web1"].private(t)
	held := map[inspect.Type]bool{}
	for _, w := range doc.Namespaces {
		if private[w.Type] != w.NS {
			continue
		}
		held[w.Type] = slices.ContainsFunc(w.Holders, func(h graph.Holder) bool {
			return h.Kind == graph.HolderTask && h.Container != nil && h.Container.Name == "web1" && slices.Contains(h.PIDs, s["web1"].State.Pid)
		})
		if !slices.ContainsFunc(w.Free, func(r graph.Remedy) bool { return r.Command == "docker stop web1" }) {
			t.Errorf("%s:[%d]: nothing stops web1: %+v", w.Type, w.NS, w.Free)
		}
		if w.Type == inspect.Net {
			checkSandboxMount(t, &w)
		}
	}
	for typ := range private {
		if !held[typ] {
			t.Errorf("why web1: its %s namespace is not held by its processes", typ)
		}
	}
	if text := view(t, "why", "side"); !strings.Contains(text, "of container web1") || !strings.Contains(text, "in container side") {
		t.Errorf("the network namespace of side is held by web1 and side:\n%s", text)
	}
}

// checkSandboxMount looks for the file that dockerd mounts a network namespace
// on, in the mount namespace of the daemon.
func checkSandboxMount(t *testing.T, w *graph.Why) {
	t.Helper()
	for _, h := range w.Holders {
		if h.Kind == graph.HolderKind(inspect.RefMount) && strings.Contains(h.Paths[0], "/netns/") && len(h.Holders) > 0 {
			return
		}
	}
	t.Errorf("net:[%d]: no mount of the daemon among %+v", w.NS, w.Holders)
}

// mounts names the root file system of a container, in its own tree and in
// the daemon's, and --busy leads from the directory to the container.
func checkMounts(t *testing.T, s scene) {
	var tree graph.MountTree
	viewJSON(t, &tree, "mounts", "web1")
	if len(tree.Mounts) == 0 || tree.Mounts[0].Point != "/" || tree.NS != s["web1"].ns[inspect.Mnt] {
		t.Fatalf("mounts web1: %+v", tree)
	}
	root := tree.Mounts[0]
	if root.FSType != "overlay" {
		t.Skipf("Docker's storage driver here gives containers no file system of their own: %s", root.FSType)
	}
	if root.Rootfs == nil || root.Rootfs.Name != "web1" {
		t.Errorf("the root of web1 is %+v", root)
	}
	var busy graph.Busy
	viewJSON(t, &busy, "mounts", "--busy", root.Device)
	found := slices.ContainsFunc(busy.In, func(in graph.BusyIn) bool {
		return in.NS == tree.NS && slices.ContainsFunc(in.Free, func(r graph.Remedy) bool { return r.Command == "docker stop web1" })
	})
	if !found {
		t.Errorf("--busy %s does not lead to web1: %+v", root.Device, busy.In)
	}
}

// can tells what the capabilities of a container are worth.
func checkCan(t *testing.T, s scene) {
	net := fmt.Sprintf("net:%d", s["web1"].ns[inspect.Net])
	for capability, status := range map[string]int{"net_bind_service": 0, "net_admin": 1} {
		r := nsinspect(t, docker.Host(), "can", "-p", "web1", "--cap", capability, "-o", "json", net)
		var c graph.Can
		if err := json.Unmarshal([]byte(r.stdout), &c); err != nil || r.status != status || c.Rule != graph.CanMember || c.PID != s["web1"].State.Pid {
			t.Errorf("can %s: status %d, %+v, %v", capability, r.status, c, err)
		}
	}
}

// checkLeaked holds that nothing of a running container is called leaked.
func checkLeaked(t *testing.T, s scene) {
	var leaks graph.Leaks
	viewJSON(t, &leaks, "why", "--leaked")
	for _, l := range leaks.Namespaces {
		for name, a := range s {
			if a.ns[l.Type] == l.NS {
				t.Errorf("%s:[%d] of %s is called leaked", l.Type, l.NS, name)
			}
		}
	}
}
