package livetest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// roleEnv names the role that the test binary plays when it is run again.
const roleEnv = "NSINSPECT_LIVETEST_ROLE"

// A Role is something that the test binary does in a process of its own
// instead of running tests. It calls [Ready] when it has got where it wants to.
type Role func(args []string) error

// Main is for TestMain of a package that starts roles. It runs the tests, or
// the role that this process is for; it does not return.
func Main(m *testing.M, roles map[string]Role) {
	name := os.Getenv(roleEnv)
	if name == "" {
		os.Exit(m.Run())
	}
	os.Unsetenv(roleEnv)
	role := roles[name]
	if role == nil {
		role = ownRoles[name]
	}
	if role == nil {
		fmt.Fprintf(os.Stderr, "no role %q\n", name)
		os.Exit(2)
	}
	if err := role(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "role %s: %v\n", name, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Again reports whether this process is the test binary run again, for a role
// or a sandbox. A TestMain that prepares more than [Main] does need not then.
func Again() bool { return os.Getenv(roleEnv) != "" || os.Getenv(sandboxEnv) != "" }

// ownRoles are those that this package brings along.
var ownRoles = map[string]Role{"idle": idle, "crowd": crowd, "storm": storm}

// idle does nothing, in whatever namespaces it was started.
func idle([]string) error {
	Ready()
	return nil
}

// Ready tells the starter that the role has got where it wants to, along with
// some words of the role's own, and returns when the starter is done with it.
func Ready(words ...any) {
	Say(words...)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// Say tells the starter something, in one line.
func Say(words ...any) {
	fmt.Fprintln(os.Stdout, append([]any{"ready"}, words...)...)
}

// Child is a process that plays a role.
type Child struct {
	PID   int
	Words []string // that it said
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *bufio.Scanner
}

// Start starts a role with what attr asks for, and waits until it is ready.
// The test ends it, if nothing did before.
func Start(t testing.TB, role string, attr *syscall.SysProcAttr, args ...string) *Child {
	t.Helper()
	c, err := TryStart(t, role, attr, args...)
	if err != nil {
		t.Fatalf("start role %s: %v", role, err)
	}
	return c
}

// TryStart is Start for a role that the machine may not allow.
func TryStart(t testing.TB, role string, attr *syscall.SysProcAttr, args ...string) (*Child, error) {
	cmd := command(role, attr, args)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &Child{PID: cmd.Process.Pid, cmd: cmd, stdin: stdin, out: bufio.NewScanner(stdout)}
	t.Cleanup(c.Stop)
	if err := c.Hear(); err != nil {
		c.Stop()
		return nil, fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return c, nil
}

// Output runs a role to its end and returns what it wrote.
func Output(t testing.TB, role string, attr *syscall.SysProcAttr, args ...string) []byte {
	t.Helper()
	cmd := command(role, attr, args)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("role %s: %v: %s", role, err, strings.TrimSpace(stderr.String()))
	}
	return out
}

func command(role string, attr *syscall.SysProcAttr, args []string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	cmd.SysProcAttr = attr
	return cmd
}

// Hear waits for the next line that the child says.
func (c *Child) Hear() error {
	if !c.out.Scan() {
		return fmt.Errorf("it ended before it was ready")
	}
	words := strings.Fields(c.out.Text())
	if len(words) == 0 || words[0] != "ready" {
		return fmt.Errorf("it said %q", c.out.Text())
	}
	c.Words = words[1:]
	return nil
}

// Tell lets a role that reads its standard input read a line.
func (c *Child) Tell(line string) error {
	_, err := io.WriteString(c.stdin, line+"\n")
	return err
}

// Wait waits for a child that ends by itself.
func (c *Child) Wait() error { return c.cmd.Wait() }

// Stop ends the child and waits for it. It is given time to end by itself
// what it started.
func (c *Child) Stop() {
	if c.cmd.ProcessState != nil {
		return
	}
	_ = c.stdin.Close()
	hurry := time.AfterFunc(20*time.Second, func() { _ = c.cmd.Process.Kill() })
	_ = c.cmd.Wait()
	hurry.Stop()
}
