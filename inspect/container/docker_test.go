package container

import (
	"maps"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"nsinspect/inspect"
	"nsinspect/inspect/container/dockertest"
)

// realEngines asks the test's daemon, and no other of the machine.
func realEngines(t *testing.T) *engines {
	t.Helper()
	return host(t, t.TempDir(), map[string]string{"DOCKER_HOST": docker.Host()})
}

// wantInspected is what docker inspect says, in our words.
func wantInspected(t *testing.T, id string) inspect.Container {
	t.Helper()
	c := docker.Inspect(t, id)
	want := inspect.Container{
		ID: c.ID, Name: strings.TrimPrefix(c.Name, "/"), Engine: Docker, Image: c.Config.Image, State: c.State.Status,
		Labels: keptLabels(c.Config.Labels), NetworkMode: c.HostConfig.NetworkMode,
	}
	for _, name := range slices.Sorted(maps.Keys(c.NetworkSettings.Networks)) {
		n := c.NetworkSettings.Networks[name]
		want.Networks = append(want.Networks, inspect.ContainerNetwork{
			Name: name, ID: n.NetworkID, Addr: addr(n.IPAddress), Addr6: addr(n.GlobalIPv6Address), MAC: n.MacAddress,
		})
	}
	for port, bindings := range c.NetworkSettings.Ports {
		number, protocol, _ := strings.Cut(port, "/")
		for _, b := range bindings {
			want.Ports = append(want.Ports, inspect.PublishedPort{
				HostIP: addr(b.HostIP), HostPort: portNumber(t, b.HostPort), Port: portNumber(t, number), Protocol: protocol,
			})
		}
	}
	return want
}

// addr is the zero address for one that does not parse, such as "".
func addr(s string) netip.Addr {
	a, _ := netip.ParseAddr(s)
	return a
}

func portNumber(t *testing.T, s string) uint16 {
	t.Helper()
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(n)
}

// sameAddr has cmp compare addresses, and ports in any order.
var sameAddr = cmp.Options{
	cmpopts.EquateComparable(netip.Addr{}),
	cmpopts.SortSlices(func(a, b inspect.PublishedPort) bool { return a.HostIP.Less(b.HostIP) }),
}

// What the engine's list says is what docker inspect says.
func TestDockerList(t *testing.T) {
	docker.Start(t)
	web := docker.Run(t, "--name=web1", "--label=com.docker.compose.project=shop", "--label=com.docker.compose.service=web", "--label=password=secret")
	docker.Network(t, "back")
	ids := []string{
		web,
		docker.Run(t, "--publish=80"),
		docker.Run(t, "--net=host", "--pid=host"),
		docker.Run(t, "--net=container:web1"),
		docker.Run(t, "--net=none"),
		docker.Run(t, "--net=back", "--link=web1:alias"),
	}
	stopped, paused := docker.Run(t, dockertest.Image, "true"), docker.Run(t)
	docker.Docker(t, "wait", stopped)
	docker.Docker(t, "pause", paused)
	ids = append(ids, stopped, paused)

	var want []inspect.Container
	for _, id := range ids {
		want = append(want, wantInspected(t, id))
	}
	slices.SortFunc(want, func(a, b inspect.Container) int { return strings.Compare(a.ID, b.ID) })
	got, problems := ask(t, realEngines(t))
	if diff := cmp.Diff(want, got, sameAddr); diff != "" || len(problems) != 0 {
		t.Errorf("-want +got:\n%s\nproblems: %v", diff, problems)
	}
	states := map[string]int{}
	for _, c := range got {
		states[c.State]++
		if c.ID == web && (c.Name != "web1" || len(c.Labels) != 2 || c.Project() != "shop" || c.Service() != "web") {
			t.Errorf("web1 = %+v", c)
		}
	}
	if diff := cmp.Diff(map[string]int{"running": 6, "exited": 1, "paused": 1}, states); diff != "" {
		t.Errorf("states -want +got:\n%s", diff)
	}
}

// The first process of a container, and one that docker exec adds, are known
// by their cgroup, whichever version the daemon uses.
func TestDockerCgroup(t *testing.T) {
	t.Run("as mounted", func(t *testing.T) { testCgroup(t, &docker) })
	t.Run("version 2", func(t *testing.T) { testCgroup(t, &unified) })
}

func testCgroup(t *testing.T, d *dockertest.Daemon) {
	d.Start(t)
	for _, tt := range []struct {
		name   string
		args   []string
		engine string
	}{
		{"bridge", nil, Docker},
		{"all of the host", []string{"--net=host", "--pid=host", "--ipc=host", "--uts=host", "--cgroupns=host"}, Docker},
		{"own cgroup namespace", []string{"--cgroupns=private"}, Docker},
		{"cgroup parent", []string{"--cgroup-parent=" + d.Cgroup() + "/jobs"}, Unknown},
	} {
		t.Run(tt.name, func(t *testing.T) {
			id := d.Run(t, tt.args...)
			d.Docker(t, "exec", "--detach", id, "sleep", "1000")
			pids := strings.Fields(d.Docker(t, "top", id, "-o", "pid"))[1:]
			if len(pids) != 2 || !slices.Contains(pids, strconv.Itoa(d.PID(t, id))) {
				t.Fatalf("docker top = %v", pids)
			}
			for _, pid := range pids {
				got, ok := FromCgroups(cgroupsOf(t, pid))
				if want := (inspect.Container{ID: id, Engine: tt.engine}); !ok || !cmp.Equal(want, got) {
					t.Errorf("process %s: %+v, want %+v", pid, got, want)
				}
			}
		})
	}
	if c, ok := FromCgroups(cgroupsOf(t, strconv.Itoa(d.Supervisor()))); ok {
		t.Errorf("the supervisor is taken for a part of %+v", c)
	}
}

func cgroupsOf(t *testing.T, pid string) []inspect.CgroupPath {
	t.Helper()
	file, err := os.ReadFile("/proc/" + pid + "/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	return cgroupPaths(t, string(file))
}
