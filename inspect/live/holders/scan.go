// Package holders finds the open files that keep namespaces alive: files of
// nsfs, sockets and tun devices, and what fdinfo shows of files that have no
// descriptor of their own.
//
// It looks at a process's files through /proc/PID/fd and, for sockets and tun
// only, through a copy of the descriptor. It never opens a file of a process
// that is not a namespace.
package holders

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// Options say what to look at.
type Options struct {
	Proc int   // an open /proc
	PIDs []int // the processes, as that /proc has them
	// NSDev is the device of nsfs.
	NSDev uint64
	// Files asks for files of nsfs and fdinfo, Sockets for sockets and tun
	// files, InFlight for a peek into unix sockets.
	Files, Sockets, InFlight bool
	// Known are the namespaces known so far; nil for none.
	Known []inspect.Namespace
	// ProcDevs are the devices of mounted proc file systems other than Proc.
	ProcDevs map[uint64]bool
	// MountNS tells the mount namespace of a mount, by its number in
	// mountinfo; nil when that is unknown.
	MountNS map[int]inspect.ID
	// Keep is how many files of new namespaces may stay open.
	Keep int
	// Report takes what could not be read; it is called concurrently.
	Report func(op, path string, pid int, err error)
	// Patience is how long to wait for a file system that does not answer
	// before its file is skipped; 0 is two seconds.
	Patience time.Duration
}

// Result is what was found.
type Result struct {
	Refs []inspect.Ref
	// Namespaces are those that were not known before.
	Namespaces []inspect.Namespace
	// Files are open files of them, as far as Options.Keep allows. The caller
	// closes them.
	Files map[inspect.ID]int
}

// Scan looks at the open files of the processes. Processes that end meanwhile
// are left out, and so is the caller's own: what it has open it needs to look.
func Scan(ctx context.Context, o Options) Result {
	if o.Patience == 0 {
		o.Patience = 2 * time.Second
	}
	s := newScan(o)
	s.run(ctx)
	return s.res
}

// scan is what the workers share.
type scan struct {
	Options
	pidfds  bool // pids of Proc are ours, so that pidfd_open takes them
	procDev uint64
	own     uint64 // cookie of our network namespace, 0 for none
	ownNet  inspect.ID
	next    atomic.Int64
	ended   chan *worker

	mu      sync.Mutex
	res     Result
	seen    map[inspect.ID]inspect.Type
	serials map[uint64]inspect.ID
}

func newScan(o Options) *scan {
	s := &scan{
		Options: o, ended: make(chan *worker),
		seen:    make(map[inspect.ID]inspect.Type, len(o.Known)),
		res:     Result{Files: map[inspect.ID]int{}},
		serials: make(map[uint64]inspect.ID, len(o.Known)),
	}
	for i := range o.Known {
		ns := &o.Known[i]
		s.seen[ns.ID] = ns.Type
		if ns.Serial != 0 && ns.Type == inspect.Net {
			s.serials[ns.Serial] = ns.ID
		}
	}
	var st unix.Stat_t
	if unix.Fstat(o.Proc, &st) == nil {
		s.procDev = st.Dev
	}
	s.pidfds = ownPIDs(o.Proc)
	if o.Sockets {
		s.own, s.ownNet = ownCookie()
	}
	return s
}

// run lets workers take processes until none is left. A worker that waits for
// a dead file system is left behind, and another one takes over.
func (s *scan) run(ctx context.Context) {
	running := map[*worker]bool{}
	start := func(redo job) {
		w := newWorker(s, redo)
		running[w] = true
		go w.run(ctx)
	}
	for range min(runtime.GOMAXPROCS(0), len(s.PIDs)) {
		start(job{})
	}
	tick := time.NewTicker(max(s.Patience/4, time.Millisecond))
	defer tick.Stop()
	for len(running) > 0 {
		select {
		case w := <-s.ended:
			delete(running, w)
		case now := <-tick.C:
			for w := range running {
				if redo, stuck := w.stuck(now, s.Patience); stuck {
					delete(running, w)
					start(redo)
				}
			}
		}
	}
}

// found keeps the namespace that the open file fd is, with whatever it leads
// to, unless it is known.
func (s *scan) found(fd int) (inspect.ID, error) {
	id, _, err := nsfs.Identify(fd)
	if err != nil {
		return id, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list, err := nsfs.Describe(fd, func(id inspect.ID) bool { _, ok := s.seen[id]; return ok })
	for _, ns := range list {
		s.seen[ns.ID] = ns.Type
		s.res.Namespaces = append(s.res.Namespaces, ns)
		if ns.ID == id && len(s.res.Files) < s.Keep {
			if dup, err := nsfs.Dup(fd); err == nil {
				s.res.Files[id] = dup
			}
		}
	}
	return id, err
}

// known reports whether the namespace was seen before.
func (s *scan) known(id inspect.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.seen[id]
	return ok
}

func (s *scan) publish(w *worker) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !w.lost.Load() {
		s.res.Refs = append(s.res.Refs, w.refs...)
	}
	w.refs = w.refs[:0]
}

// report passes on err unless it only says that the task has gone.
func (s *scan) report(op, path string, pid int, err error) {
	if err == nil || gone(err) || s.Report == nil {
		return
	}
	s.Report(op, path, pid, err)
}
