package enter_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/livetest"
)

func TestCommandThatCannotBeRun(t *testing.T) {
	livetest.Root(t)
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, []byte("echo script $1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"--new-uts", "--new-pid"} {
		enter(t, kind, "--", "no-such-command").fails(t, 127, "no-such-command", "no such file")
		enter(t, kind, "--", "/no/such/command").fails(t, 127)
		enter(t, kind, "--", "/etc").fails(t, 126, "/etc", "permission denied")
		enter(t, kind, "--", plain).fails(t, 126, "permission denied")
	}
	if err := os.Chmod(plain, 0o700); err != nil {
		t.Fatal(err)
	}
	enter(t, "--new-uts", "--", plain, "one").says(t, 0, "script one\n") // as execvp(3)
}

func TestStatus(t *testing.T) {
	livetest.Root(t)
	for _, kind := range []string{"--new-uts", "--new-pid"} {
		enter(t, kind, "--", "sh", "-c", "exit 42").says(t, 42, "")
		r := enter(t, kind, "--", "sh", "-c", "kill -SEGV $$")
		if !r.status.Signaled() || r.status.Signal() != syscall.SIGSEGV || r.status.CoreDump() && kind == "--new-pid" {
			t.Errorf("%s: %v, core %v", kind, r.status, r.status.CoreDump())
		}
	}
}

// Without a pid namespace the command replaces nsinspect.
func TestCommandHasOurPID(t *testing.T) {
	livetest.Root(t)
	cmd := command(t, 0, "--new-uts", "--", "sh", "-c", "echo $$")
	r := finish(t, cmd)
	r.says(t, 0, itoa(cmd.Process.Pid)+"\n")
}

// The process is what it was when it was started, and holds nothing more.
func TestWhatTheCommandInherits(t *testing.T) {
	livetest.Root(t)
	script := `ls /proc/$$/fd | tr '\n' ' '; ulimit -Sn; grep -E '^(SigIgn|SigBlk|Threads)' /proc/$$/status | tr '\t' ' '`
	for _, kind := range []string{"--new-uts", "--new-pid"} {
		outer := exec.Command("sh", "-c", `ulimit -Sn 777; trap '' HUP; exec "$@" 7</dev/null`, "sh",
			built(t), "enter", kind, "--", "sh", "-c", strings.ReplaceAll(script, "$$", "self"))
		r := finish(t, outer)
		lines := strings.Split(r.out, "\n")
		if r.code() != 0 || len(lines) < 4 || !strings.HasPrefix(lines[0], "0 1 2 3 777") {
			t.Fatalf("%s: %d %q %s", kind, r.code(), r.out, r.err) // 3 is the directory that ls reads
		}
		// Whether real-time signals are ignored is whatever the test inherited.
		if !regexp.MustCompile(`SigIgn: [0-9a-f]{8}[08]0000001\n`).MatchString(r.out) || !strings.Contains(r.out, "SigBlk: 0000000000000000") {
			t.Errorf("%s: %s", kind, r.out)
		}
	}
}

func TestCallerIgnoresSIGCHLD(t *testing.T) {
	livetest.Root(t)
	r := finish(t, exec.Command("sh", "-c", `trap '' CHLD; exec "$@"`, "sh", built(t), "enter", "--new-pid", "--", "sh", "-c", "exit 9"))
	r.says(t, 9, "")
}

func TestEnvironment(t *testing.T) {
	livetest.Root(t)
	cmd := command(t, 0, "--new-uts", "--", "env")
	cmd.Env = []string{"PATH=/bin:/usr/bin", "A=b c", "TERM=dumb"}
	finish(t, cmd).says(t, 0, "PATH=/bin:/usr/bin\nA=b c\nTERM=dumb\n")
	cmd = command(t, 0, "--new-uts", "--clear-env", "--", "env")
	cmd.Env = []string{"PATH=/bin:/usr/bin", "A=b c", "TERM=dumb"}
	finish(t, cmd).says(t, 0, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nTERM=dumb\n")
	t.Setenv("OF_THE_TARGET", "yes")
	pid := target(t, 0, "--mount")
	os.Unsetenv("OF_THE_TARGET")
	enter(t, itoa(pid), "--env-of-target", "--", "sh", "-c", "echo $OF_THE_TARGET").says(t, 0, "yes\n")
	// The host's PATH names none of the target's directories.
	cmd = command(t, 0, itoa(pid), "--mnt", "--", "true")
	cmd.Env = []string{"PATH=/run/current-system/sw/bin"}
	finish(t, cmd).says(t, 0, "")
}

func TestCapabilities(t *testing.T) {
	livetest.Root(t)
	// A target that may have CAP_CHOWN and CAP_KILL only.
	path, err := exec.LookPath("setpriv")
	if err != nil {
		livetest.Skip(t, "setpriv (util-linux)")
	}
	pid := target(t, 0, "--uts", path, "--bounding-set=-all,+chown,+kill")
	status := []string{"--", "grep", "-E", "^(CapEff|CapBnd|CapAmb|CapInh|NoNewPrivs)", "/proc/self/status"}
	enter(t, append([]string{itoa(pid), "--target-caps"}, status...)...).says(t, 0,
		"CapInh:\t0000000000000000\nCapEff:\t0000000000000021\nCapBnd:\t0000000000000021\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n")
	r := enter(t, append([]string{itoa(pid), "--no-new-privs"}, status...)...)
	if !strings.Contains(r.out, "NoNewPrivs:\t1") || strings.Contains(r.out, "CapBnd:\t0000000000000021") {
		t.Errorf("%q", r.out)
	}
	r = enter(t, append([]string{itoa(pid)}, status...)...)
	if !strings.Contains(r.out, "NoNewPrivs:\t0") {
		t.Errorf("%q", r.out)
	}
}

func TestIDs(t *testing.T) {
	livetest.Root(t)
	enter(t, "--new-uts", "--setuid", "7", "--setgid", "8", "--", "sh", "-c", "id -u; id -G").says(t, 0, "7\n8\n")
	pid := target(t, nobody, "--user")
	enter(t, itoa(pid), "--", "true").fails(t, 0) // nothing is mapped there: the ids stay
	mapped := target(t, nobody, "--user", "--map-root-user")
	enter(t, itoa(mapped), "--setuid", "5", "--", "true").fails(t, 125, "not mapped", "uid 5")
	enter(t, itoa(mapped), "--setuid", "follow", "--setgid", "follow", "--", "id", "-u").says(t, 0, "0\n")
	other := target(t, 0, "--uts", "setpriv", "--reuid", "31", "--regid", "32", "--clear-groups")
	enter(t, itoa(other), "--setuid", "follow", "--setgid", "follow", "--", "sh", "-c", "id -u; id -g").says(t, 0, "31\n32\n")
}

func TestRootAndDirectory(t *testing.T) {
	livetest.Root(t)
	root := busyboxRoot(t)
	enter(t, "--new-uts", "--root="+root, "--", "/bin/busybox", "ls", "/").says(t, 0, "bin\nproc\ntmp\n")
	enter(t, "--new-uts", "--root="+root, "--wd=/tmp", "--", "/bin/busybox", "pwd").says(t, 0, "/tmp\n")
	enter(t, "--new-uts", "--root="+root, "--", "/bin/busybox", "pwd").says(t, 0, "/\n")
	pid := target(t, 0, "--mount", "sh", "-c", `cd "$1" && exec chroot "$1" /bin/busybox "$2" "$3" "$4"`, "sh", root)
	enter(t, itoa(pid), "--mnt", "--", "/bin/busybox", "ls", "/").says(t, 0, "bin\nproc\ntmp\n")
	// No shell there: the hint is to use the host's tools.
	cmd := command(t, 0, itoa(pid), "--mnt")
	cmd.Env = []string{"SHELL=/bin/bash"}
	finish(t, cmd).says(t, 0, "")
	enter(t, itoa(pid), "--mnt", "--", "readlink", "/proc/self/exe").fails(t, 127, "tools")
}

// busyboxRoot is a root directory with busybox alone.
func busyboxRoot(t *testing.T) string {
	t.Helper()
	box, err := exec.LookPath("busybox")
	if err != nil {
		livetest.Skip(t, "busybox (Debian package busybox-static)")
	}
	b, err := os.ReadFile(box)
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	for _, dir := range []string{"bin", "proc", "tmp"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "bin/busybox"), b, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sh", "sleep"} {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// What a container could try to get at the host's nsinspect, or at the stage
// (CVE-2019-5736).
func TestSelfExeIsRefused(t *testing.T) {
	livetest.Root(t)
	dir := t.TempDir()
	script, link := filepath.Join(dir, "script"), filepath.Join(dir, "link")
	if err := os.WriteFile(script, []byte("#!/proc/self/exe\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/self/exe", link); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"--new-uts", "--new-pid"} {
		enter(t, kind, "--", script).fails(t, 126, "second time")
		enter(t, kind, "--", link).fails(t, 126, "second time")
	}
}

func TestMemfdNoexec(t *testing.T) {
	livetest.Root(t)
	if _, err := os.Stat("/proc/sys/vm/memfd_noexec"); err != nil {
		livetest.Skip(t, "sysctl vm.memfd_noexec (Linux 6.3)")
	}
	for _, level := range []string{"1", "2"} {
		script := `echo ` + level + ` > /proc/sys/vm/memfd_noexec && "$1" enter --new-uts -- sh -c 'exit 5'`
		finish(t, exec.Command(built(t), "enter", "--new-pid", "--new-mnt", "--", "sh", "-c", script, "sh", built(t))).says(t, 5, "")
	}
}

// A binary with file capabilities, run by a user: they serve to join and do
// not reach the command.
func TestFileCapabilities(t *testing.T) {
	livetest.Root(t)
	setcap, err := exec.LookPath("setcap")
	if err != nil {
		livetest.Skip(t, "setcap (Debian package libcap2-bin)")
	}
	dir, err := os.MkdirTemp("/var/tmp", "nsinspect-caps")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(built(t))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "nsinspect")
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(setcap, "cap_sys_admin,cap_sys_ptrace,cap_sys_chroot+ep", path).CombinedOutput(); err != nil {
		livetest.Skip(t, "file capabilities on this file system: "+string(out))
	}
	pid := target(t, 0, "--net")
	cmd := exec.Command(path, "enter", itoa(pid), "--net", "--", "sh", "-c", "readlink /proc/self/ns/net; grep -E 'Cap(Prm|Eff|Amb|Inh)' /proc/self/status")
	asUser(cmd, nobody)
	none := "0000000000000000\n"
	finish(t, cmd).says(t, 0, links(t, itoa(pid), "net")+"CapInh:\t"+none+"CapPrm:\t"+none+"CapEff:\t"+none+"CapAmb:\t"+none)
}

func TestParallel(t *testing.T) {
	livetest.Root(t)
	pid := target(t, 0, container...)
	const runs, atOnce = 500, 16
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed := map[string]int{}
	free := make(chan struct{}, atOnce)
	for range runs {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			out, err := exec.Command(built(t), "enter", "-p", itoa(pid), "--", "sh", "-c", "exit 3").CombinedOutput()
			if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 3 {
				mu.Lock()
				failed[fmt.Sprint(err, string(out))]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(failed) > 0 {
		t.Errorf("%v", failed)
	}
	// Nothing is left inside but the target and who counts.
	enter(t, "-p", itoa(pid), "--", "sh", "-c", "set -- /proc/[0-9]*; echo $#").says(t, 0, "2\n")
}

func TestJoinCgroup(t *testing.T) {
	livetest.Root(t)
	name := "nsinspect-test-" + itoa(os.Getpid())
	dir := ""
	for _, root := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids", "/sys/fs/cgroup"} {
		if os.Mkdir(filepath.Join(root, name), 0o755) == nil {
			dir = filepath.Join(root, name)
			break
		}
	}
	if dir == "" {
		livetest.Skip(t, "a cgroup file system that can be written to")
	}
	pid := target(t, 0, "--uts")
	// The cgroup goes when the target has gone, before the target's own cleanup.
	t.Cleanup(func() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		for unix.Rmdir(dir) == unix.EBUSY { //nolint:revive // until the kernel has let go
		}
	})
	if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(itoa(pid)), 0); err != nil {
		t.Fatal(err)
	}
	r := enter(t, itoa(pid), "--join-cgroup", "--", "cat", "/proc/self/cgroup")
	theirs, err := os.ReadFile("/proc/" + itoa(pid) + "/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	r.says(t, 0, string(theirs))
}
