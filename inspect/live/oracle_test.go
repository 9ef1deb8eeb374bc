package live_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// The oracle reads the same facts in the plainest way there is, one file at a
// time, with procfs for the files that it parses.

// wantProcess is a process that does nothing but wait.
func wantProcess(t *testing.T, pid int) inspect.Process {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d", pid)
	return inspect.Process{PID: pid, NS: wantLinks(t, dir), Info: wantInfo(t, pid)}
}

// wantLinks are the links of the task whose directory is dir.
func wantLinks(t *testing.T, dir string) inspect.Links {
	t.Helper()
	var links inspect.Links
	for l := range inspect.NumLinks {
		path := dir + "/ns/" + l.String()
		text, err := os.Readlink(path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		typ, ino, err := inspect.ParseLink(text)
		if err != nil || typ != l.Type() {
			t.Fatalf("%s: %s %v", path, text, err)
		}
		links[l] = inspect.ID{Dev: nsDevice(t), Ino: ino}
	}
	return links
}

func nsDevice(t *testing.T) uint64 {
	t.Helper()
	fi, err := os.Stat("/proc/self/ns/user")
	if err != nil {
		t.Fatal(err)
	}
	return uint64(fi.Sys().(*syscall.Stat_t).Dev)
}

func wantInfo(t *testing.T, pid int) *inspect.Info {
	t.Helper()
	p, err := procfs.NewProc(pid)
	if err != nil {
		t.Fatal(err)
	}
	stat, err := p.Stat()
	if err != nil {
		t.Fatal(err)
	}
	status, err := p.NewStatus()
	if err != nil {
		t.Fatal(err)
	}
	groups, err := p.Cgroups()
	if err != nil {
		t.Fatal(err)
	}
	info := &inspect.Info{
		PPID: stat.PPID, Start: stat.Starttime, State: stat.State, Comm: comm(t, pid), Threads: stat.NumThreads,
		Caps: &inspect.Caps{
			Inheritable: status.CapInh, Permitted: status.CapPrm, Effective: status.CapEff,
			Bounding: status.CapBnd, Ambient: status.CapAmb,
		},
		NoNewPrivs: statusLine(t, pid, "NoNewPrivs") == "1",
	}
	if info.Seccomp, err = strconv.Atoi(statusLine(t, pid, "Seccomp")); err != nil {
		t.Fatal(err)
	}
	for i := range info.UID {
		info.UID[i], info.GID[i] = uint32(status.UIDs[i]), uint32(status.GIDs[i])
	}
	for _, id := range status.NSpids {
		info.NSpid = append(info.NSpid, int(id))
	}
	for _, g := range groups {
		info.Cgroups = append(info.Cgroups, inspect.CgroupPath{
			Hierarchy: g.HierarchyID, Controllers: strings.Join(g.Controllers, ","), Path: g.Path,
		})
	}
	return info
}

func comm(t *testing.T, pid int) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n")
}

func statusLine(t *testing.T, pid int, key string) string {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if value, ok := strings.CutPrefix(line, key+":\t"); ok {
			return strings.TrimSpace(value)
		}
	}
	t.Fatalf("status of %d has no %s", pid, key)
	return ""
}

// settled leaves out what changes by itself: a Go program makes threads when
// it pleases, and runs or sleeps.
var settled = cmp.Options{
	cmpopts.IgnoreFields(inspect.Info{}, "Threads", "State"),
	cmpopts.EquateEmpty(),
}

func serialOf(fd int) (uint64, error) {
	var id uint64
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.NS_GET_ID, uintptr(unsafe.Pointer(&id)))
	if errno != 0 {
		return 0, errno
	}
	return id, nil
}
