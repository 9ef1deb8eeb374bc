package container

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"nsinspect/inspect"
)

const (
	idA  = "9bca8d63d5fa610783847915bcff0ecac1273e5b4bed3f6fa1b07350e0135961"
	idB  = "d4e8e05a546c86b6443f101966c618e47753ed01fa9929cae00d3b692f7a9f80"
	uidA = "2c48913c-b29f-11e7-9350-020968147796"
	uidU = "2c48913c_b29f_11e7_9350_020968147796"
)

// cgroupLines are contents of /proc/PID/cgroup with what they tell.
var cgroupLines = []struct {
	name, file string
	want       inspect.Container
}{
	{
		"docker v1 cgroupfs", "12:pids:/docker/" + idA + "\n11:memory:/docker/" + idA + "\n1:name=systemd:/docker/" + idA + "\n0::/system.slice/containerd.service",
		inspect.Container{ID: idA, Engine: Docker},
	},
	{"docker v2 cgroupfs", "0::/docker/" + idA, inspect.Container{ID: idA, Engine: Docker}},
	{
		"docker v1 systemd", "10:devices:/system.slice/docker-" + idA + ".scope\n2:cpuacct,cpu:/system.slice/docker-" + idA + ".scope",
		inspect.Container{ID: idA, Engine: Docker},
	},
	{"docker v2 systemd", "0::/system.slice/docker-" + idA + ".scope", inspect.Container{ID: idA, Engine: Docker}},
	{
		"docker hybrid, one hierarchy alone", "9:name=systemd:/\n8:pids:/docker/" + idA + "\n4:memory:/process_api/2eb50bab60b11fdba169ddeea711ac6c\n0::/",
		inspect.Container{ID: idA, Engine: Docker},
	},
	{"docker rootless", "0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-" + idA + ".scope", inspect.Container{ID: idA, Engine: Docker}},
	{"docker cgroup-parent slice", "0::/web.slice/docker-" + idA + ".scope", inspect.Container{ID: idA, Engine: Docker}},
	{"docker cgroup-parent path", "0::/actions_job/" + idA, inspect.Container{ID: idA, Engine: Unknown}},
	{"docker of ECS", "9:perf_event:/ecs/4b8ea9a2-c0a5-4e1c-8c4b-9f0e1d5a9d21/" + idA, inspect.Container{ID: idA, Engine: Unknown}},
	{"docker on old Debian", "10:net_prio:/" + idA, inspect.Container{ID: idA, Engine: Unknown}},
	{"docker container's own init scope", "0::/docker/" + idA + "/init", inspect.Container{ID: idA, Engine: Docker}},
	{"systemd in a docker container", "0::/system.slice/docker-" + idA + ".scope/init.scope", inspect.Container{ID: idA, Engine: Docker}},
	{"docker as a colon path", "4:memory:/system.slice:docker:" + idA, inspect.Container{ID: idA, Engine: Docker}},
	{"docker in docker", "0::/docker/" + idA + "/docker/" + idB, inspect.Container{ID: idA, Engine: Docker}},
	{"docker in docker, systemd outside", "0::/system.slice/docker-" + idA + ".scope/docker/" + idB, inspect.Container{ID: idA, Engine: Docker}},
	{
		"kind", "0::/docker/" + idA + "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" + uidU + ".slice/cri-containerd-" + idB + ".scope",
		inspect.Container{ID: idA, Engine: Docker},
	},
	{"docker in lxc", "0::/lxc.payload.ci/docker/" + idA, inspect.Container{ID: "ci", Name: "ci", Engine: LXC}},
	{"removed cgroup of a zombie", "0::/system.slice/docker-" + idA + ".scope (deleted)", inspect.Container{ID: idA, Engine: Docker}},
	{"known engine wins over bare id", "5:cpu:/x/" + idB + "\n4:memory:/docker/" + idA, inspect.Container{ID: idA, Engine: Docker}},

	{"seen from a sibling container, cgroupfs", "0::/../" + idA, inspect.Container{ID: idA, Engine: Unknown}},
	{"seen from a sibling container, systemd", "0::/../docker-" + idA + ".scope", inspect.Container{ID: idA, Engine: Docker}},
	{"seen from a container elsewhere", "0::/../../system.slice/docker-" + idA + ".scope", inspect.Container{ID: idA, Engine: Docker}},
	{"seen from a pod, sibling pod", "0::/../../pod" + uidA + "/" + idA, inspect.Container{ID: idA, Engine: Kubernetes, Pod: uidA}},
	{"seen from a cri-o pod", "0::/../crio-" + idA + ".scope", inspect.Container{ID: idA, Engine: CRIO}},
	{"host seen from a container", "0::/../../init.scope", inspect.Container{}},

	{"containerd cri cgroupfs", "11:memory:/kubepods/burstable/pod" + uidA + "/" + idA, inspect.Container{ID: idA, Engine: Kubernetes, Pod: uidA}},
	{"guaranteed pod cgroupfs", "0::/kubepods/pod" + uidA + "/" + idA, inspect.Container{ID: idA, Engine: Kubernetes, Pod: uidA}},
	{
		"containerd cri systemd", "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + uidU + ".slice/cri-containerd-" + idA + ".scope",
		inspect.Container{ID: idA, Engine: Containerd, Pod: uidA},
	},
	{
		"guaranteed pod systemd", "0::/kubepods.slice/kubepods-pod" + uidU + ".slice/cri-containerd-" + idA + ".scope",
		inspect.Container{ID: idA, Engine: Containerd, Pod: uidA},
	},
	{
		"uid with dashes in a slice", "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + uidA + ".slice/docker-" + idA + ".scope",
		inspect.Container{ID: idA, Engine: Docker, Pod: uidA},
	},
	{
		"static pod", "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podc704ef4c297ab11032b83ce52cbfc87b.slice/cri-containerd-" + idA + ".scope",
		inspect.Container{ID: idA, Engine: Containerd, Pod: "c704ef4c297ab11032b83ce52cbfc87b"},
	},
	{"containerd colon path", "9:cpuset:/kubepods-besteffort-pod" + uidU + ".slice:cri-containerd:" + idA, inspect.Container{ID: idA, Engine: Containerd, Pod: uidA}},
	{
		"containerd colon path below its service", "1:name=systemd:/system.slice/containerd.service/kubepods-besteffort-pod" + uidU + ".slice:cri-containerd:" + idA,
		inspect.Container{ID: idA, Engine: Containerd, Pod: uidA},
	},
	{"kata sandbox", "0::/kubepods/besteffort/pod" + uidA + "/kata_" + idA, inspect.Container{ID: idA, Engine: Kubernetes, Pod: uidA}},
	{"pod without container", "0::/kubepods/besteffort/pod" + uidA, inspect.Container{}},
	{
		"cri-o systemd", "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + uidU + ".slice/crio-" + idA + ".scope/container",
		inspect.Container{ID: idA, Engine: CRIO, Pod: uidA},
	},
	{"cri-o cgroupfs", "0::/kubepods/besteffort/pod" + uidA + "/crio-" + idA, inspect.Container{ID: idA, Engine: CRIO, Pod: uidA}},
	{"cri-o conmon", "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + uidU + ".slice/crio-conmon-" + idA + ".scope", inspect.Container{}},

	{"ctr", "0::/default/redis-1", inspect.Container{ID: "redis-1", Name: "redis-1", Engine: Containerd}},
	{"nerdctl cgroupfs", "0::/default/" + idA, inspect.Container{ID: idA, Engine: Containerd}},
	{"nerdctl systemd", "0::/system.slice/nerdctl-" + idA + ".scope", inspect.Container{ID: idA, Engine: Containerd}},
	{"ctr in k8s.io", "0::/k8s.io/" + idA, inspect.Container{ID: idA, Engine: Containerd}},
	{"buildkit in docker", "0::/docker/buildkit/5cf82fwiumld3vcs5d5l5pzyv", inspect.Container{ID: "5cf82fwiumld3vcs5d5l5pzyv", Engine: BuildKit}},
	{"buildkit in docker, systemd", "0::/system.slice/docker-5cf82fwiumld3vcs5d5l5pzyv.scope", inspect.Container{ID: "5cf82fwiumld3vcs5d5l5pzyv", Engine: BuildKit}},
	{"buildkitd", "0::/buildkit/5cf82fwiumld3vcs5d5l5pzyv", inspect.Container{ID: "5cf82fwiumld3vcs5d5l5pzyv", Engine: BuildKit}},

	{"podman", "0::/machine.slice/libpod-" + idA + ".scope", inspect.Container{ID: idA, Engine: Podman}},
	{"podman child", "0::/machine.slice/libpod-" + idA + ".scope/container", inspect.Container{ID: idA, Engine: Podman}},
	{"podman in a pod", "0::/machine.slice/machine-libpod_pod_" + idB + ".slice/libpod-" + idA + ".scope", inspect.Container{ID: idA, Engine: Podman}},
	{"podman rootless", "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + idA + ".scope/container", inspect.Container{ID: idA, Engine: Podman}},
	{"podman conmon", "0::/machine.slice/libpod-conmon-" + idA + ".scope", inspect.Container{}},
	{"podman cgroupfs", "0::/libpod_parent/libpod-" + idA, inspect.Container{ID: idA, Engine: Podman}},
	{"podman cgroupfs in a pod", "0::/libpod_parent/" + idB + "/libpod-" + idA, inspect.Container{ID: idA, Engine: Podman}},
	{"podman cgroupfs conmon", "0::/libpod_parent/conmon", inspect.Container{}},
	{"podman quadlet", "0::/system.slice/web.service/libpod-payload-" + idA, inspect.Container{ID: idA, Engine: Podman}},
	{"podman quadlet conmon", "0::/system.slice/web.service/runtime", inspect.Container{}},
	{"podman itself", "0::/user.slice/user-1000.slice/user@1000.service/user.slice/podman-12345.scope", inspect.Container{}},

	{"lxc 2", "4:memory:/lxc/web", inspect.Container{ID: "web", Name: "web", Engine: LXC}},
	{"proxmox", "4:memory:/lxc/100/ns/system.slice/cron.service", inspect.Container{ID: "100", Name: "100", Engine: LXC}},
	{"lxc 3", "4:memory:/lxc.payload/web", inspect.Container{ID: "web", Name: "web", Engine: LXC}},
	{"lxc 4", "0::/lxc.payload.web/init.scope", inspect.Container{ID: "web", Name: "web", Engine: LXC}},
	{"lxc monitor", "0::/lxc.monitor.web", inspect.Container{}},
	{"lxc 3 monitor", "4:memory:/lxc.monitor/web", inspect.Container{}},
	{"lxc in lxc", "0::/lxc.payload.outer/lxc.payload.inner", inspect.Container{ID: "outer", Name: "outer", Engine: LXC}},
	{"lxc name that is not UTF-8", "0::/lxc.payload.a\xff", inspect.Container{ID: "a\uFFFD", Name: "a\uFFFD", Engine: LXC}},

	{"nspawn service", "0::/machine.slice/systemd-nspawn@deb.service/payload/init.scope", inspect.Container{ID: "deb", Name: "deb", Engine: Nspawn}},
	{"nspawn itself", "0::/machine.slice/systemd-nspawn@deb.service/supervisor", inspect.Container{}},
	{"nspawn scope", `0::/machine.slice/machine-my\x2dbox.scope/payload`, inspect.Container{ID: "my-box", Name: "my-box", Engine: Nspawn}},
	{"nspawn scope v1", `1:name=systemd:/machine.slice/machine-box.scope/system.slice/cron.service`, inspect.Container{ID: "box", Name: "box", Engine: Nspawn}},
	{"nspawn scope itself", `0::/machine.slice/machine-my\x2dbox.scope/supervisor`, inspect.Container{}},
	{"escape that is none", `0::/machine.slice/machine-a\xzz.scope`, inspect.Container{ID: `a\xzz`, Name: `a\xzz`, Engine: Nspawn}},
	{"libvirt lxc", `1:name=systemd:/machine.slice/machine-lxc\x2d4097\x2dweb.scope`, inspect.Container{ID: "lxc-4097-web", Name: "lxc-4097-web", Engine: LXC}},
	{"libvirt virtual machine", `0::/machine.slice/machine-qemu\x2d3\x2dvirthub\x2d42.scope/libvirt/vcpu0`, inspect.Container{}},

	{"root", "0::/", inspect.Container{}},
	{"nothing", "", inspect.Container{}},
	{"dockerd", "0::/system.slice/docker.service", inspect.Container{}},
	{"ssh session", "0::/user.slice/user-1000.slice/session-3.scope", inspect.Container{}},
	{"kernel threads v1", "4:memory:/\n1:name=systemd:/\n0::/", inspect.Container{}},
	{"32 digits", "4:memory:/process_api/2eb50bab60b11fdba169ddeea711ac6c", inspect.Container{}},
	{"id in upper case", "0::/docker/" + strings.ToUpper(idA), inspect.Container{}},
	{"id of 63 digits", "0::/docker/" + idA[1:], inspect.Container{}},
	{"id of 65 digits", "0::/system.slice/docker-" + idA + "0.scope", inspect.Container{}},
	{"default slice", "0::/default.slice/app", inspect.Container{}},
	{"default deeper down", "0::/app/default/web", inspect.Container{}},
	{"default hostile", "0::/default/a b", inspect.Container{}},
}

// cgroupPaths parses "hierarchy:controllers:path" as cgroups(7) describes it.
func cgroupPaths(t testing.TB, file string) []inspect.CgroupPath {
	t.Helper()
	var paths []inspect.CgroupPath
	for line := range strings.Lines(file) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		n, err := strconv.Atoi(f[0])
		if err != nil || len(f) != 3 {
			t.Fatalf("line %q is not hierarchy:controllers:path", line)
		}
		paths = append(paths, inspect.CgroupPath{Hierarchy: n, Controllers: f[1], Path: f[2]})
	}
	return paths
}

func TestFromCgroups(t *testing.T) {
	for _, tt := range cgroupLines {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := FromCgroups(cgroupPaths(t, tt.file))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s\n-want +got:\n%s", tt.file, diff)
			}
			if ok != (tt.want.ID != "") {
				t.Errorf("found = %v, want %v", ok, !ok)
			}
		})
	}
}

// FuzzFromCgroups holds that a container's ID, escaping undone, stands in the
// path, that all text is UTF-8, that the answer of a path does not change when
// version 1 repeats it, and that what runs below a container is in it.
func FuzzFromCgroups(f *testing.F) {
	for _, tt := range cgroupLines {
		for _, p := range cgroupPaths(f, tt.file) {
			f.Add(p.Path)
		}
	}
	f.Fuzz(func(t *testing.T, path string) {
		c, ok := FromCgroups([]inspect.CgroupPath{{Path: path}})
		again, ok2 := FromCgroups([]inspect.CgroupPath{{Path: path}, {Hierarchy: 3, Path: path}})
		if ok != ok2 || !cmp.Equal(c, again) {
			t.Fatalf("%q: %+v, repeated %+v", path, c, again)
		}
		if !ok {
			if !cmp.Equal(c, inspect.Container{}) {
				t.Fatalf("%q: not in a container, but %+v", path, c)
			}
			return
		}
		checkContainer(t, path, c)
	})
}

func checkContainer(t *testing.T, path string, c inspect.Container) {
	t.Helper()
	if c.ID == "" || c.Engine == "" {
		t.Errorf("%q: no id or engine: %+v", path, c)
	}
	if !strings.Contains(strings.ToValidUTF8(unescape(path), "\uFFFD"), c.ID) {
		t.Errorf("%q: id %q is not in the path", path, c.ID)
	}
	if c.Pod != "" && !strings.Contains(strings.ReplaceAll(path, "_", "-"), c.Pod) {
		t.Errorf("%q: pod %q is not in the path", path, c.Pod)
	}
	if !utf8.ValidString(c.ID) || !utf8.ValidString(c.Name) {
		t.Errorf("%q: %+v is not UTF-8", path, c)
	}
	if strings.HasSuffix(path, " (deleted)") {
		return
	}
	below, ok := FromCgroups([]inspect.CgroupPath{{Path: path + "/x"}})
	if !ok || !cmp.Equal(c, below) {
		t.Errorf("%q: %+v, but below it %+v", path, c, below)
	}
}

func BenchmarkFromCgroups(b *testing.B) {
	for _, tt := range cgroupLines {
		switch tt.name {
		case "docker v1 cgroupfs", "docker v2 systemd", "containerd cri systemd", "ssh session":
			paths := cgroupPaths(b, tt.file)
			b.Run(strings.ReplaceAll(tt.name, " ", "-"), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					FromCgroups(paths)
				}
			})
		}
	}
}
