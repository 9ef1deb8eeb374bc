package wire

import (
	"errors"
	"sync"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// room is a network namespace while it is read.
type room struct {
	src     *Source
	visited bool
	entered bool
	err     error // why it could not be entered
	net     inspect.Network
	nsids   []int32
	known   map[int32]party // where its nsids lead
	asked   map[*room]bool  // whose number was asked for

	// metHome: home was asked for its number for this room. It has atHome, or
	// noNSID.
	metHome bool
	atHome  int32

	// Open as long as there is something to ask: most rooms are closed soon.
	mu    sync.Mutex // for fd: rooms are met by several at a time
	fd    int        // on the namespace, else -1
	route *socket    // else nil
}

func newRoom(src *Source) *room {
	return &room{src: src, fd: -1, net: inspect.Network{NS: src.ID}, known: map[int32]party{}, asked: map[*room]bool{}}
}

// open opens the namespace where it is not open.
func (r *room) open() (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fd < 0 {
		r.fd, err = r.src.open()
	}
	return err
}

// close closes what is open of the room. It can be opened again.
func (r *room) close() {
	if r.route != nil {
		r.route.close()
		r.route = nil
	}
	if r.fd >= 0 {
		_ = unix.Close(r.fd)
		r.fd = -1
	}
}

// reopen opens the room again if it was closed, so that it can be asked.
// It enters the namespace on a thread that ends with the call.
func (v *visitor) reopen(r *room) error {
	if r.route != nil {
		return nil
	}
	if err := r.open(); err != nil {
		return err
	}
	return nsfs.OnThread(func() error { return v.enter(r) })
}

// readAgain reads the links of a room once more, and who is at their ends is
// open again.
func (v *visitor) readAgain(r *room) {
	err := v.reopen(r)
	if errors.Is(err, errGone) {
		r.err, r.entered = err, false
		return
	}
	if err == nil {
		clear(r.known)
		clear(r.asked)
		err = v.interfaces(r)
	}
	if err != nil {
		v.bugs.add("read network of network namespace", r.src.ID, err)
	}
}

// unknown returns the nsids of r that lead to no room as yet, also those
// that only a link mentions.
func (r *room) unknown() []int32 {
	var out []int32
	for _, n := range r.nsids {
		if _, ok := r.known[n]; !ok {
			out = append(out, n)
		}
	}
	return out
}
