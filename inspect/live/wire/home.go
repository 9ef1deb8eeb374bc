package wire

import (
	"golang.org/x/sys/unix"
)

// home is the observer's network namespace, as one visitor asks it. Nearly all
// links of a host lead there: a room about which it was asked can be closed,
// instead of keeping two files open for each until all are read. A process of
// several threads that has more than 64 open pays dearly: whenever the table
// of them grows, the kernel waits for all processors (synchronize_rcu), 10 ms.
type home struct {
	*tour
	route   *socket
	waiting []*room // read before the links of home were listed
}

// openHome opens the home of a visitor whose thread has not left it; nil when
// there is none, or it cannot be opened.
func (t *tour) openHome(buf []byte) *home {
	if t.home == nil || t.home.open() != nil {
		return nil
	}
	s, err := openSocket(unix.NETLINK_ROUTE, buf)
	if err != nil {
		return nil
	}
	return &home{tour: t, route: s}
}

// leave meets those that still wait, and closes what the visitor had open.
func (h *home) leave() {
	if len(h.waiting) > 0 {
		<-h.listed
		h.meetAll()
	}
	h.route.close()
}

// meet asks which numbers home and r have for each other, and closes r where
// nothing is left to ask.
func (h *home) meet(r *room) {
	h.waiting = append(h.waiting, r)
	if len(h.waiting) < keepWaiting/h.visitors && !h.ready() {
		return
	}
	<-h.listed
	h.meetAll()
}

func (h *home) ready() bool {
	select {
	case <-h.listed:
		return true
	default:
		return false
	}
}

// meetAll meets those that wait.
func (h *home) meetAll() {
	for _, r := range h.waiting {
		n, err := h.route.nsidOf(r.fd)
		r.atHome, r.metHome = n, err == nil
		if len(r.unknown()) > 0 {
			r.meet(h.home)
		}
		if r.metHome && len(r.unknown()) == 0 {
			r.close()
		} else {
			h.keep()
		}
	}
	h.waiting = h.waiting[:0]
}

// takeMet gives the home what visitors asked in its name.
func (r *room) takeMet(rooms []*room) {
	for _, c := range rooms {
		if !c.metHome {
			continue
		}
		r.asked[c] = true
		if c.atHome >= 0 {
			r.known[c.atHome] = party{room: c}
		}
	}
}
