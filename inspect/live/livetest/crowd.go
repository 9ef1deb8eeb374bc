package livetest

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// Crowd is many small processes.
type Crowd struct {
	// Processes is their number.
	Processes int
	// Groups is how many sets of namespaces they are spread over.
	Groups int
	// Files and Sockets are how many of each process has open besides a few of
	// its own.
	Files, Sockets int
	// Kinds are the CLONE_NEW… flags of each group's own namespaces. It must
	// have CLONE_NEWPID, by which a group is ended.
	Kinds uintptr
}

// CrowdKinds are five kinds: 100 groups make 500 namespaces.
const CrowdKinds = unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWNET

// Start makes the crowd and waits until it is there. It needs root. The
// processes are gone when the test ends, or earlier by Child.Stop.
func (c Crowd) Start(t testing.TB) *Child {
	t.Helper()
	Root(t)
	if c.Kinds&unix.CLONE_NEWPID == 0 || c.Groups < 1 || c.Processes < c.Groups {
		t.Fatalf("no such crowd: %+v", c)
	}
	return Start(t, "crowd", nil,
		strconv.Itoa(c.Processes), strconv.Itoa(c.Groups), strconv.FormatUint(uint64(c.Kinds), 10),
		strconv.Itoa(c.Files), strconv.Itoa(c.Sockets))
}

// crowd is the role that makes one, and is the parent of its groups' first
// processes. It stays on the thread that the children die with.
func crowd(args []string) error {
	runtime.LockOSThread()
	var n [5]int
	for i := range n {
		var err error
		if n[i], err = strconv.Atoi(args[i]); err != nil {
			return err
		}
	}
	if err := openMany(n[3], n[4]); err != nil {
		return err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	for i := range n[1] {
		members := n[0]*(i+1)/n[1] - n[0]*i/n[1]
		pid, errno := group(members, uintptr(n[2]), w.Fd())
		if errno != 0 {
			return fmt.Errorf("group %d of %d: %w", i+1, n[1], errno)
		}
		defer end(int(pid))
	}
	w.Close()
	if got, err := io.Copy(io.Discard, r); err != nil || int(got) != n[1] {
		return fmt.Errorf("%d of %d groups are complete: %v", got, n[1], err)
	}
	Ready()
	return nil
}

// openMany opens files and sockets, of which each process gets a copy.
func openMany(files, sockets int) error {
	for range files {
		if _, err := unix.Open("/dev/null", unix.O_RDONLY, 0); err != nil {
			return os.NewSyscallError("open", err)
		}
	}
	for range sockets {
		if _, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0); err != nil {
			return os.NewSyscallError("socket", err)
		}
	}
	return nil
}

// end kills the first process of a pid namespace, with which all others end.
func end(pid int) {
	_ = unix.Kill(pid, unix.SIGKILL)
	_, _ = unix.Wait4(pid, nil, 0, nil)
}

// group makes the first process of a group, which makes the others and then
// says so to fd.
//
//go:nosplit
func group(members int, kinds, fd uintptr) (uintptr, unix.Errno) {
	pid, errno := fork(kinds)
	if errno != 0 || pid != 0 {
		return pid, errno
	}
	for range members - 1 {
		child, errno := fork(0)
		if errno != 0 {
			exit(1)
		}
		if child == 0 {
			closeFiles()
			sleep()
		}
	}
	notify(fd)
	closeFiles()
	sleep()
	return 0, 0
}
