package live

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// linkReader reads the links of tasks below root, a /proc, into memory that it
// keeps. It is for one goroutine.
type linkReader struct {
	root int
	dev  uint64
	path [64]byte
	buf  [64]byte
}

// linkFiles are the names of the links as the kernel takes them.
var linkFiles = [inspect.NumLinks]string{
	"cgroup\x00", "ipc\x00", "mnt\x00", "net\x00", "pid\x00", "pid_for_children\x00",
	"time\x00", "time_for_children\x00", "user\x00", "uts\x00",
}

// linkPrefixes are what the text of each link begins with.
var linkPrefixes = [inspect.NumLinks]string{
	"cgroup:[", "ipc:[", "mnt:[", "net:[", "pid:[", "pid:[", "time:[", "time:[", "user:[", "uts:[",
}

// linkSet is a set of links, bit n is link n.
type linkSet uint16

const (
	allLinks linkSet = 1<<inspect.NumLinks - 1
	// sharedLinks are those that all threads of a process have in common: a
	// thread can neither be made in nor move to another user, pid or time
	// namespace (clone(2), setns(2), unshare(2), time_namespaces(7)).
	sharedLinks linkSet = 1<<inspect.LinkUser | 1<<inspect.LinkPID | 1<<inspect.LinkTime
)

// process reads the links of a process' leader.
func (r *linkReader) process(pid int, links *inspect.Links) error {
	b := strconv.AppendInt(r.path[:0], int64(pid), 10)
	return r.read(append(b, "/ns\x00"...), allLinks, links)
}

// thread reads some of the links of a thread, and leaves the others.
func (r *linkReader) thread(pid, tid int, which linkSet, links *inspect.Links) error {
	b := append(strconv.AppendInt(r.path[:0], int64(pid), 10), "/task/"...)
	b = strconv.AppendInt(b, int64(tid), 10)
	return r.read(append(b, "/ns\x00"...), which, links)
}

// read returns ENOENT or ESRCH when the task is gone, EACCES or EPERM when
// its links may not be read. A link that does not exist is zero: of a
// zombie most of them, of a task before the first child in its new pid
// namespace pid_for_children.
func (r *linkReader) read(path []byte, which linkSet, links *inspect.Links) error {
	ns, errno := openPath(r.root, path)
	if errno != 0 {
		return errno
	}
	defer unix.Close(ns)
	for l := range linkFiles {
		if which&(1<<l) == 0 {
			continue
		}
		n, errno := readLink(ns, linkFiles[l], r.buf[:])
		if errno == unix.ENOENT {
			links[l] = inspect.ID{}
			continue
		}
		if errno != 0 {
			return errno
		}
		ino, ok := parseInode(r.buf[:n], linkPrefixes[l])
		if !ok {
			return fmt.Errorf("the link %s reads %q", inspect.Link(l), r.buf[:n])
		}
		links[l] = inspect.ID{Dev: r.dev, Ino: ino}
	}
	return nil
}

// parseInode parses the text of a link as inspect.ParseLink does, in place:
// the prefix "net:[", decimal digits, "]".
func parseInode(text []byte, prefix string) (uint64, bool) {
	n := len(text) - 1
	if n <= len(prefix) || string(text[:len(prefix)]) != prefix || text[n] != ']' || text[len(prefix)] == '0' {
		return 0, false
	}
	digits := text[len(prefix):n]
	if len(digits) > 19 {
		return 0, false
	}
	var ino uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		ino = ino*10 + uint64(c-'0')
	}
	return ino, true
}
