// Package e2e runs the built nsinspect on a host with Docker and holds what it
// says against docker inspect, /proc and lsns(8).
package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"nsinspect/inspect"
	"nsinspect/inspect/container/dockertest"
)

// docker is the daemon of most tests, started by the first; the containers of
// remap have a user namespace, and legacy has its rules in the older iptables.
var docker, remap, legacy = dockertest.Daemon{}, dockertest.Daemon{Remap: mappedFrom}, dockertest.Daemon{LegacyIptables: true}

// binary is the nsinspect under test.
var binary string

// init keeps the main thread to the main goroutine: a test that enters another
// namespace would leave it there, and /proc/PID/ns is about that thread.
func init() { runtime.LockOSThread() }

func TestMain(m *testing.M) { os.Exit(docker.Tests(remap.Tests(legacy.Tests(built{m}))).Run()) }

// built runs the tests with the binary built before.
type built struct{ m *testing.M }

func (b built) Run() int {
	dir, err := os.MkdirTemp("", "nsinspect-e2e-")
	if err == nil {
		defer os.RemoveAll(dir)
		binary = filepath.Join(dir, "nsinspect")
		var out []byte
		if out, err = exec.Command("go", "build", "-o", binary, "nsinspect/cmd/nsinspect").CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build nsinspect:", err)
		return 1
	}
	return b.m.Run()
}

// result is what a run of nsinspect gave.
type result struct {
	stdout, stderr string
	status         int
}

// nsinspect runs it on the Docker host given, "" for none.
func nsinspect(t testing.TB, dockerHost string, args ...string) result {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "DOCKER_HOST=" + dockerHost}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// view runs nsinspect on the test's main daemon and returns its output. It
// must succeed.
func view(t testing.TB, args ...string) string {
	t.Helper()
	return viewOn(t, docker.Host(), args...)
}

// viewJSON decodes the JSON of a view into v.
func viewJSON(t testing.TB, v any, args ...string) {
	t.Helper()
	viewJSONOn(t, docker.Host(), v, args...)
}

func viewOn(t testing.TB, dockerHost string, args ...string) string {
	t.Helper()
	r := answered(t, dockerHost, args...)
	if r.status != 0 {
		t.Fatalf("nsinspect %s: status %d\n%s%s", strings.Join(args, " "), r.status, r.stdout, r.stderr)
	}
	return r.stdout
}

// answered runs nsinspect until the engine has answered in time: on a machine
// under load it may not, and then names are missing.
func answered(t testing.TB, dockerHost string, args ...string) result {
	t.Helper()
	var r result
	for range 20 {
		if r = nsinspect(t, dockerHost, args...); !strings.Contains(r.stderr+r.stdout, "no answer within") {
			return r
		}
	}
	t.Logf("nsinspect %s: the engine did not answer in time: %s", strings.Join(args, " "), r.stderr)
	return r
}

func viewJSONOn(t testing.TB, dockerHost string, v any, args ...string) {
	t.Helper()
	decode(t, viewOn(t, dockerHost, append(args, "-o", "json")...), v)
}

func decode(t testing.TB, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
}

// links reads the namespaces of a process from /proc.
func links(t testing.TB, pid int) map[inspect.Type]uint64 {
	t.Helper()
	all := map[inspect.Type]uint64{}
	for _, typ := range inspect.Types {
		text, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/%s", pid, typ.Link()))
		if errors.Is(err, os.ErrNotExist) {
			continue // a kind that the kernel does not have
		}
		if err != nil {
			t.Fatal(err)
		}
		_, ino, err := inspect.ParseLink(text)
		if err != nil {
			t.Fatal(err)
		}
		all[typ] = ino
	}
	return all
}

// statusField reads a field of /proc/PID/status, such as NSpid, as numbers.
func statusField(t testing.TB, pid int, name string) []int {
	t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		rest, ok := strings.CutPrefix(line, name+":")
		if !ok {
			continue
		}
		var list []int
		for _, word := range strings.Fields(rest) {
			n, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, n)
		}
		return list
	}
	t.Fatalf("process %d has no %s", pid, name)
	return nil
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }
