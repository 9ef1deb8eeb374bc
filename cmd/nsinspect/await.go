package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"nsinspect/graph"
	"nsinspect/graph/path"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/probe"
)

// awaitTimeout is time enough to walk over to the other machine's terminal.
const awaitTimeout = 30 * time.Second

// await waits for a packet from outside and compares. The way is foretold
// anew, now that it is known who sends. On a signal all is removed first.
func (o *traceOptions) await(ctx context.Context, x *inspect.Index, t *graph.Topology, p path.Options, r *path.Report) (*path.Report, error) {
	if hasPorts(p.Packet.Proto) && p.Packet.DstPort == 0 {
		return nil, usageError("nsinspect trace --from-outside "+net.JoinHostPort(p.Packet.Dst.String(), "443")+" --verify", "a packet to no port cannot be waited for")
	}
	if src, _, _ := o.origin(); o.src != "" && !src.IsValid() {
		return nil, usageError("--source 192.0.2.1"+o.src, "--verify waits for a client with an address, not for a port alone")
	}
	w, err := o.awaited(x, t, p, r)
	if err != nil {
		return nil, err
	}
	sig := catchSignals(ctx)
	defer sig.stop()
	came, err := probe.Await(sig.ctx, w)
	if err := o.unproven(sig, err); err != nil {
		return nil, err
	}
	if came.Packet != nil {
		p.Uplink, p.Packet.Src = came.Iif, came.Packet.Src
		if hasPorts(p.Packet.Proto) {
			p.Packet.SrcPort = came.Packet.SrcPort
		}
		if r, err = path.Trace(x, t, p); err != nil {
			return nil, err
		}
	}
	seen := seenBy(r, &came.Result)
	seen.Watched, seen.Absent, seen.Waited = true, came.Packet == nil, o.timeout
	for _, s := range came.Strays {
		seen.Strays = append(seen.Strays, filter.Packet{Proto: s.Proto, Src: s.Src, SrcPort: s.SrcPort, Dst: s.Dst, DstPort: s.DstPort})
	}
	if seen.Absent && r.Packet.SrcUnknown {
		seen.Packet.Src = netip.Addr{}
	}
	path.Prove(x, t, r, seen)
	return r, nil
}

// awaited is the packet to wait for, and where. Where the way hangs on who
// sends, that of somebody is followed too: it may lead on.
func (o *traceOptions) awaited(x *inspect.Index, t *graph.Topology, p path.Options, r *path.Report) (w probe.Awaited, err error) {
	ways := []*path.Report{r}
	if r.Packet.SrcUnknown {
		p.Packet.Src = r.Packet.Src
		some, err := path.Trace(x, t, p)
		if err != nil {
			return w, err
		}
		ways = append(ways, some)
	}
	w = probe.Awaited{
		Own: x.Own(inspect.Net), Proto: r.Packet.Proto, To: []netip.AddrPort{netip.AddrPortFrom(r.Packet.Dst, r.Packet.DstPort)},
		Timeout: o.timeout, Answer: verifyTimeout, Ready: func() { o.sayWaiting(r.Packet) },
	}
	var becomes []netip.AddrPort
	for _, r := range ways {
		becomes = translations(&w, r, becomes)
		placesOf(&w, x, p.From, r)
	}
	if w.At.Source.Open == nil {
		return w, errors.New("--verify: the network namespace that packets come in to is not known")
	}
	if src, port, _ := o.origin(); src.IsValid() {
		w.From = append([]netip.AddrPort{netip.AddrPortFrom(src, port)}, becomes...)
	}
	nets := x.Snapshot().Networks
	for i := range nets {
		if nets[i].NS == p.From {
			entrances(&w, &nets[i], r.Forward.Steps[0].IfName, becomes)
		}
	}
	return w, nil
}

// placesOf adds where to look for the packet; it comes in at from.
func placesOf(w *probe.Awaited, x *inspect.Index, from inspect.ID, r *path.Report) {
	routes := live.NewRoutes(x)
	for _, id := range path.Concerned(x, r) {
		switch {
		case id == from:
			w.At = placeOf(x, routes, id)
		case !slices.ContainsFunc(w.Watch, func(at probe.Place) bool { return at.Source.ID == id }):
			w.Watch = append(w.Watch, placeOf(x, routes, id))
		}
	}
}

// translations adds where the packet is expected to go, to what it is
// expected to come from then.
func translations(w *probe.Awaited, r *path.Report, becomes []netip.AddrPort) []netip.AddrPort {
	for _, s := range r.Forward.Steps {
		if s.After == nil {
			continue
		}
		if to := netip.AddrPortFrom(s.After.Dst, s.After.DstPort); !slices.Contains(w.To, to) {
			w.To = append(w.To, to)
		}
		if from := netip.AddrPortFrom(s.After.Src, 0); s.After.Src != r.Packet.Src && !slices.Contains(becomes, from) {
			becomes = append(becomes, from)
		}
	}
	return becomes
}

// entrances says by which interfaces nothing comes from outside: lo, and
// bridges that only lead to guests. becomes are addresses that the packet is
// expected to get.
func entrances(w *probe.Awaited, n *inspect.Network, uplink string, becomes []netip.AddrPort) {
	for i := range n.Interfaces {
		k := &n.Interfaces[i]
		if k.Name == uplink {
			w.Stray = k.Index
			continue
		}
		if k.Loopback() {
			w.Except = append(w.Except, k.Index)
		}
		if k.Kind != "bridge" {
			continue
		}
		if ports, inner := guests(n, k.Index); inner {
			w.Except, w.Ports = append(w.Except, k.Index), append(w.Ports, ports...)
			w.Inside = append(w.Inside, neighbourhood(k, w.To, becomes)...)
		}
	}
}

// neighbourhood are the networks of a bridge that the packet goes to, if it
// is not foretold to get an address of there.
func neighbourhood(bridge *inspect.Interface, to, becomes []netip.AddrPort) (out []netip.Prefix) {
	of := func(p netip.Prefix) func(netip.AddrPort) bool {
		return func(a netip.AddrPort) bool { return p.Contains(a.Addr()) }
	}
	for _, a := range bridge.Addrs {
		if slices.ContainsFunc(to, of(a.Prefix)) && !slices.ContainsFunc(becomes, of(a.Prefix)) {
			out = append(out, a.Prefix.Masked())
		}
	}
	return out
}

// guests are the ports of a bridge, if each leads to a container or a virtual
// machine.
func guests(n *inspect.Network, bridge int) (ports []int, all bool) {
	for i := range n.Interfaces {
		k := &n.Interfaces[i]
		if k.Master != bridge {
			continue
		}
		if !slices.Contains([]string{"veth", "tun", "netkit", "vxlan", "dummy", "ifb"}, k.Kind) {
			return nil, false
		}
		ports = append(ports, k.Index)
	}
	return ports, true
}

// sayWaiting tells that somebody is to connect now, and how.
func (o *traceOptions) sayWaiting(p filter.Packet) {
	host, port := p.Dst.String(), strconv.Itoa(int(p.DstPort))
	to := net.JoinHostPort(host, port)
	proto, example := "tcp", "curl http://"+to
	switch p.Proto {
	case filter.UDP:
		proto, example = "udp", "echo | nc -u "+host+" "+port
	case filter.ICMP, filter.ICMPv6:
		to, proto, example = host, "echo request", "ping "+host
	}
	fmt.Fprintf(o.output.app.stderr, "waiting for a packet to %s (%s) for %s: connect now, e.g. %s\n", to, proto, o.timeout, example)
}
