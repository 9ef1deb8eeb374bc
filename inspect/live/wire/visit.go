package wire

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// visitor reads namespaces on one thread that ends with it.
type visitor struct {
	o    *Options
	buf  []byte
	bugs *faults
	// netDir is /proc/thread-self/net, open once it is needed; else -1.
	netDir int
}

// visit enters a namespace and reads what is read from the inside. What fails
// is a fault of the namespace, never of the whole.
func (v *visitor) visit(r *room) {
	if r.err = r.open(); r.err != nil && r.src.ID != v.o.Own {
		return
	}
	if r.err = v.enter(r); r.err == nil {
		v.read(r)
	}
}

// enter moves the thread into the namespace and opens the socket with which
// that is asked. The observer's own is entered without privilege, but only
// from a thread that has left it.
func (v *visitor) enter(r *room) (err error) {
	if r.src.ID != v.o.Own || v.moved() {
		if err := unix.Setns(r.fd, unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("setns", err)
		}
	}
	if r.route, err = openSocket(unix.NETLINK_ROUTE, v.buf); err == nil {
		r.entered = true
	}
	return err
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
	if v.o.Facts.Has(inspect.FactRoutes) {
		step(inspect.FactRoutes, v.routing)
	} else {
		step(inspect.FactGateways, v.gateways)
	}
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

func (v *visitor) gateways(r *room) error {
	return during("list default routes", into(r, &r.net.Routes, unix.RTM_GETROUTE, gatewayRequest(), parseGateway))
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
	readSysctls(v.o.ProcRoot, &r.net)
	readInterfaceSysctls(v.o.ProcRoot, &r.net)
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
