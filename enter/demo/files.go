package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// doFile is about mounts, files and the root directory.
func (h *stageHand) doFile(act string, arg func(int) string) (v any, err error, ok bool) { //nolint:revive // see doProcess
	switch act {
	case "mount tmpfs":
		err = mountTmpfs(arg(0))
	case "mount proc":
		err = mountProc("/proc")
	case "bind":
		err = os.NewSyscallError("mount", unix.Mount(arg(0), arg(1), "", unix.MS_BIND, ""))
	case "mounted":
		v, err = mountedOn(arg(0))
	case "write":
		err = os.WriteFile(arg(0), []byte(arg(1)), 0o644)
	case "mkdir":
		err = os.MkdirAll(arg(0), 0o755)
	case "read":
		v, err = readText(arg(0))
	case "list":
		v, err = listDir(arg(0))
	case "chroot":
		if err = os.NewSyscallError("chroot", unix.Chroot(arg(0))); err == nil {
			err = os.Chdir("/")
		}
	case "symlink":
		err = os.Symlink(arg(0), arg(1))
	case "copy program":
		err = copyFile(arg(0), arg(1))
	case "own":
		err = own(arg(0), arg(1))
	case "pivot":
		err = pivot(arg(0))
	default:
		return nil, nil, false
	}
	return v, err, true
}

func mountTmpfs(dir string) error {
	return os.NewSyscallError("mount", unix.Mount("nsinspect-demo", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755"))
}

func mountProc(dir string) error {
	return os.NewSyscallError("mount", unix.Mount("proc", dir, "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""))
}

const notMounted = "not a mount point"

// mountedOn says what is mounted on a directory according to
// proc_pid_mountinfo(5): "tmpfs from nsinspect-demo". The last line counts.
func mountedOn(dir string) (string, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	return mountIn(string(b), dir), nil
}

// mountIn looks a directory up in the text of mountinfo:
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
//	(1)(2)(3)   (4)   (5)      (6)      (7)   (8) (9)   (10)
func mountIn(mountinfo, dir string) string {
	found := notMounted
	for line := range strings.Lines(mountinfo) {
		before, after, ok := strings.Cut(line, " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if ok && len(left) > 4 && len(right) > 1 && left[4] == dir {
			found = right[0] + " from " + right[1]
		}
	}
	return found
}

// readText reads a file; one that is not there is no error.
func readText(path string) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return noFile, nil
	}
	return strings.TrimSpace(string(b)), err
}

const noFile = "no such file"

// listDir lists a directory.
func listDir(dir string) (string, error) {
	list, err := os.ReadDir(dir)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return strings.Join(names, " "), err
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o755)
}

// own gives all of a directory to a user and the group of the same number.
func own(dir, id string) error {
	n, err := strconv.Atoi(id)
	if err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, n, n)
	})
}

// pivot makes dir the root of our mount namespace and lets go of the old one,
// as pivot_root(2) shows at its end. dir is bound to itself first: a mount that
// came from another user namespace is locked. /proc is mounted while the old
// one is still to be seen, which the kernel demands.
func pivot(dir string) error {
	if err := unix.Mount(dir, dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return os.NewSyscallError("mount", err)
	}
	if err := mountProc(filepath.Join(dir, "proc")); err != nil {
		return err
	}
	if err := os.Chdir(dir); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return os.NewSyscallError("pivot_root", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return os.NewSyscallError("umount2", err)
	}
	return os.Chdir("/")
}

// makeCgroup moves the process into a new cgroup of version 2 below its own
// and returns the directory. It is removed when the process ends its work.
func (h *stageHand) makeCgroup(name string) (string, error) {
	root, own, err := cgroup2()
	if err != nil {
		return "", err
	}
	old, dir := filepath.Join(root, own), filepath.Join(root, own, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	h.undo = append(h.undo, func() {
		_ = joinCgroup(old)
		removeCgroup(dir)
	})
	return dir, joinCgroup(dir)
}

// removeCgroup removes a cgroup. Where nsinspect was killed the process inside
// ends at the same time as we do, and the cgroup is busy until it has.
func removeCgroup(dir string) {
	for range 200 {
		if err := unix.Rmdir(dir); !errors.Is(err, unix.EBUSY) {
			return
		}
		_, _ = unix.Poll(nil, 10)
	}
}

func joinCgroup(dir string) error {
	return os.WriteFile(filepath.Join(dir, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0)
}

// cgroup2 returns where the hierarchy of version 2 is mounted and our cgroup
// in it.
func cgroup2() (root, own string, err error) {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", "", err
	}
	for line := range strings.Lines(string(b)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok {
			own = path
		}
	}
	if b, err = os.ReadFile("/proc/self/mountinfo"); err != nil {
		return "", "", err
	}
	for line := range strings.Lines(string(b)) {
		before, after, _ := strings.Cut(line, " - ")
		left := strings.Fields(before)
		if strings.HasPrefix(after, "cgroup2 ") && len(left) > 4 && own != "" {
			if left[3] != "/" {
				own = "/" + strings.TrimPrefix(strings.TrimPrefix(own, left[3]), "/")
			}
			return left[4], own, nil
		}
	}
	return "", "", fmt.Errorf("no cgroup hierarchy of version 2 is mounted here: %w", unix.ENOENT)
}

// scratch returns a directory that every machine has, to mount on.
func scratch() string {
	dirs := []string{"/mnt", "/tmp", "/run", "/var/tmp"}
	n := slices.IndexFunc(dirs, func(d string) bool {
		i, err := os.Lstat(d)
		return err == nil && i.IsDir()
	})
	if n < 0 {
		return "/"
	}
	return dirs[n]
}
