package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// room is a network namespace while it is read.
type room struct {
	src   *Source
	fd    int     // open on the namespace, -1 when it could not be opened
	route *socket // nil when it could not be entered
	net   inspect.Network
	known map[int32]party // where its nsids lead
	asked map[*room]bool  // whose number was asked for
	nsids []int32
	err   error // why it could not be entered
}

// visitor reads namespaces on one thread that ends with it.
type visitor struct {
	o    *Options
	buf  []byte
	bugs *faults
	// netDir is /proc/thread-self/net, open once it is needed; else -1.
	netDir int
}

// visitAll opens and reads every source, with as many threads as there are
// processors.
func visitAll(ctx context.Context, o *Options, bugs *faults) []*room {
	rooms := make([]*room, len(o.Sources))
	var next atomic.Int64 // not a channel: waking a locked thread is dear
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(rooms)) {
		wg.Go(func() {
			_ = nsfs.OnThread(func() error {
				visitNext(ctx, o, bugs, rooms, &next)
				return nil
			})
		})
	}
	wg.Wait()
	return compact(rooms)
}

// visitNext visits sources until none is left. It enters other namespaces, on
// a thread that ends with it.
func visitNext(ctx context.Context, o *Options, bugs *faults, rooms []*room, next *atomic.Int64) {
	v := &visitor{o: o, buf: make([]byte, bufSize), bugs: bugs, netDir: -1}
	defer func() { _ = unix.Close(v.netDir) }()
	for ctx.Err() == nil {
		i := int(next.Add(1)) - 1
		if i >= len(rooms) {
			return
		}
		rooms[i] = v.visit(&o.Sources[i])
	}
}

// compact drops the rooms that were not visited because time ran out.
func compact(rooms []*room) []*room {
	out := rooms[:0]
	for _, r := range rooms {
		if r != nil {
			out = append(out, r)
		}
	}
	return out
}

// visit enters a namespace and reads what is read from the inside. What fails
// is a fault of the namespace, never of the whole.
func (v *visitor) visit(src *Source) *room {
	r := &room{src: src, fd: -1, net: inspect.Network{NS: src.ID}, known: map[int32]party{}, asked: map[*room]bool{}}
	own := src.ID == v.o.Own
	fd, err := src.open()
	if err != nil && !own {
		r.err = err
		return r
	}
	r.fd = fd
	if err := v.enter(fd, own); err != nil {
		r.err = err
		return r
	}
	r.route, r.err = openSocket(unix.NETLINK_ROUTE, v.buf)
	if r.err == nil {
		v.read(r)
	}
	return r
}

// enter moves the thread into the namespace. The observer's own is entered
// without privilege, but only from a thread that has left it.
func (v *visitor) enter(fd int, own bool) error {
	if own && !v.moved() {
		return nil
	}
	if err := unix.Setns(fd, unix.CLONE_NEWNET); err != nil {
		return os.NewSyscallError("setns", err)
	}
	return nil
}

// moved reports whether the thread is in another network namespace than the
// observer's.
func (v *visitor) moved() bool {
	var st unix.Stat_t
	err := unix.Stat("/proc/thread-self/ns/net", &st)
	return err == nil && (inspect.ID{Dev: st.Dev, Ino: st.Ino}) != v.o.Own
}

// read reads all that was asked for.
func (v *visitor) read(r *room) {
	r.net.Cookie = r.route.cookie()
	var have inspect.Facts
	step := func(fact inspect.Facts, do func(*room) error) {
		if !v.o.Facts.Has(fact) {
			return
		}
		if err := do(r); err != nil {
			v.bugs.add("read "+factOf(fact)+" of network namespace", r.src.ID, err)
			return
		}
		have |= fact
	}
	step(inspect.FactNetwork, v.interfaces)
	step(inspect.FactRoutes, v.routing)
	step(inspect.FactNeighbors, v.neighbors)
	step(inspect.FactNetConf, v.settings)
	step(inspect.FactNetfilter, v.netfilter)
	step(inspect.FactPorts, v.ports)
	step(inspect.FactConnections, v.connections)
	r.net.Facts = have.Names()
}

func factOf(f inspect.Facts) string { return f.Names()[0] }

// into lists with the room's routing socket and keeps the list in dst, also
// when it is not whole.
func into[T any](r *room, dst *[]T, typ uint16, body []byte, parse func([]byte) (T, bool, error)) error {
	all, torn, err := list(r.route, typ, body, parse)
	r.net.Torn = r.net.Torn || torn
	*dst = all
	return err
}

func (v *visitor) interfaces(r *room) error {
	err := into(r, &r.net.Interfaces, unix.RTM_GETLINK, linkRequest(-1), parseLink)
	if err != nil {
		return fmt.Errorf("list links: %w", err)
	}
	var addrs []address
	if err := into(r, &addrs, unix.RTM_GETADDR, addrRequest(-1, 0), parseAddr); err != nil {
		return fmt.Errorf("list addresses: %w", err)
	}
	giveAddresses(r.net.Interfaces, addrs)
	var torn bool
	r.nsids, torn, err = r.route.nsids()
	r.net.Torn = r.net.Torn || torn
	if err != nil {
		return fmt.Errorf("list nsids: %w", err)
	}
	return v.bridgeVLANs(r)
}

// giveAddresses puts addresses on their interfaces; both are in the order of
// the index.
func giveAddresses(ifs []inspect.Interface, addrs []address) {
	at := make(map[int]*inspect.Interface, len(ifs))
	for i := range ifs {
		at[ifs[i].Index] = &ifs[i]
	}
	for _, a := range addrs {
		if i := at[a.index]; i != nil {
			if a.Label == i.Name {
				a.Label = ""
			}
			i.Addrs = append(i.Addrs, a.Addr)
		}
	}
}

// bridgeVLANs reads the VLANs of bridge ports where a bridge filters by them.
func (v *visitor) bridgeVLANs(r *room) error {
	filtering := false
	for i := range r.net.Interfaces {
		b := r.net.Interfaces[i].Bridge
		filtering = filtering || b != nil && b.VLANFiltering
	}
	if !filtering {
		return nil
	}
	var ports []portVLANs
	if err := into(r, &ports, unix.RTM_GETLINK, bridgeRequest(), parsePortVLANs); err != nil {
		return fmt.Errorf("list bridge vlans: %w", err)
	}
	for _, p := range ports {
		if i := r.net.Interface(p.index); i != nil && i.Port != nil {
			i.Port.VLANs = p.vlans
		}
	}
	return nil
}

func (v *visitor) routing(r *room) error {
	return errors.Join(
		during("list routes", into(r, &r.net.Routes, unix.RTM_GETROUTE, routeRequest(), parseRoute)),
		during("list rules", into(r, &r.net.Rules, unix.RTM_GETRULE, ruleRequest(), parseRule)))
}

func (v *visitor) neighbors(r *room) error {
	return errors.Join(
		during("list neighbours", into(r, &r.net.Neighbors, unix.RTM_GETNEIGH, neighRequest(0), parseNeigh)),
		during("list forwarding database", into(r, &r.net.Forwarding, unix.RTM_GETNEIGH, neighRequest(inspect.FamilyBridge), parseFDB)))
}

func (v *visitor) settings(r *room) error {
	var v4, v6 []inspect.NetConf
	err := errors.Join(
		during("list netconf", into(r, &v4, unix.RTM_GETNETCONF, netconfRequest(inspect.FamilyIPv4), parseNetConf)),
		during("list netconf", absent(into(r, &v6, unix.RTM_GETNETCONF, netconfRequest(inspect.FamilyIPv6), parseNetConf))))
	r.net.Conf = append(v4, v6...)
	r.net.Sysctls = readSysctls(v.o.ProcRoot)
	readAcceptRA(v.o.ProcRoot, &r.net)
	return err
}

// absent takes "not supported" for an empty list: a kernel without IPv6, or
// with it turned off, has no such table.
func absent(err error) error {
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EAFNOSUPPORT) {
		return nil
	}
	return err
}

func during(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
