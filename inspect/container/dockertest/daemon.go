package dockertest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"nsinspect/inspect/live/livetest"
)

// supervised names the daemon's directory to the test binary that is run
// again as supervisor.
const supervised = "NSINSPECT_DOCKERTEST_DIR"

// startLimit is far more than the seconds that a daemon needs to start.
const startLimit = 90 * time.Second

// Daemon is a Docker daemon for the tests of one package. The zero value is
// ready; Tests must be called from TestMain.
type Daemon struct {
	// Unified has the daemon see cgroup version 2 alone, whatever the machine
	// has mounted.
	Unified bool
	// Remap gives containers a user namespace, in which id 0 is this one of
	// the host and so on for 65536 ids (dockerd --userns-remap); 0: none.
	Remap uint32
	// LegacyIptables has the daemon write its rules with iptables-legacy.
	LegacyIptables bool

	main  bool // Tests was called
	once  sync.Once
	err   error // of the start
	tools tools
	dir   string   // of the daemon: data, socket
	out   *os.File // what the daemon prints; its name is gone once the supervisor ends
	super *exec.Cmd
	alive *os.File      // the supervisor ends when this is closed
	ended chan struct{} // closed when the supervisor has ended
}

// Tests returns m with the daemon stopped after it. In the process that is to
// supervise the daemon it does that, and does not return.
func (d *Daemon) Tests(m interface{ Run() int }) interface{ Run() int } {
	if dir := os.Getenv(supervised); dir != "" {
		os.Exit(supervise(dir))
	}
	d.main = true
	return run(func() int {
		defer d.stop()
		return m.Run()
	})
}

type run func() int

func (r run) Run() int { return r() }

// Start starts the daemon, or returns once it runs. It skips the test where
// the machine lacks something.
func (d *Daemon) Start(t testing.TB) {
	t.Helper()
	if !d.main {
		t.Fatal("dockertest: TestMain must run the tests through Daemon.Tests")
	}
	livetest.Root(t)
	var missing string
	if d.tools, missing = findTools(); missing == "" && d.LegacyIptables {
		missing = noLegacy()
	}
	if missing != "" {
		livetest.Skip(t, missing)
	}
	d.once.Do(func() { d.err = d.start() })
	if d.err != nil {
		t.Fatalf("dockertest: %v", d.err)
	}
}

// Host is the daemon's address as DOCKER_HOST wants it.
func (d *Daemon) Host() string { return "unix://" + d.socket() }

func (d *Daemon) socket() string { return filepath.Join(d.dir, "docker.sock") }

// Cgroup is the cgroup in which all containers have to be, in every hierarchy.
// It is removed with the daemon. Containers are in its child "docker", where
// --cgroup-parent does not say otherwise.
func (d *Daemon) Cgroup() string { return cgroupOf(d.dir) }

// Supervisor is the pid of the process that is in the daemon's network and
// mount namespaces for as long as it runs.
func (d *Daemon) Supervisor() int { return d.super.Process.Pid }

func (d *Daemon) start() error {
	var err error
	if d.dir, err = os.MkdirTemp("", "nsinspect-docker-"); err != nil {
		return err
	}
	// The root of a container with remapped ids passes through it.
	if err := errors.Join(os.Chmod(d.dir, 0o711), d.spawn()); err != nil {
		return errors.Join(err, os.RemoveAll(d.dir))
	}
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	if err := d.await(ctx); err != nil {
		err = fmt.Errorf("start dockerd: %w\n%s", err, d.log())
		d.stop()
		return err
	}
	return d.importImage()
}

// spawn runs the test binary again as supervisor, in new network and mount
// namespaces.
func (d *Daemon) spawn() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	if d.out, err = os.Create(filepath.Join(d.dir, "log")); err != nil {
		return errors.Join(err, w.Close())
	}
	d.super = exec.Command("/proc/self/exe")
	d.super.Env = []string{
		"PATH=" + searchPath, supervised + "=" + d.dir,
		dockerdKey + "=" + d.tools.dockerd, unifiedKey + "=" + strconv.FormatBool(d.Unified),
		remapKey + "=" + strconv.FormatUint(uint64(d.Remap), 10), legacyKey + "=" + strconv.FormatBool(d.LegacyIptables),
	}
	d.super.Stdin, d.super.Stdout, d.super.Stderr = r, d.out, d.out
	d.super.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		Setsid:     true, // a terminal's interrupt ends the tests, which ends this
	}
	if err := d.super.Start(); err != nil {
		return errors.Join(err, w.Close(), d.out.Close())
	}
	d.alive, d.ended = w, make(chan struct{})
	go func() {
		d.super.Wait()
		close(d.ended)
	}()
	return nil
}

// await returns when the daemon answers.
func (d *Daemon) await(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", d.socket())
		},
	}}
	tick := time.NewTicker(10 * time.Millisecond) // until the socket is there; then it waits in the ping
	defer tick.Stop()
	for {
		err := ping(ctx, client)
		if err == nil {
			return nil
		}
		select {
		case <-d.ended:
			return errors.New("it ended")
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

func ping(ctx context.Context, client *http.Client) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/_ping", nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ping: %s", resp.Status)
	}
	return nil
}

// stop ends the daemon with all its containers and returns when nothing of it
// is left.
func (d *Daemon) stop() {
	if d.alive == nil {
		return
	}
	d.alive.Close()
	<-d.ended
	d.alive = nil
	if code := d.super.ProcessState.ExitCode(); code != 0 {
		fmt.Fprintf(os.Stderr, "dockertest: the supervisor left something behind:\n%s\n", d.log())
	}
	d.out.Close()
}

// log returns the end of what the daemon and its supervisor printed.
func (d *Daemon) log() string {
	info, err := d.out.Stat()
	if err != nil {
		return err.Error()
	}
	const end = 4000
	data, err := io.ReadAll(io.NewSectionReader(d.out, max(0, info.Size()-end), end))
	if err != nil {
		return err.Error()
	}
	return string(data)
}
