package wire

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// dark is a network namespace that is known by number only.
type dark struct {
	net  inspect.Network
	from *room
	nsid int32
}

// crawler reads dark namespaces by the numbers that rooms have for them.
// Their links may lead to further ones: the kernel then gives the room that
// asks a number for these too, so that one socket reaches the whole graph.
type crawler struct {
	v     *resolver
	again *visitor
	all   []*dark
	bugs  *faults
}

// maxDark bounds the crawl against a host that makes namespaces faster than
// they can be read.
const maxDark = 10_000

func (c *crawler) crawl() {
	for _, r := range c.v.rooms {
		if !r.entered {
			continue
		}
		gone := 0 // how often some had
		for todo := r.unknown(); len(todo) > 0 && len(c.all) < maxDark && gone <= rounds; todo = r.unknown() {
			if c.identifyAll(r, todo) {
				c.relist(r)
				continue
			}
			// Its links go soon. Those that stay lead to an unknown one.
			if gone++; gone <= rounds {
				if err := c.again.interfaces(r); err != nil {
					c.bugs.add("read network of network namespace", r.src.ID, err)
				}
			}
			c.relist(r)
		}
	}
}

// identifyAll finds out what r has the numbers for. It returns false when one
// of them is of a namespace that has gone: then the links of r changed too.
func (c *crawler) identifyAll(r *room, numbers []int32) bool {
	all := true
	for _, n := range numbers {
		if d := c.identify(r, n); d != 0 {
			r.known[n] = party{dark: d}
		} else {
			all = false
		}
	}
	return all
}

// relist takes in the numbers that the kernel gave r while it listed by
// number. r may have got one for itself.
func (c *crawler) relist(r *room) {
	if nsids, _, err := r.route.nsids(); err == nil {
		r.nsids = nsids
	}
	if len(r.unknown()) > 0 {
		clear(r.asked) // what had no number before may have one now
		c.v.resolve(r)
	}
}

// identify returns the number of the dark network that r has as n; a new one
// where it has not been met before, 0 where it has gone meanwhile.
func (c *crawler) identify(r *room, n int32) int {
	for i, d := range c.all {
		if d.from != r && sameDark(d, r, n) {
			return i + 1
		}
	}
	d := &dark{from: r, nsid: n}
	d.net = inspect.Network{Dark: len(c.all) + 1, Via: &inspect.Via{NS: r.src.ID, NSID: n}, Facts: []string{}}
	if err := d.read(); err == nil {
		d.net.Facts = inspect.FactNetwork.Names()
	} else if errors.Is(err, unix.EINVAL) {
		return 0 // the kernel knows none such: it ended, and the number goes with it
	} else {
		c.bugs.add("list links of a namespace by its number", r.src.ID, err)
	}
	c.all = append(c.all, d)
	return d.net.Dark
}

// sameDark asks the kernel whether r's number n is the namespace of d: which
// number has d's room for what r has as n? One of the two rooms must have a
// number for the other.
func sameDark(d *dark, r *room, n int32) bool {
	if there, ok := r.numberOf(d.from); ok {
		m, err := r.route.numberIn(n, there)
		return err == nil && m == d.nsid
	}
	if there, ok := d.from.numberOf(r); ok {
		m, err := d.from.route.numberIn(d.nsid, there)
		return err == nil && m == n
	}
	return false
}

// read lists the interfaces and addresses of d.
func (d *dark) read() error {
	links, torn, err := list(d.from.route, unix.RTM_GETLINK, linkRequest(d.nsid), parseLink)
	if err != nil {
		return fmt.Errorf("list links: %w", err)
	}
	d.net.Interfaces, d.net.Torn = links, torn
	for _, f := range []inspect.Family{inspect.FamilyIPv4, inspect.FamilyIPv6} {
		addrs, torn, err := list(d.from.route, unix.RTM_GETADDR, addrRequest(d.nsid, f), parseAddr)
		if err := absent(err); err != nil {
			return fmt.Errorf("list addresses: %w", err)
		}
		d.net.Torn = d.net.Torn || torn
		giveAddresses(d.net.Interfaces, addrs)
	}
	return nil
}

// nsidFacts are the numbers of r as facts.
func (r *room) nsidFacts() []inspect.NSID {
	var out []inspect.NSID
	for _, n := range r.nsids {
		p, ok := r.known[n]
		switch {
		case !ok:
			continue
		case p.room != nil:
			out = append(out, inspect.NSID{NSID: n, NS: p.room.src.ID})
		default:
			out = append(out, inspect.NSID{NSID: n, Dark: p.dark})
		}
	}
	return out
}

// finish gives d the numbers in which its links count: those of the room
// that listed it.
func (d *dark) finish() inspect.Network {
	used := map[int32]bool{}
	for i := range d.net.Interfaces {
		if n := d.net.Interfaces[i].LinkNSID; n != nil {
			used[*n] = true
		}
	}
	for _, n := range d.from.nsidFacts() {
		if used[n.NSID] {
			d.net.NSIDs = append(d.net.NSIDs, n)
		}
	}
	return d.net
}
