package live_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/nsfs"
)

const allHolders = taskFacts | inspect.FactsHolders | inspect.FactMounts

// leaker holds a network namespace that no task is in by a file and a socket,
// and has two messages with files of it waiting: one in a socket whose peek
// offset is set, one in a socket where it is not. It says the inode, and when
// it is told to, whether both messages and the offset are as they were.
func leaker([]string) error {
	var ino uint64
	var with, without [2]int
	err := nsfs.OnThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return err
		}
		ns, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		id, _, err := nsfs.Identify(ns)
		if err != nil {
			return err
		}
		ino = id.Ino
		if _, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
			return err
		}
		for _, pair := range []*[2]int{&with, &without} {
			if *pair, err = unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0); err != nil {
				return err
			}
			if err := unix.Sendmsg(pair[0], []byte("hello"), unix.UnixRights(ns), nil, 0); err != nil {
				return err
			}
		}
		return unix.SetsockoptInt(with[1], unix.SOL_SOCKET, unix.SO_PEEK_OFF, 2)
	})
	if err != nil {
		return err
	}
	livetest.Say(ino)
	if _, err := fmt.Scanln(new(string)); err != nil {
		return nil // nobody asks
	}
	livetest.Ready(untouched(with, without))
	return nil
}

// untouched returns "same", or in one word what is not as it was.
func untouched(with, without [2]int) string {
	off, err := unix.GetsockoptInt(with[1], unix.SOL_SOCKET, unix.SO_PEEK_OFF)
	if err != nil || off != 2 {
		return fmt.Sprintf("offset:%d:%v", off, err)
	}
	for _, pair := range [][2]int{with, without} {
		var buf [16]byte
		n, _, err := unix.Recvfrom(pair[1], buf[:], unix.MSG_DONTWAIT)
		if err != nil || string(buf[:n]) != "hello" {
			return fmt.Sprintf("message:%q:%v", buf[:n], err)
		}
	}
	return "same"
}

// startLeaker returns the namespace that is leaked.
func startLeaker(t *testing.T, attr *syscall.SysProcAttr) (*livetest.Child, inspect.ID) {
	t.Helper()
	c := livetest.Start(t, "leaker", attr)
	ino, err := strconv.ParseUint(c.Words[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return c, inspect.ID{Dev: nsDevice(t), Ino: ino}
}

// kindsOf are the sorts of references to id, by process.
func kindsOf(s *inspect.Snapshot, id inspect.ID, pid int) []inspect.RefKind {
	var kinds []inspect.RefKind
	for _, r := range s.Refs {
		if r.NS == id && r.PID == pid {
			kinds = append(kinds, r.Kind)
		}
	}
	return kinds
}

// Looking for holders changes nothing: not what we have open, not the threads'
// namespaces, not a message that waits in a socket, nor its peek offset.
func TestHoldersLeaveNothingBehind(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		c, leaked := startLeaker(t, nil)
		goroutines := goleak.IgnoreCurrent()
		self, files, mounts := wantLinks(t, "/proc/self"), openFiles(t), mountinfo(t)
		theirs := filesOf(t, c.PID)
		for range 5 {
			for _, facts := range []inspect.Facts{allHolders, allHolders | inspect.FactsDeep} {
				s := capture(t, live.Options{Facts: facts})
				kinds := kindsOf(s, leaked, c.PID)
				if !slices.Contains(kinds, inspect.RefFD) || !slices.Contains(kinds, inspect.RefSocket) {
					t.Fatalf("references %v of %s; problems %+v", kinds, leaked, s.Problems)
				}
				flights := 0
				for _, k := range kinds {
					if k == inspect.RefInFlight {
						flights++
					}
				}
				if want := map[bool]int{true: 1}[facts.Has(inspect.FactInFlight)]; flights != want {
					t.Fatalf("%d in flight, want %d: one of the sockets is left alone", flights, want)
				}
			}
		}
		for name, diff := range map[string]string{
			"own files": cmp.Diff(files, openFiles(t)), "own mounts": cmp.Diff(mounts, mountinfo(t)), "files of the other": cmp.Diff(theirs, filesOf(t, c.PID)),
		} {
			if diff != "" {
				t.Errorf("%s (-before +after):\n%s", name, diff)
			}
		}
		if err := goleak.Find(goroutines); err != nil {
			t.Error(err)
		}
		awaitThreadsIn(t, self)
		if err := c.Tell("check"); err != nil {
			t.Fatal(err)
		}
		if err := c.Hear(); err != nil || c.Words[0] != "same" {
			t.Errorf("messages and peek offsets: %v, %v", c.Words, err)
		}
	})
}

func mountinfo(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// filesOf is what the descriptors of a process are open on.
func filesOf(t *testing.T, pid int) []string {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, e := range entries {
		target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name()))
		files = append(files, e.Name()+" "+target)
	}
	return files
}

// Under a storm of processes nothing fails, nothing that stays is lost, and
// those that pass are no problem.
func TestHoldersInForkStorm(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		c, leaked := startLeaker(t, nil)
		livetest.Storm(t, 10_000_000)
		for range 60 {
			s := capture(t, live.Options{Facts: allHolders})
			if kinds := kindsOf(s, leaked, c.PID); !slices.Contains(kinds, inspect.RefFD) || !slices.Contains(kinds, inspect.RefSocket) {
				t.Fatalf("references %v", kinds)
			}
			if len(s.Problems) != 0 {
				t.Fatalf("problems %+v", s.Problems)
			}
			if err := inspect.Encode(new(bytes.Buffer), s); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A user without rights finds what his own processes hold, and learns that
// files and mounts of others were not read and why the census was not taken.
func TestHoldersOfAUser(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		other, _ := startLeaker(t, nil)
		user := asUser(t, 1000)
		own := livetest.Start(t, "idle", user)
		s, err := inspect.Decode(bytes.NewReader(livetest.Output(t, "collect", user, "/proc", "holders")))
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(s.Problems, func(p inspect.Problem) bool { return p.Op == "read open files" })
		if i < 0 || !slices.Contains(s.Problems[i].PIDs, other.PID) || slices.Contains(s.Problems[i].PIDs, own.PID) {
			t.Errorf("problems %+v, want one about process %d and not about %d", s.Problems, other.PID, own.PID)
		}
		if s.Census == nil || s.Census.Complete || len(s.Census.Steps) < 3 {
			t.Fatalf("census %+v", s.Census)
		}
		for _, step := range s.Census.Steps {
			if step.Name != "peek" && step.Skipped == "" {
				t.Errorf("step %s of the census was taken without rights: %+v", step.Name, step)
			}
		}
	})
}

// With a proc of another pid namespace files are found by their links, and it
// is said that sockets cannot be.
func TestHoldersInProcOfAnotherPIDNamespace(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		c := livetest.Start(t, "ownproc", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS})
		s := capture(t, live.Options{ProcRoot: fmt.Sprintf("/proc/%d/root/proc", c.PID), Facts: allHolders})
		if len(s.Processes) != 1 {
			t.Fatalf("%d processes", len(s.Processes))
		}
		for _, p := range s.Problems {
			if !strings.Contains(p.Err, "pid namespace") {
				t.Errorf("problem %+v", p)
			}
		}
	})
}
