package enter_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"nsinspect/inspect/container/dockertest"
)

// inDocker runs nsinspect enter as one who talks to the test's daemon.
func inDocker(t testing.TB, d *dockertest.Daemon, args ...string) result {
	t.Helper()
	cmd := command(t, 0, args...)
	cmd.Env = append(d.Env(), "TERM=dumb", "SHELL=/no/such/shell")
	return finish(t, cmd)
}

func TestContainer(t *testing.T) {
	docker.Start(t)
	id := docker.Run(t, "--name", "web1", "--hostname", "inside")
	pid := itoa(docker.PID(t, "web1"))
	joined := []string{"ipc", "mnt", "net", "pid", "uts"}
	options, first := "", ""
	if links(t, pid, "cgroup") != links(t, "self", "cgroup") { // version 2
		joined, options, first = append(joined, "cgroup"), " --cgroup", "cgroup, "
	}
	for _, word := range []string{"web1", id, id[:8], "docker:web1"} {
		r := inDocker(t, &docker, word, "--", "sh", "-c",
			"for k in "+strings.Join(joined, " ")+"; do /bin/busybox readlink /proc/self/ns/$k; done")
		r.says(t, 0, links(t, pid, joined...))
	}
	inDocker(t, &docker, "web1", "--", "hostname").says(t, 0, "inside\n")
	// Its own pid is there, as its /proc has it; descriptors and exe are its own.
	inDocker(t, &docker, "web1", "--", "sh", "-c", "test -d /proc/$$ && cat /proc/$$/comm; exit 7").says(t, 7, "sh\n")
	inDocker(t, &docker, "web1", "--", "sh", "-c", `echo /proc/self/fd/*; readlink /proc/$$/exe`).says(t, 0,
		"/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3\n/bin/busybox\n")
	// The network and the name with the tools of the host.
	r := inDocker(t, &docker, "web1", "--net", "--uts", "--", "sh", "-c", "hostname; ls /sys/class/net; ls -d /work /root 2>/dev/null; cat /proc/net/dev")
	if !strings.HasPrefix(r.out, "inside\n") || !strings.Contains(r.out, "eth0:") || !strings.Contains(r.out, "/root") {
		t.Errorf("%s%s", r.out, r.err)
	}
	inDocker(t, &docker, "web1", "--", "no-such-command").fails(t, 127, "nsinspect enter web1"+options+" --ipc --uts --net")
	inDocker(t, &docker, "--dry-run", "web1").says(t, 0, fmt.Sprintf(` 1. join the %[2]sipc, uts, net, pid and mnt namespaces of web1
    needs CAP_SYS_ADMIN in user:[4026531837], which owns %[2]sipc, uts, net, pid and mnt; CAP_SYS_CHROOT
 2. take the target's root as root directory
    needs CAP_SYS_CHROOT
 3. fork and wait: pass signals on, end as the command ends
 4. go to / unless the working directory is below it
 5. run a shell: /no/such/shell or /bin/sh
same as: nsenter -t %[1]s%[3]s --ipc --uts --net --pid --mount --root
`, pid, first, options))
}

// The daemon with --userns-remap: its user namespace is joined as well, and
// root inside is nobody's root outside.
func TestRemappedContainer(t *testing.T) {
	remapped.Start(t)
	remapped.Run(t, "--name", "web1")
	pid := itoa(remapped.PID(t, "web1"))
	r := inDocker(t, &remapped, "web1", "--", "sh", "-c", "/bin/busybox readlink /proc/self/ns/user; cat /proc/self/uid_map; id -u; touch /made && ls -ln /made")
	lines := strings.Split(r.out, "\n")
	if len(lines) != 5 || lines[0]+"\n" != links(t, pid, "user") || lines[0]+"\n" == links(t, "self", "user") ||
		lines[2] != "0" || strings.Join(strings.Fields(lines[3])[2:4], " ") != "0 0" {
		t.Errorf("status %d: %s%s", r.code(), r.out, r.err)
	}
	// What it made is of the first of the ids outside.
	made, err := os.Stat("/proc/" + pid + "/root/made")
	if err != nil {
		t.Fatal(err)
	}
	outside := strings.Fields(lines[1])[1]
	if uid := fmt.Sprint(made.Sys().(*syscall.Stat_t).Uid); uid != outside || uid == "0" {
		t.Errorf("the file is of uid %s outside, want %s", uid, outside)
	}
	// Its network alone is joined with our own ids.
	inDocker(t, &remapped, "web1", "--net", "--", "sh", "-c", "id -u; readlink /proc/self/ns/user /proc/self/ns/net").says(t, 0,
		"0\n"+links(t, "self", "user")+links(t, pid, "net"))
}

// A shell where the container has one, by a shell's standard input.
func TestContainerShell(t *testing.T) {
	docker.Start(t)
	docker.Run(t, "--name", "web2")
	cmd := command(t, 0, "web2")
	cmd.Env = append(docker.Env(), "SHELL=/bin/bash")
	cmd.Stdin = strings.NewReader("echo $0; exit 3\n")
	finish(t, cmd).says(t, 3, "/bin/sh\n")
}

func TestContainerSelfExe(t *testing.T) {
	docker.Start(t)
	docker.Run(t, "--name", "evil")
	docker.Docker(t, "exec", "evil", "sh", "-c", `echo '#!/proc/self/exe' > /script; chmod 755 /script; ln -s /proc/self/exe /link`)
	inDocker(t, &docker, "evil", "--", "/script").fails(t, 126, "second time")
	inDocker(t, &docker, "evil", "--", "/link").fails(t, 126, "second time")
}

func TestContainerCapabilities(t *testing.T) {
	docker.Start(t)
	docker.Run(t, "--name", "weak", "--cap-drop", "ALL", "--cap-add", "CHOWN")
	inDocker(t, &docker, "weak", "--target-caps", "--", "/bin/busybox", "grep", "-E", "^(CapBnd|CapEff|NoNewPrivs)", "/proc/self/status").says(t, 0,
		"CapEff:\t0000000000000001\nCapBnd:\t0000000000000001\nNoNewPrivs:\t1\n")
	r := inDocker(t, &docker, "weak", "--", "/bin/busybox", "grep", "CapEff", "/proc/self/status")
	if r.out == "CapEff:\t0000000000000001\n" || r.code() != 0 {
		t.Errorf("without --target-caps: %s%s", r.out, r.err)
	}
}

func TestContainerResolvConf(t *testing.T) {
	docker.Start(t)
	docker.Run(t, "--name", "dns", "--dns", "192.0.2.53")
	r := inDocker(t, &docker, "dns", "--net", "--resolv-conf", "--", "cat", "/etc/resolv.conf")
	if r.code() == 0 && !strings.Contains(r.out, "192.0.2.53") || r.code() != 0 && !strings.Contains(r.err, "mounted from here") {
		t.Errorf("status %d: %s%s", r.code(), r.out, r.err)
	}
	// From where the engine's files can be seen.
	outer := exec.Command("nsenter", "--mount", "-t", itoa(docker.Supervisor()), built(t), "enter", "dns", "--net", "--resolv-conf", "--", "cat", "/etc/resolv.conf")
	outer.Env = docker.Env()
	if r := finish(t, outer); !strings.Contains(r.out, "192.0.2.53") {
		t.Errorf("status %d: %s%s", r.code(), r.out, r.err)
	}
}

func TestContainerCgroup(t *testing.T) {
	docker.Start(t)
	docker.Run(t, "--name", "grouped")
	pid := itoa(docker.PID(t, "grouped"))
	r := inDocker(t, &docker, "grouped", "--net", "--join-cgroup", "--", "cat", "/proc/self/cgroup", "/proc/"+pid+"/cgroup")
	if half := len(r.out) / 2; r.code() != 0 || half == 0 || r.out[:half] != r.out[half:] {
		t.Errorf("status %d: %s%s", r.code(), r.out, r.err)
	}
}

func TestContainerThatDoesNotRun(t *testing.T) {
	docker.Start(t)
	docker.Run(t, "--name", "stopped")
	docker.Docker(t, "kill", "stopped")
	inDocker(t, &docker, "stopped", "--", "true").fails(t, 125, "not running", "docker start stopped")
	inDocker(t, &docker, "nosuch", "--", "true").fails(t, 125, "nosuch", "not found")
}

// A paused container has namespaces to join; its cgroup would stop the command.
func TestContainerThatIsPaused(t *testing.T) {
	docker.Start(t)
	docker.Run(t, "--name", "still", "--hostname", "still")
	docker.Docker(t, "pause", "still")
	r := inDocker(t, &docker, "still", "--", "hostname")
	r.says(t, 0, "still\n")
	r.fails(t, 0, "still is paused", "docker unpause still")
	inDocker(t, &docker, "still", "--join-cgroup", "--", "true").fails(t, 125, "frozen", "hint: docker unpause still")
	docker.Docker(t, "unpause", "still")
	r = inDocker(t, &docker, "still", "--join-cgroup", "--", "hostname")
	if r.says(t, 0, "still\n"); r.err != "" {
		t.Error(r.err)
	}
}

// From another pid namespace than the engine's its pids mean other processes,
// or none.
func TestContainerOfAnotherPIDNamespace(t *testing.T) {
	docker.Start(t)
	docker.Run(t, "--name", "far")
	pid := docker.PID(t, "far")
	cmd := command(t, 0, "--new-pid", "--new-mnt", "--", built(t), "enter", "far", "--", "true")
	cmd.Env = docker.Env()
	finish(t, cmd).fails(t, 125, "process "+itoa(pid)+" is not in container far", "--pid=host")
}
