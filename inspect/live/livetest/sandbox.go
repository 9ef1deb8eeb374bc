package livetest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// sandboxEnv names the test whose body the process is to run.
const sandboxEnv = "NSINSPECT_LIVETEST_SANDBOX"

// SandboxFlags are the namespaces that a sandbox has of its own.
const SandboxFlags = unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET |
	unix.CLONE_NEWUTS | unix.CLONE_NEWIPC

// Sandbox runs body, as the body of the test t, in a process that is the first
// and only one of new user, pid, mount, network, UTS and IPC namespaces with
// a /proc of its own and an empty /run. There it is root, over 65536 ids if
// the tests run as root, else over its own alone.
//
// It is for top-level tests; t must not have done anything before.
func Sandbox(t *testing.T, body func(t *testing.T)) {
	t.Helper()
	if os.Getenv(sandboxEnv) == t.Name() {
		if err := furnish(); errors.Is(err, unix.EPERM) {
			Skip(t, "an unmasked /proc, to mount another one in a user namespace")
		} else if err != nil {
			t.Fatal(err)
		}
		go endWithParent()
		body(t)
		return
	}
	cmd := exec.Command("/proc/self/exe", "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), sandboxEnv+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  SandboxFlags,
		UidMappings: idMap(os.Geteuid()),
		GidMappings: idMap(os.Getegid()),
		// Root may keep setgroups(2), without which nobody becomes another user.
		GidMappingsEnableSetgroups: os.Geteuid() == 0,
	}
	alive, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	out, err := cmd.CombinedOutput()
	switch {
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSPC), errors.Is(err, unix.EUSERS):
		Skip(t, fmt.Sprintf("user namespaces for this user (%v)", err))
	case err != nil:
		t.Fatalf("in the sandbox: %v\n%s", err, out)
	case !strings.Contains(string(out), "--- PASS: "+t.Name()+" "):
		if _, why, ok := strings.Cut(string(out), "missing: "); ok {
			why, _, _ = strings.Cut(why, "\n")
			Skip(t, why)
		}
		t.Fatalf("the test did not run in the sandbox:\n%s", out)
	}
	t.Logf("in the sandbox:\n%s", out)
}

// idMap maps root of a sandbox to the user, and the ids above if it may.
func idMap(id int) []syscall.SysProcIDMap {
	if os.Geteuid() == 0 {
		return []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
	}
	return []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
}

// endWithParent ends the process, and so all of the sandbox, when the one that
// made it is no more. PR_SET_PDEATHSIG is about the thread that made it, and
// threads end here.
func endWithParent() {
	_, _ = io.Copy(io.Discard, os.Stdin)
	os.Exit(3)
}

// furnish mounts what a sandbox has of its own.
func furnish() error {
	mounts := []struct {
		source, target, fstype string
		flags                  uintptr
	}{
		{"", "/", "", unix.MS_REC | unix.MS_PRIVATE},
		{"proc", "/proc", "proc", 0},
		{"tmpfs", "/run", "tmpfs", 0},
	}
	for _, m := range mounts {
		if err := unix.Mount(m.source, m.target, m.fstype, m.flags, ""); err != nil {
			return fmt.Errorf("mount %s in the sandbox: %w", m.target, err)
		}
	}
	return nil
}
