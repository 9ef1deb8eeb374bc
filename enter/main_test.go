package enter_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/container/dockertest"
	"nsinspect/inspect/live/livetest"
)

var docker, remapped = dockertest.Daemon{}, dockertest.Daemon{Remap: 200000}

func TestMain(m *testing.M) {
	// Who runs the tests may ignore HUP, as nohup(1) does; the commands must
	// not, and what is caught here is not ignored there.
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP)
	os.Exit(clean{docker.Tests(remapped.Tests(m))}.Run())
}

// clean removes what was built for the tests.
type clean struct{ tests interface{ Run() int } }

func (c clean) Run() int {
	defer func() { os.RemoveAll(builtIn) }()
	return c.tests.Run()
}

var builtIn string // the directory of the binary

// binary builds nsinspect once, where every user can execute it.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "nsinspect-enter-test")
	if err != nil {
		return "", err
	}
	builtIn = dir
	path := filepath.Join(dir, "nsinspect")
	cmd := exec.Command("go", "build", "-o", path, "nsinspect/cmd/nsinspect")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		os.Stderr.Write(out)
		return "", err
	}
	return path, os.Chmod(dir, 0o755)
})

func built(t testing.TB) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// result is how a run of nsinspect ended.
type result struct {
	out, err string
	status   syscall.WaitStatus
}

// code is the exit status as a shell has it.
func (r result) code() int {
	if r.status.Signaled() {
		return 128 + int(r.status.Signal())
	}
	return r.status.ExitStatus()
}

// nobody is an unprivileged user.
const nobody = 12345

// command prepares a run of `nsinspect enter`. It is killed when it takes
// longer than any run should.
func command(t testing.TB, uid int, args ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, built(t), append([]string{"enter"}, args...)...)
	cmd.Dir = "/"
	cmd.WaitDelay = time.Second
	asUser(cmd, uid)
	return cmd
}

func asUser(cmd *exec.Cmd, uid int) {
	if uid != os.Geteuid() {
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}
	}
}

func finish(t testing.TB, cmd *exec.Cmd) result {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.Sys().(syscall.WaitStatus)}
}

func enterAs(t testing.TB, uid int, args ...string) result {
	t.Helper()
	return finish(t, command(t, uid, args...))
}

func enter(t testing.TB, args ...string) result {
	t.Helper()
	return enterAs(t, os.Geteuid(), args...)
}

// says fails the test unless a run ended with the status and wrote exactly
// this.
func (r result) says(t testing.TB, code int, out string) {
	t.Helper()
	if r.code() != code || r.out != out {
		t.Errorf("status %d, output %q, want %d, %q\nstderr: %s", r.code(), r.out, code, out, r.err)
	}
}

// fails fails the test unless a run ended with the status and explained itself
// with all of these words.
func (r result) fails(t testing.TB, code int, words ...string) {
	t.Helper()
	if r.code() != code {
		t.Errorf("status %d, want %d\nstdout: %s\nstderr: %s", r.code(), code, r.out, r.err)
	}
	for _, w := range words {
		if !strings.Contains(r.err, w) {
			t.Errorf("stderr does not say %q: %s", w, r.err)
		}
	}
}

// target starts a process that sleeps in namespaces that unshare(1) makes with
// these options, as a user, and returns its pid.
func target(t testing.TB, uid int, options ...string) int {
	t.Helper()
	path, err := exec.LookPath("unshare")
	if err != nil {
		livetest.Skip(t, "unshare (util-linux)")
	}
	return targetOf(t, uid, append([]string{path, "--fork", "--kill-child"}, options...)...)
}

// targetOf runs a command that starts a shell, which sleeps, as its child.
func targetOf(t testing.TB, uid int, args ...string) int {
	t.Helper()
	cmd := exec.Command(args[0], append(args[1:], "sh", "-c", "echo ready; exec sleep 1000")...)
	cmd.Dir = "/"
	asUser(cmd, uid)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	cmd.WaitDelay = time.Second
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := out.Read(make([]byte, 16)); err != nil {
		t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, errs.String())
	}
	pid := child(t, cmd.Process.Pid)
	// A change of ids undoes --kill-child. The parent still waits for it, so
	// the pid is its own.
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) })
	return pid
}

// child returns the only child of a process.
func child(t testing.TB, pid int) int {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/task/" + strconv.Itoa(pid) + "/children")
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatalf("children of %d: %q", pid, b)
	}
	return n
}

var allKinds = []string{"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"}

// links reads namespace links of a process, by kind.
func links(t testing.TB, pid string, kinds ...string) string {
	t.Helper()
	var all strings.Builder
	for _, k := range kinds {
		to, err := os.Readlink("/proc/" + pid + "/ns/" + k)
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(to + "\n")
	}
	return all.String()
}

// showLinks is a command that prints what links returns.
func showLinks(kinds ...string) []string {
	args := []string{"--", "readlink"}
	for _, k := range kinds {
		args = append(args, "/proc/self/ns/"+k)
	}
	return args
}

func itoa(n int) string { return strconv.Itoa(n) }
