package dockertest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Environment of the supervisor.
const (
	dockerdKey = "NSINSPECT_DOCKERTEST_DOCKERD" // the daemon's program
	unifiedKey = "NSINSPECT_DOCKERTEST_UNIFIED" // "true": Daemon.Unified
	remapKey   = "NSINSPECT_DOCKERTEST_REMAP"   // Daemon.Remap
	legacyKey  = "NSINSPECT_DOCKERTEST_LEGACY"  // "true": Daemon.LegacyIptables
)

// supervisor is the ancestor of the daemon and of all that it starts.
type supervisor struct {
	dir     string   // everything of the daemon
	cgroup  string   // the parent of all containers' cgroups, from the root
	args    []string // of the daemon, beside the usual
	dockerd int
	dying   atomic.Bool
}

// supervise runs a daemon until standard input ends, then leaves nothing of
// it. It returns an exit code.
func supervise(dir string) int {
	runtime.LockOSThread() // the daemon dies with the thread that started it
	s := &supervisor{dir: dir, cgroup: cgroupOf(dir)}
	err := s.start()
	if err == nil {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			s.kill()
		}()
		s.reap()
	}
	err = errors.Join(err, s.remove())
	if err != nil {
		fmt.Fprintln(os.Stderr, "dockertest:", err)
		return 1
	}
	return 0
}

// cgroupOf is the cgroup of the daemon whose directory is dir, in every
// hierarchy.
func cgroupOf(dir string) string { return "/" + filepath.Base(dir) }

func (s *supervisor) start() error {
	// Orphans of the daemon, such as the shims of containers, become ours.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become subreaper: %w", err)
	}
	if err := isolate(); err != nil {
		return err
	}
	if from := os.Getenv(remapKey); from != "0" {
		if err := s.remap(from); err != nil {
			return err
		}
	}
	return s.startDaemon()
}

// remapped is the user whose subordinate ids the containers get, and its
// group, both by number: every machine has them.
const remapped = "65534"

// remap has the daemon see these subordinate ids, see subuid(5), in place of
// the machine's.
func (s *supervisor) remap(from string) error {
	u, err := user.LookupId(remapped)
	if err != nil {
		return err
	}
	file := filepath.Join(s.dir, "subid")
	line := ":" + from + ":65536\n"
	if err := os.WriteFile(file, []byte(u.Username+line+remapped+line), 0o644); err != nil {
		return err
	}
	for _, path := range []string{"/etc/subuid", "/etc/subgid"} {
		if err := unix.Mount(file, path, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount over %s: %w", path, err)
		}
	}
	s.args = append(s.args, "--userns-remap="+remapped+":"+remapped)
	return nil
}

// isolate hides the machine from the daemon: no mount comes out of this mount
// namespace, /run (sockets, pid files, locks) is empty, and AppArmor, where
// the daemon would install a profile, is out of sight.
func isolate() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make / private: %w", err)
	}
	for _, dir := range []string{"/run", "/sys/kernel/security"} {
		if err := unix.Mount("dockertest", dir, "tmpfs", 0, "mode=755"); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("mount tmpfs on %s: %w", dir, err)
		}
	}
	if os.Getenv(unifiedKey) == "true" {
		if err := unix.Mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, ""); err != nil {
			return fmt.Errorf("mount cgroup2: %w", err)
		}
	}
	return loopbackUp()
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP)
	return os.NewSyscallError("ioctl SIOCSIFFLAGS", unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req))
}

func (s *supervisor) startDaemon() error {
	path := os.Getenv("PATH")
	if os.Getenv(legacyKey) == "true" {
		dir, err := legacyPrograms(s.dir)
		if err != nil {
			return err
		}
		path = dir + ":" + path
	}
	config := filepath.Join(s.dir, "daemon.json") // not the machine's
	if err := os.WriteFile(config, []byte("{}"), 0o600); err != nil {
		return err
	}
	args := append([]string{
		"dockerd",
		"--config-file=" + config,
		"--host=unix://" + filepath.Join(s.dir, "docker.sock"),
		"--data-root=" + filepath.Join(s.dir, "data"),
		"--exec-root=/run/docker",
		"--pidfile=/run/docker.pid",
		"--exec-opt=native.cgroupdriver=cgroupfs", // systemd knows nothing of us
		"--cgroup-parent=" + s.cgroup + "/docker",
	}, s.args...)
	p, err := os.StartProcess(os.Getenv(dockerdKey), args, &os.ProcAttr{
		Dir:   s.dir,
		Env:   []string{"PATH=" + path, "HOME=" + s.dir, "TMPDIR=" + s.dir},
		Files: []*os.File{nil, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		return err
	}
	s.dockerd = p.Pid
	return p.Release() // reap waits for it, as for every other child
}

// reap waits for children until there are none. Once the daemon has ended the
// rest is killed.
func (s *supervisor) reap() {
	for {
		pid, err := unix.Wait4(-1, nil, 0, nil)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil: // ECHILD: no descendant is left, or it would be ours
			return
		case pid == s.dockerd || s.dying.Load():
			s.kill() // what the dead one left to us
		}
	}
}

// kill kills all children. Their own become ours as they die, see reap.
func (s *supervisor) kill() {
	s.dying.Store(true)
	s.thaw()
	for _, pid := range children() {
		unix.Kill(pid, unix.SIGKILL)
	}
}

// children lists the processes whose parent is this one. None of them can
// have given up its pid, because we have not reaped it.
func children() []int {
	var list []int
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile("/proc/" + e.Name() + "/stat")
		if err == nil && parent(string(stat)) == os.Getpid() {
			list = append(list, pid)
		}
	}
	return list
}

// parent reads ppid, the fourth field of proc_pid_stat(5): "pid (comm) state ppid".
func parent(stat string) int {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(fields[1])
	return ppid
}
