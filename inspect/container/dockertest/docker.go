package dockertest

import (
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Env is an environment in which docker(1), and whatever honours DOCKER_HOST,
// talks to the daemon, without the machine's settings.
func (d *Daemon) Env() []string {
	return []string{"PATH=" + searchPath, "HOME=" + d.dir, "DOCKER_CONFIG=" + d.dir, "DOCKER_HOST=" + d.Host()}
}

func (d *Daemon) command(args ...string) *exec.Cmd {
	cmd := exec.Command(d.tools.docker, args...)
	cmd.Env = d.Env()
	return cmd
}

// Docker runs docker(1) and returns what it prints, without the last newline.
// The test fails where it fails.
func (d *Daemon) Docker(t testing.TB, args ...string) string {
	t.Helper()
	out, err := d.command(args...).Output()
	if err != nil {
		t.Fatalf("docker %s: %v: %s", strings.Join(args, " "), err, stderr(err))
	}
	return strings.TrimSuffix(string(out), "\n")
}

func stderr(err error) []byte {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.Stderr
	}
	return nil
}

// Run starts a container and returns its id. The arguments are those of
// docker run; where they do not name [Image], and then may have a command
// after it, the container sleeps. It is removed when the test ends.
func (d *Daemon) Run(t testing.TB, args ...string) string {
	t.Helper()
	args = append([]string{"create"}, args...)
	if !slices.Contains(args, Image) {
		args = append(args, Image)
	}
	id := d.Docker(t, args...)
	t.Cleanup(func() { d.Docker(t, "rm", "--force", "--volumes", id) })
	d.Docker(t, "start", id)
	return id
}

// Network makes a network with the arguments of docker network create and
// returns its id. It is removed when the test ends.
func (d *Daemon) Network(t testing.TB, args ...string) string {
	t.Helper()
	id := d.Docker(t, append([]string{"network", "create"}, args...)...)
	t.Cleanup(func() { d.Docker(t, "network", "rm", id) })
	return id
}

// Container is what docker inspect says of a container, as far as tests ask.
type Container struct {
	ID    string `json:"Id"`
	Name  string // with a leading slash
	State struct {
		Status string
		Pid    int // 0 when it does not run
	}
	Config struct {
		Hostname, Image string
		Labels          map[string]string
	}
	HostConfig      struct{ NetworkMode, PidMode, CgroupParent string }
	NetworkSettings struct {
		SandboxKey string // path of the network namespace, in the daemon's mount namespace
		IPAddress  string
		Ports      map[string][]Binding // by "80/tcp"
		Networks   map[string]Endpoint  // by name
	}
}

// Binding is where a port of a container is published.
type Binding struct{ HostIP, HostPort string }

// Endpoint is what a container has in a network, "" where it has none.
type Endpoint struct{ NetworkID, IPAddress, GlobalIPv6Address, MacAddress string }

// Inspect returns what docker inspect says of a container.
func (d *Daemon) Inspect(t testing.TB, container string) Container {
	t.Helper()
	var list []Container
	if err := json.Unmarshal([]byte(d.Docker(t, "inspect", "--type=container", container)), &list); err != nil || len(list) != 1 {
		t.Fatalf("docker inspect %s: %d answers, %v", container, len(list), err)
	}
	return list[0]
}

// PID is the container's first process, in this pid namespace; 0 when it does
// not run.
func (d *Daemon) PID(t testing.TB, container string) int {
	t.Helper()
	return d.Inspect(t, container).State.Pid
}
