package live

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// threadCounter tells the number of threads of a process with one call: the
// kernel adds it to the link count, two, of the directory task (since Linux
// 2.6). It keeps its memory, and is for one goroutine.
type threadCounter struct {
	root int
	path [32]byte
	st   unix.Statx_t
}

// threads returns 0 when the process is gone.
func (c *threadCounter) threads(pid int) int {
	return c.in(append(strconv.AppendInt(c.path[:0], int64(pid), 10), "/task\x00"...))
}

// in counts in a directory task, whose path ends in NUL.
func (c *threadCounter) in(path []byte) int {
	if statLinks(c.root, path, &c.st) != 0 {
		return 0
	}
	return int(c.st.Nlink) - 2
}

// threadsAreCounted finds out by our own process whether that is so. Threads
// come and go, so that it is tried a few times.
func threadsAreCounted(root int) bool {
	c := threadCounter{root: root}
	for range 4 {
		tids, err := readPIDs(root, "self/task", make([]byte, 4<<10), nil)
		if err != nil {
			return false
		}
		if c.in([]byte("self/task\x00")) == len(tids) {
			return true
		}
	}
	return false
}
