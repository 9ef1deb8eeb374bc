package wire

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/nsfs"
)

// tour is the visit of all rooms by several visitors.
type tour struct {
	o        *Options
	bugs     *faults
	rooms    []*room // in the order of the sources
	order    []*room // in that of the visits: home first
	visitors int
	next     atomic.Int64  // of order; not a channel: waking a locked thread is dear
	home     *room         // the observer's; nil when it is not among the sources
	listed   chan struct{} // closed when the links of home were: those that lead elsewhere have numbers then
	kept     atomic.Int64  // how many rooms were left open
}

const (
	// maxVisitors and keepWaiting bound the files that visitors have open at a
	// time, see home. More visitors would not be faster: the kernel lists links
	// under one lock for all namespaces.
	maxVisitors = 8
	keepWaiting = 32
)

// visitAll opens and reads every source, with as many threads as there are
// processors.
func visitAll(ctx context.Context, o *Options, bugs *faults) []*room {
	t := newTour(o, bugs)
	var wg sync.WaitGroup
	for range t.visitors {
		wg.Go(func() {
			_ = nsfs.OnThread(func() error {
				t.visit(ctx)
				return nil
			})
		})
	}
	wg.Wait()
	if t.home != nil {
		t.home.takeMet(t.order)
	}
	return slices.DeleteFunc(t.rooms, func(r *room) bool { return !r.visited }) // no time was left
}

func newTour(o *Options, bugs *faults) *tour {
	t := &tour{o: o, bugs: bugs, listed: make(chan struct{})}
	for i := range o.Sources {
		r := newRoom(&o.Sources[i])
		t.rooms = append(t.rooms, r)
		if r.src.ID == o.Own {
			t.home = r
			t.order = slices.Insert(t.order, 0, r)
		} else {
			t.order = append(t.order, r)
		}
	}
	t.visitors = min(runtime.GOMAXPROCS(0), maxVisitors, len(t.rooms))
	return t
}

// visit visits rooms until none is left. It enters other namespaces, on a
// thread that ends with it.
func (t *tour) visit(ctx context.Context) {
	v := &visitor{o: t.o, buf: make([]byte, bufSize), bugs: t.bugs, netDir: -1}
	defer func() { _ = unix.Close(v.netDir) }()
	h := t.openHome(v.buf)
	if h != nil {
		defer h.leave()
	}
	for ctx.Err() == nil {
		i := int(t.next.Add(1)) - 1
		if i >= len(t.order) {
			return
		}
		r := t.order[i]
		v.visit(r)
		r.visited = true
		switch {
		case r == t.home:
			close(t.listed)
		case h != nil && r.entered:
			h.meet(r)
		default:
			t.keep()
		}
	}
}

// tableSize is how many files the kernel has room for from the start.
const tableSize = 64

// keep takes in that a room stays open. When many do, room for the files of
// all is made in one go, while visitors go on.
func (t *tour) keep() {
	if t.kept.Add(1) == tableSize/4 {
		go growTable(2*len(t.rooms) + tableSize)
	}
}

// growTable has the kernel make room for n open files. It is of no matter
// whether it can: the table also grows when it must.
func growTable(n int) {
	null, err := unix.Open("/dev/null", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(null)
	if fd, err := unix.FcntlInt(uintptr(null), unix.F_DUPFD_CLOEXEC, n); err == nil {
		_ = unix.Close(fd)
	}
}
