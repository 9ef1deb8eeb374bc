package enter

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/sys/mountinfo"

	"nsinspect/inspect"
)

// lookPlace reads what the request needs of the target's cgroups.
func lookPlace(r *Request, f *Facts) error {
	dir := r.Target.proc()
	if r.JoinCgroup || r.Target.Container != "" {
		groups, err := readProc(dir + "/cgroup")
		if err != nil {
			return err
		}
		if id := r.Target.Container; id != "" && !bytes.Contains(groups, []byte(id)) {
			return r.Target.elsewhere()
		}
		if r.JoinCgroup {
			if f.CgroupProcs, err = lookCgroups(groups); err != nil {
				return err
			}
			f.Frozen = frozen(f.CgroupProcs)
		}
	}
	return nil
}

// lookCgroups returns where the cgroup.procs of each line of a /proc/PID/cgroup
// is: version 1 hierarchies, version 2, or both.
func lookCgroups(groups []byte) ([]string, error) {
	mounts, err := mountinfo.GetMounts(mountinfo.FSTypeFilter("cgroup", "cgroup2"))
	if err != nil {
		return nil, fmt.Errorf("read the mounts of cgroup file systems: %w", err)
	}
	var procs []string
	for line := range bytes.Lines(groups) {
		path, ok, err := cgroupDir(strings.TrimSpace(string(line)), mounts)
		if err != nil {
			return nil, err
		}
		if ok {
			procs = append(procs, filepath.Join(path, "cgroup.procs"))
		}
	}
	return procs, nil
}

// frozen returns the directory of a cgroup whose processes are stopped; "" when
// there is none. See cgroup-v1/freezer-subsystem and cgroup-v2 of the kernel's
// documentation.
func frozen(procs []string) string {
	for _, path := range procs {
		dir := filepath.Dir(path)
		state, _ := readProc(filepath.Join(dir, "freezer.state")) // version 1
		events, _ := readProc(filepath.Join(dir, "cgroup.events"))
		if len(state) > 0 && string(bytes.TrimSpace(state)) != "THAWED" || bytes.Contains(events, []byte("frozen 1")) {
			return dir
		}
	}
	return ""
}

// cgroupDir finds the directory of "hierarchy:controllers:path", see
// cgroups(7). A hierarchy that is mounted nowhere is none to move in.
func cgroupDir(line string, mounts []*mountinfo.Info) (dir string, ok bool, err error) {
	parts := strings.SplitN(line, ":", 3)
	if len(parts) != 3 {
		return "", false, fmt.Errorf("cgroup line %q is not hierarchy:controllers:path", line)
	}
	for _, m := range mounts {
		if !mountsHierarchy(m, parts[1]) {
			continue
		}
		rel, err := filepath.Rel(m.Root, parts[2])
		if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
			return "", false, fmt.Errorf("cgroup %s of the target is out of our sight: leave --join-cgroup out", quote(parts[2]))
		}
		return filepath.Join(m.Mountpoint, rel), true, nil
	}
	return "", false, nil
}

// mountsHierarchy reports whether m is the hierarchy of these controllers;
// version 2 has none.
func mountsHierarchy(m *mountinfo.Info, controllers string) bool {
	if controllers == "" {
		return m.FSType == "cgroup2"
	}
	if m.FSType != "cgroup" {
		return false
	}
	have := "," + m.VFSOptions + ","
	for c := range strings.SplitSeq(controllers, ",") {
		if !strings.Contains(have, ","+c+",") {
			return false
		}
	}
	return true
}

// lookBinds returns the files of /etc that the network namespace wants to be
// seen: those of /etc/netns/NAME as ip-netns(8) has it, or the resolv.conf
// that a container engine mounted into the container, taken from where the
// engine keeps it.
func lookBinds(r *Request) ([]Bind, error) {
	for _, file := range r.Files {
		if name, ok := netnsName(file.Path); ok && file.Type == inspect.Net {
			return netnsBinds("/etc/netns/" + name)
		}
	}
	if r.Target.PID == 0 {
		return nil, nil
	}
	theirs, err := readMounts(r.Target.proc() + "/mountinfo")
	if err != nil {
		return nil, err
	}
	ours, err := readMounts("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	const file = "/etc/resolv.conf"
	for _, m := range theirs {
		if m.Mountpoint != file {
			continue
		}
		if from, ok := hostPath(m, ours); ok {
			return []Bind{{from, file}}, nil
		}
	}
	return nil, &HintError{
		fmt.Errorf("the target has no %s of its own that is mounted from here", file),
		"leave --resolv-conf out, or join its mount namespace: --mnt",
	}
}

func netnsBinds(dir string) ([]Bind, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, &HintError{err, "leave --resolv-conf out, or write " + quote(dir+"/resolv.conf")}
	}
	var binds []Bind
	for _, e := range entries {
		binds = append(binds, Bind{filepath.Join(dir, e.Name()), filepath.Join("/etc", e.Name())})
	}
	return binds, nil
}

func readMounts(path string) ([]*mountinfo.Info, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return mountinfo.GetMountsFromReader(io.LimitReader(f, 64<<20), nil)
}

// hostPath finds the path under which what m mounts is seen through ours: a
// mount of the same file system whose root is above.
func hostPath(m *mountinfo.Info, ours []*mountinfo.Info) (string, bool) {
	for _, o := range ours {
		if o.Major != m.Major || o.Minor != m.Minor {
			continue
		}
		rel, err := filepath.Rel(o.Root, m.Root)
		if err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return filepath.Join(o.Mountpoint, rel), true
		}
	}
	return "", false
}
