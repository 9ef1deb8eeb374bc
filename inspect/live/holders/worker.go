package holders

import (
	"context"
	"errors"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// job is a process, and a file of it that must not be touched again.
type job struct {
	pid  int
	skip map[string]bool // links in the form "TID/FD"
}

// worker looks at one process after the other.
type worker struct {
	*scan
	redo job
	refs []inspect.Ref

	pid, tid int // the task whose table is read; tid 0 for the process
	skip     map[string]bool
	pidfd    int // of the task, -1 none yet, -2 cannot be had
	dents    []byte
	text     [4096]byte
	file     []byte
	cookies  map[uint64]inspect.ID

	since atomic.Int64 // when the wait for a foreign file system began, 0 none
	at    atomic.Pointer[string]
	lost  atomic.Bool
}

func newWorker(s *scan, redo job) *worker {
	return &worker{
		scan: s, redo: redo, dents: make([]byte, 1<<15), file: make([]byte, 0, 4096), pidfd: -1,
		cookies: map[uint64]inspect.ID{},
	}
}

func (w *worker) run(ctx context.Context) {
	if w.redo.pid != 0 {
		w.skip = w.redo.skip
		w.process(w.redo.pid)
	}
	for ctx.Err() == nil && !w.lost.Load() {
		i := int(w.next.Add(1)) - 1
		if i >= len(w.PIDs) {
			break
		}
		w.skip = nil
		w.process(w.PIDs[i])
	}
	if !w.lost.Load() {
		w.ended <- w
	}
}

// process looks at the table of the process, and at those of threads that
// have one of their own.
func (w *worker) process(pid int) {
	if w.pidfds && pid == os.Getpid() {
		return // what we have open, we have open only to look
	}
	w.pid = pid
	w.table(0)
	for _, tid := range w.ownTables(pid) {
		w.table(tid)
	}
	w.publish(w)
}

// wait marks the begin of a call that a foreign file system answers, or does
// not. It returns false for what did not answer before.
func (w *worker) wait(name string) bool {
	at := w.place(name)
	if w.skip[at] {
		return false
	}
	w.at.Store(&at)
	w.since.Store(time.Now().UnixNano())
	return true
}

func (w *worker) place(name string) string { return strconv.Itoa(w.tid) + "/" + name }

func (w *worker) answered() { w.since.Store(0) }

var errNoAnswer = errors.New("the file system did not answer in time")

// stuck reports whether w has waited for longer than patience. If so, w is
// written off, and what it did is to be done again without the file.
func (w *worker) stuck(now time.Time, patience time.Duration) (job, bool) {
	since := w.since.Load()
	if since == 0 || now.UnixNano()-since < int64(patience) {
		return job{}, false
	}
	w.lost.Store(true)
	at := *w.at.Load()
	skip := map[string]bool{at: true}
	for old := range w.skip {
		skip[old] = true
	}
	w.report("look at an open file", fdPath(w.pid, w.tid, ""), w.pid, errNoAnswer)
	return job{w.pid, skip}, true
}

// fdPath is where a descriptor is shown.
func fdPath(pid, tid int, name string) string {
	b := append(strconv.AppendInt([]byte("/proc/"), int64(pid), 10), '/')
	if tid != 0 {
		b = append(strconv.AppendInt(append(b, "task/"...), int64(tid), 10), '/')
	}
	return string(append(append(b, "fd/"...), name...))
}

func gone(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EBADF)
}
