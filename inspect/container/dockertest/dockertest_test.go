package dockertest

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

var docker, remap = Daemon{}, Daemon{Remap: 200000}

func TestMain(m *testing.M) { os.Exit(docker.Tests(remap.Tests(m)).Run()) }

// The daemon runs containers, whose processes are in our /proc but in other
// namespaces than ours and the daemon's.
func TestRun(t *testing.T) {
	docker.Start(t)
	id := docker.Run(t, "--name", "web1", "--publish", "8080:80")
	c := docker.Inspect(t, "web1")
	if c.ID != id || c.Name != "/web1" || c.State.Status != "running" || c.Config.Image != Image {
		t.Errorf("inspect = %+v", c)
	}
	ours, daemons, theirs := netns(t, os.Getpid()), netns(t, docker.Supervisor()), netns(t, c.State.Pid)
	if ours == daemons || ours == theirs || daemons == theirs {
		t.Errorf("network namespaces: ours %s, the daemon's %s, the container's %s", ours, daemons, theirs)
	}
	if out := docker.Docker(t, "exec", id, "ip", "-o", "-4", "address", "show", "dev", "eth0"); !strings.Contains(out, c.NetworkSettings.IPAddress) {
		t.Errorf("eth0 has no address %s: %s", c.NetworkSettings.IPAddress, out)
	}
}

// With Remap containers run in a user namespace.
func TestRemap(t *testing.T) {
	remap.Start(t)
	pid := remap.PID(t, remap.Run(t))
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/uid_map", pid))
	if got := strings.Join(strings.Fields(string(data)), " "); err != nil || got != "0 200000 65536" {
		t.Errorf("uid_map = %q, %v", got, err)
	}
}

func netns(t *testing.T, pid int) string {
	t.Helper()
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// No mount of the daemon comes out of its mount namespace.
func TestMountsStayInside(t *testing.T) {
	docker.Start(t)
	docker.Run(t)
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(docker.dir))
	if err != nil || len(mounts) != 0 {
		t.Errorf("mounts of the daemon are seen here: %v, %v", mounts, err)
	}
}

// killed makes TestKilled the process that is to be killed.
const killed = "NSINSPECT_DOCKERTEST_KILLED"

// A test binary that is killed leaves nothing: no process, no cgroup, no file;
// not even with a container that is frozen, or one in our pid namespace.
func TestKilled(t *testing.T) {
	docker.Start(t)
	if os.Getenv(killed) != "" {
		waitToBeKilled(t)
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), killed+"=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var dir string
	var pids []int
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var pid int
		if n, _ := fmt.Sscanf(lines.Text(), "running %s %d", &dir, &pid); n == 2 {
			pids = append(pids, pid)
		}
		if lines.Text() == "ready" {
			break
		}
	}
	var ends []int
	for _, pid := range pids {
		ends = append(ends, pidfd(t, pid))
	}
	cmd.Process.Kill()
	cmd.Wait()
	if len(ends) != 5 {
		t.Fatalf("%d processes to watch, want 5", len(ends))
	}
	for i, fd := range ends {
		awaitEnd(t, pids[i], fd)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left: %v", dir, err)
	}
	for _, root := range hierarchies() {
		if _, err := os.Stat(filepath.Join(root, cgroupOf(dir))); !os.IsNotExist(err) {
			t.Errorf("a cgroup in %s is left: %v", root, err)
		}
	}
}

// waitToBeKilled starts containers, prints the pids of all and waits.
func waitToBeKilled(t *testing.T) {
	bridge := docker.Run(t)
	host := docker.Run(t, "--pid=host", "--net=host")
	frozen := docker.Run(t)
	docker.Docker(t, "pause", frozen)
	for _, pid := range []int{
		docker.PID(t, bridge), docker.PID(t, host), docker.PID(t, frozen), dockerdPID(t), docker.Supervisor(),
	} {
		fmt.Println("running", docker.dir, pid)
	}
	fmt.Println("ready")
	select {}
}

func dockerdPID(t *testing.T) int {
	t.Helper()
	var pid int
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/root/run/docker.pid", docker.Supervisor()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(string(data), &pid); err != nil {
		t.Fatal(err)
	}
	return pid
}

func pidfd(t *testing.T, pid int) int {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func awaitEnd(t *testing.T, pid, fd int) {
	t.Helper()
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 30_000)
		if err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			t.Errorf("process %d lives on: %v", pid, err)
		}
		return
	}
}

// What is in a cgroup tree is found also where the tree is deep.
func TestRemoveCgroup(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "top")
	if err := os.MkdirAll(filepath.Join(dir, "docker/a/b"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := removeCgroup(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("stat %s = %v, want %v", dir, err, fs.ErrNotExist)
	}
	if err := removeCgroup(dir); err != nil {
		t.Errorf("a cgroup that is gone: %v", err)
	}
}
