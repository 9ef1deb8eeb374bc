package wire

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"nsinspect/inspect"
)

// party is where an nsid leads: a room, or a dark network by its number.
type party struct {
	room *room
	dark int
}

// ends are the two indexes of a link: its own and its other end's.
type ends struct{ own, other int }

// resolver traces the nsids of rooms to rooms.
type resolver struct {
	rooms []*room
	// byEnds finds who may be at the other end of a veth.
	byEnds map[ends][]*room
	// hubs are the rooms with the most nsids: whatever a container's link
	// leads to is most likely the host.
	hubs []*room
}

// maxHubs is how many hubs are tried before everybody is asked about.
const maxHubs = 4

func newResolver(rooms []*room) *resolver {
	v := &resolver{rooms: rooms}
	v.refresh()
	return v
}

// refresh takes the rooms' links anew.
func (v *resolver) refresh() {
	v.byEnds = map[ends][]*room{}
	v.hubs = v.hubs[:0]
	for _, r := range v.rooms {
		if !r.entered {
			continue
		}
		v.hubs = append(v.hubs, r)
		for i := range r.net.Interfaces {
			if l := &r.net.Interfaces[i]; l.LinkNSID != nil {
				e := ends{l.Index, l.LinkIndex}
				v.byEnds[e] = append(v.byEnds[e], r)
			}
		}
	}
	slices.SortStableFunc(v.hubs, func(a, b *room) int { return cmp.Compare(len(b.nsids), len(a.nsids)) })
	v.hubs = v.hubs[:min(len(v.hubs), maxHubs)]
}

// resolveAll resolves all rooms, with as many threads as there are processors.
func (v *resolver) resolveAll() {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(v.rooms)) {
		wg.Go(func() {
			buf := make([]byte, bufSize) // rooms of one visitor share theirs
			for i := next.Add(1) - 1; i < int64(len(v.rooms)); i = next.Add(1) - 1 {
				if r := v.rooms[i]; r.route != nil {
					r.route.buf = buf
					v.resolve(r)
				}
			}
		})
	}
	wg.Wait()
}

// resolve finds out where the nsids of r lead, as far as they lead to rooms.
// The likely ones are asked about first; each answer is the kernel's own, so
// a wrong guess costs time only.
func (v *resolver) resolve(r *room) {
	if r.route == nil {
		return
	}
	for i := range r.net.Interfaces {
		l := &r.net.Interfaces[i]
		if l.LinkNSID == nil || *l.LinkNSID < 0 {
			continue
		}
		for _, c := range v.byEnds[ends{l.LinkIndex, l.Index}] {
			if _, done := r.known[*l.LinkNSID]; done {
				break
			}
			r.meet(c)
		}
	}
	for _, candidates := range [][]*room{v.hubs, v.rooms} {
		for _, c := range candidates {
			if len(r.unknown()) == 0 {
				return
			}
			r.meet(c)
		}
	}
}

// meet asks which number r has for c.
func (r *room) meet(c *room) {
	if r.asked[c] || c.err != nil && c.fd < 0 || c.open() != nil {
		return
	}
	r.asked[c] = true
	if n, err := r.route.nsidOf(c.fd); err == nil && n >= 0 {
		r.known[n] = party{room: c}
	}
}

// numberOf returns the number that r has for c.
func (r *room) numberOf(c *room) (int32, bool) {
	for n, p := range r.known {
		if p.room == c {
			return n, true
		}
	}
	return noNSID, false
}

// lopsided returns the rooms with a veth whose other end does not point
// back: links changed between the reading of the two.
func (v *resolver) lopsided() []*room {
	bad := map[*room]bool{}
	for _, r := range v.rooms {
		for i := range r.net.Interfaces {
			l := &r.net.Interfaces[i]
			if !r.entered {
				break
			}
			if l.Kind != "veth" && l.Kind != "netkit" || l.LinkNSID == nil {
				continue
			}
			if o := r.known[*l.LinkNSID].room; o != nil && o.entered && !pointsBack(o, l, r) {
				bad[r], bad[o] = true, true
			}
		}
	}
	out := make([]*room, 0, len(bad))
	for _, r := range v.rooms {
		if bad[r] {
			out = append(out, r)
		}
	}
	return out
}

// pointsBack reports whether the interface of o at the other end of l leads
// to l in r.
func pointsBack(o *room, l *inspect.Interface, r *room) bool {
	back := o.net.Interface(l.LinkIndex)
	return back != nil && back.LinkIndex == l.Index && back.LinkNSID != nil && o.known[*back.LinkNSID].room == r
}
