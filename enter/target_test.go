package enter_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"nsinspect/inspect/live/livetest"
)

// Each way to say what is joined.
func TestTargets(t *testing.T) {
	livetest.Root(t)
	pid := target(t, 0, "--net", "--uts")
	net := strings.TrimSpace(links(t, itoa(pid), "net"))
	for _, word := range []string{
		itoa(pid), "pid:" + itoa(pid), fmt.Sprintf("/proc/%d", pid), fmt.Sprintf("/proc/%d/task/%d", pid, pid),
		fmt.Sprintf("/proc/%d/ns/net", pid), net, strings.Trim(net, "net:[]"),
	} {
		enter(t, word, "--", "readlink", "/proc/self/ns/net").says(t, 0, net+"\n")
	}
	// One namespace is joined alone, and has no others.
	enter(t, net, "--", "readlink", "/proc/self/ns/uts").says(t, 0, links(t, "self", "uts"))
	enter(t, net, "--uts", "--", "true").fails(t, 125, "one namespace")
	enter(t, "self", "--", "readlink", "/proc/self/ns/net").says(t, 0, links(t, "self", "net"))
	enter(t, itoa(pid), "-p", itoa(pid), "--", "true").fails(t, 125, "two targets")
	enter(t, itoa(pid), "ls").fails(t, 125, "follows --")
}

// A namespace without process is entered by the open file that holds it.
func TestTargetHeldByFile(t *testing.T) {
	livetest.Root(t)
	pid := target(t, 0, "--net")
	f, err := os.Open(fmt.Sprintf("/proc/%d/ns/net", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	net := strings.TrimSpace(links(t, itoa(pid), "net"))
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	gone(t, pid)
	enter(t, net, "--", "readlink", "/proc/self/ns/net").says(t, 0, net+"\n")
}

// An engine that may not be asked is named: the word may be its container's.
func TestContainerNameWithoutRights(t *testing.T) {
	docker.Start(t)
	docker.Run(t, "--name", "hidden")
	cmd := command(t, nobody, "hidden", "--", "true")
	cmd.Env = docker.Env()
	r := finish(t, cmd)
	if r.code() != 125 || !strings.Contains(r.err, "did not tell names") && !strings.Contains(r.err, "CAP_SYS_PTRACE") {
		t.Errorf("status %d: %s", r.code(), r.err)
	}
}

// The programs of arm64 are checked by the same tests, under qemu.
func TestARM64Programs(t *testing.T) {
	if runtime.GOARCH == "arm64" || testing.Short() {
		return
	}
	qemu, err := exec.LookPath("qemu-aarch64-static")
	if err != nil {
		livetest.Skip(t, "qemu-aarch64-static (Debian package qemu-user-static)")
	}
	binary := filepath.Join(t.TempDir(), "enter.test")
	build := exec.Command("go", "test", "-c", "-o", binary, ".")
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(qemu, binary, "-test.v", "-test.run", "TestJoinsAtOnce|TestJoinNames|TestJoinTries|TestUserMapIs|TestPlan").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestJoinTriesAgainAfterUser") {
		t.Errorf("%v\n%s", err, out)
	}
}

// CAP_SYS_ADMIN is not all that a mount namespace takes.
func TestJoinMountWithoutChrootHint(t *testing.T) {
	livetest.Root(t)
	pid := target(t, 0, "--mount")
	cmd := exec.Command("setpriv", "--bounding-set=-sys_chroot", "--inh-caps=-sys_chroot", built(t), "enter", "-p", itoa(pid), "--mnt", "--", "true")
	finish(t, cmd).fails(t, 125, "join the mnt namespace", "operation not permitted", "CAP_SYS_CHROOT")
}

// Who may not look at a target is told what would help him: root is not told
// to be root.
func TestHiddenTargetHint(t *testing.T) {
	livetest.Root(t)
	self := itoa(os.Getpid())
	for name, c := range map[string]struct {
		uid  int
		as   []string
		hint string
	}{
		"user":                    {nobody, nil, " enter -p "},
		"root of a user ns":       {nobody, []string{"unshare", "-Ur"}, "run it on the host"},
		"root without capability": {0, []string{"setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"}, "--cap-add SYS_PTRACE"},
	} {
		args := append(c.as, built(t), "enter", "-p", self, "--", "true")
		cmd := exec.Command(args[0], args[1:]...)
		asUser(cmd, c.uid)
		r := finish(t, cmd)
		if r.code() != 125 || !strings.Contains(r.err, c.hint) || !strings.Contains(r.err, "may not be looked at") {
			t.Errorf("%s: status %d, want hint %q: %s", name, r.code(), c.hint, r.err)
		}
	}
}
