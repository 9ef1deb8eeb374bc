package dockertest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// remove leaves nothing of a daemon whose processes are gone.
func (s *supervisor) remove() error {
	var errs []error
	for _, root := range hierarchies() {
		errs = append(errs, removeCgroup(filepath.Join(root, s.cgroup)))
	}
	errs = append(errs, unmountBelow(s.dir), os.RemoveAll(s.dir))
	return errors.Join(errs...)
}

// hierarchies are the mount points of cgroup hierarchies.
func hierarchies() []string {
	mounts, _ := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup", "cgroup2"))
	var dirs []string
	for _, m := range mounts {
		dirs = append(dirs, m.Mountpoint)
	}
	return dirs
}

// removeCgroup removes a cgroup and those below it. Their files cannot be
// removed and need not be.
func removeCgroup(dir string) error {
	var dirs []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			dirs = append(dirs, path)
		}
		return nil
	})
	for i := len(dirs) - 1; i >= 0; i-- {
		if rerr := unix.Rmdir(dirs[i]); rerr != nil && !errors.Is(rerr, unix.ENOENT) {
			err = errors.Join(err, fmt.Errorf("rmdir %s: %w", dirs[i], rerr))
		}
	}
	return err
}

// thaw lets paused containers run, for a frozen process does not die.
func (s *supervisor) thaw() {
	for _, root := range hierarchies() {
		filepath.WalkDir(filepath.Join(root, s.cgroup), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == "freezer.state" {
				os.WriteFile(path, []byte("THAWED"), 0)
			}
			return nil
		})
	}
}

// unmountBelow detaches what the daemon mounted in its directory.
func unmountBelow(dir string) error {
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(dir))
	if err != nil {
		return err
	}
	for _, m := range mounts {
		if !strings.HasPrefix(m.Mountpoint, dir+"/") {
			continue
		}
		if uerr := unix.Unmount(m.Mountpoint, unix.MNT_DETACH); uerr != nil && !errors.Is(uerr, unix.EINVAL) {
			err = errors.Join(err, fmt.Errorf("unmount %s: %w", m.Mountpoint, uerr))
		}
	}
	return err
}
