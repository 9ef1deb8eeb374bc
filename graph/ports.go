package graph

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"nsinspect/inspect"
)

// PortRow is a port at which a network namespace can be reached: a listening
// socket, or a published port at which nobody listens.
type PortRow struct {
	Netns      string  `json:"netns"` // key in a topology
	NetnsTitle string  `json:"netns_title"`
	NS         *uint64 `json:"ns"`
	Protocol   string  `json:"protocol"` // tcp or udp
	// Address and Port are what it is bound to; an unspecified address is all.
	Address netip.Addr `json:"address"`
	Port    uint16     `json:"port"`
	// V6Only: bound to all addresses, of IPv6 only.
	V6Only bool `json:"v6only,omitempty"`
	// Device is the interface that it is bound to.
	Device string `json:"device,omitempty"`
	// Listening is false for a published port without a socket.
	Listening bool `json:"listening"`
	// Processes are those that have the socket open; empty when none was seen.
	Processes []PortProcess  `json:"processes"`
	UID       *uint32        `json:"uid"` // of the socket's owner
	Container *ContainerName `json:"container"`
	// Published are the ports of the host that lead here.
	Published []inspect.PublishedPort `json:"published,omitempty"`
	// Reachable is false for a published port whose socket is bound to
	// another address than the one that packets are sent to.
	Reachable *bool `json:"reachable,omitempty"`
}

// PortProcess is a process that has a socket open.
type PortProcess struct {
	PID     int     `json:"pid"`
	Command *string `json:"command"`
	FD      int     `json:"fd"`
}

// Ports lists the listening sockets of all network namespaces, and the
// published ports that have none.
func Ports(x *inspect.Index, t *Topology) []PortRow {
	rows := []PortRow{}
	for i := range x.Snapshot().Networks {
		n := &x.Snapshot().Networks[i]
		ns := t.spaces[netnsKey(n.NS)]
		if n.Dark != 0 || ns == nil {
			continue
		}
		rows = append(rows, portsOf(x, ns, n)...)
	}
	slices.SortStableFunc(rows, func(a, b PortRow) int {
		an, bn := t.spaces[a.Netns], t.spaces[b.Netns]
		return cmp.Or(cmp.Compare(an.order, bn.order), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), a.Address.Compare(b.Address))
	})
	return rows
}

func portsOf(x *inspect.Index, ns *Netns, n *inspect.Network) (rows []PortRow) {
	for k := range n.Sockets {
		s := &n.Sockets[k]
		if s.State == "LISTEN" || s.State == "UNCONN" {
			rows = append(rows, socketRow(x, ns, n, s))
		}
	}
	for _, i := range ns.Interfaces {
		for _, p := range i.Published {
			if !giveTo(rows, i, p) {
				rows = append(rows, unheard(ns, i, p))
			}
		}
	}
	return rows
}

func socketRow(x *inspect.Index, ns *Netns, n *inspect.Network, s *inspect.Socket) PortRow {
	r := rowIn(ns)
	uid := s.UID
	r.Protocol, r.Address, r.Port, r.V6Only, r.Listening, r.UID = s.Protocol, s.Local.Addr(), s.Local.Port(), s.V6, true, &uid
	if s.Device != 0 {
		r.Device = fmt.Sprintf("if%d", s.Device)
		if d := n.Interface(s.Device); d != nil {
			r.Device = d.Name
		}
	}
	for _, h := range s.Holders {
		p := PortProcess{PID: h.PID, FD: h.FD}
		if f := x.Process(h.PID); f != nil && f.Info != nil {
			p.Command = &f.Info.Comm
		}
		if c := x.ContainerOf(h.PID); c != nil && r.Container == nil {
			name := nameOf(c)
			r.Container = &name
		}
		r.Processes = append(r.Processes, p)
	}
	return r
}

func rowIn(ns *Netns) PortRow {
	r := PortRow{Netns: ns.Key, NetnsTitle: ns.Title, Processes: []PortProcess{}}
	if ns.NS != 0 {
		r.NS = &ns.NS
	}
	if ns.Kind == NetnsContainer && len(ns.Containers) > 0 {
		r.Container = &ns.Containers[0]
	}
	return r
}

// giveTo notes a published port at the sockets that it leads to. A socket
// that is bound to another address gets it too, marked as not reachable,
// when there is no better one.
func giveTo(rows []PortRow, i *Iface, p inspect.PublishedPort) bool {
	same := func(r *PortRow) bool {
		return r.Port == p.Port && (p.Protocol == "" || r.Protocol == p.Protocol)
	}
	found := false
	for _, want := range []bool{true, false} {
		for k := range rows {
			if r := &rows[k]; !found && same(r) && reaches(i, r) == want {
				r.Published = append(r.Published, p)
				r.Reachable = known(want)
				found = true
			}
		}
	}
	return found
}

// reaches reports whether packets to the addresses of i get to the socket.
func reaches(i *Iface, r *PortRow) bool {
	if r.Address.IsUnspecified() {
		return true
	}
	return slices.ContainsFunc(i.facts.Addrs, func(a inspect.Addr) bool { return a.Prefix.Addr() == r.Address })
}

// unheard is a published port without a socket.
func unheard(ns *Netns, i *Iface, p inspect.PublishedPort) PortRow {
	r := rowIn(ns)
	r.Protocol, r.Port, r.Published = p.Protocol, p.Port, []inspect.PublishedPort{p}
	for _, a := range i.facts.Addrs {
		if !a.Prefix.Addr().IsLinkLocalUnicast() {
			r.Address = a.Prefix.Addr()
			break
		}
	}
	return r
}
