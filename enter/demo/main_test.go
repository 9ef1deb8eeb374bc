package demo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"nsinspect/enter/demo"
	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

// binaryEnv names the nsinspect under test to sandboxes.
const binaryEnv = "NSINSPECT_DEMO_BINARY"

// TestMain builds nsinspect where every user can execute it.
func TestMain(m *testing.M) {
	if livetest.Again() {
		livetest.Main(m, nil)
	}
	if os.Getenv(binaryEnv) != "" {
		os.Exit(m.Run()) // built before: users without a compiler test too
	}
	os.Exit(built(m))
}

func built(m *testing.M) int {
	dir, err := os.MkdirTemp("", "nsinspect-demo-test-")
	if err == nil {
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "nsinspect")
		cmd := exec.Command("go", "build", "-o", path, "nsinspect/cmd/nsinspect")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		var out []byte
		if out, err = cmd.CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		os.Setenv(binaryEnv, path)
	}
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build nsinspect:", err)
		return 1
	}
	return m.Run()
}

// user is who runs an experiment.
type user struct {
	name string
	uid  int
}

// plain is an unprivileged user.
const plain = 1000

// users are those that a test can be: of a sandbox, root and a plain user
// where it has more than one.
func users(t testing.TB) []user {
	t.Helper()
	list := []user{{"root", 0}}
	if os.Geteuid() != 0 {
		return []user{{"user", os.Geteuid()}}
	}
	b, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		t.Fatal(err)
	}
	var in, out, count uint64
	if _, err := fmt.Sscan(string(b), &in, &out, &count); err != nil {
		t.Fatal(err)
	}
	if count > plain {
		list = append(list, user{"plain user", plain})
	}
	return list
}

// command prepares a run of nsinspect demo as a user.
func command(t testing.TB, u user, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Getenv(binaryEnv), append([]string{"demo"}, args...)...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "LC_ALL=C.UTF-8"}
	cmd.WaitDelay = 10 * time.Second
	if u.uid != os.Geteuid() {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.uid), Gid: uint32(u.uid)}}
	}
	return cmd
}

// result is what a run gave.
type result struct {
	out, err string
	status   int
}

func run(t testing.TB, u user, args ...string) result {
	t.Helper()
	cmd := command(t, u, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
}

// report runs an experiment and decodes what it showed.
func report(t testing.TB, u user, args ...string) *demo.Report {
	t.Helper()
	r := run(t, u, append(args, "-o", "json")...)
	report := &demo.Report{}
	if err := json.Unmarshal([]byte(r.out), report); err != nil {
		t.Fatalf("demo %s as %s: status %d, %v: %s", strings.Join(args, " "), u.name, r.status, err, r.err)
	}
	return report
}

// trace is what can be left behind, as lines of text. Taken in a sandbox it is
// of the test's own processes alone.
func trace(t testing.TB) []string {
	t.Helper()
	s, err := live.Collect(t.Context(), live.Options{
		Facts: inspect.FactTasks | inspect.FactProcesses | inspect.FactThreads | inspect.FactOwners |
			inspect.FactsHolders | inspect.FactMounts | inspect.FactNetwork,
	})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, p := range s.Processes {
		list = append(list, fmt.Sprintf("process %d", p.PID))
	}
	for _, n := range s.Namespaces {
		list = append(list, fmt.Sprintf("namespace %s %s", n.Type, n.ID))
	}
	for _, m := range s.Mounts {
		list = append(list, fmt.Sprintf("mount %s in %s", m.Point, m.NS))
	}
	for i := range s.Networks {
		for _, l := range s.Networks[i].Interfaces {
			list = append(list, fmt.Sprintf("interface %s in %s", l.Name, s.Networks[i].NS))
		}
	}
	return append(list, objects(t)...)
}

// objects are those of System V IPC, and files where experiments mount.
func objects(t testing.TB) (list []string) {
	t.Helper()
	for _, sort := range []string{"shm", "sem", "msg"} {
		b, err := os.ReadFile("/proc/sysvipc/" + sort)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
			if i > 0 {
				list = append(list, sort+" "+strings.Join(strings.Fields(line)[:2], " "))
			}
		}
	}
	for _, dir := range []string{"/mnt", "/run"} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		for _, e := range entries {
			list = append(list, "file "+filepath.Join(dir, e.Name()))
		}
	}
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	return append(list, "hostname "+name)
}

// traceless fails the test when something is there that was not before. The
// kernel takes its time for some: what is pinned by nothing is no trace.
func traceless(t testing.TB, what string, before []string) {
	t.Helper()
	var left []string
	pause := time.NewTicker(5 * time.Millisecond)
	defer pause.Stop()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-pause.C {
		left = nil
		reap()
		for _, l := range trace(t) {
			if !slices.Contains(before, l) {
				left = append(left, l)
			}
		}
		if len(left) == 0 {
			return
		}
	}
	t.Errorf("%s left behind: %s", what, strings.Join(left, ", "))
}

// reap takes leave of orphans: the first process of a sandbox is their parent.
func reap() {
	for os.Getpid() == 1 {
		if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); err != nil || pid <= 0 {
			return
		}
	}
}

// cgroupsOf are the cgroups that a report speaks of.
func cgroupsOf(r *demo.Report) (paths []string) {
	for _, s := range r.Steps {
		for _, f := range s.Seen {
			if path, ok := strings.CutPrefix(f.Value, "0::"); ok && strings.Contains(path, "nsinspect-demo") {
				paths = append(paths, path)
			}
		}
	}
	return paths
}
