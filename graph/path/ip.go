package path

import (
	"cmp"
	"errors"
	"fmt"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// ask asks for a route: of the kernel, else of the facts.
func (w *tracer) ask(n *inspect.Network, q RouteQuery) (RouteAnswer, error) {
	if w.o.Routes != nil {
		return w.o.Routes(n.NS, q)
	}
	if !n.Has(inspect.FactRoutes) || q.Iif != 0 && !n.Has(inspect.FactNetConf) {
		return RouteAnswer{}, errors.New("routes and settings were not read")
	}
	a := reconstruct(n, q)
	if out := n.Interface(a.Oif); a.Refused == "" && (q.Src.IsLoopback() || q.Dst.IsLoopback()) && (foreign(n.Interface(q.Iif)) || foreign(out)) {
		return RouteAnswer{}, fmt.Errorf("whether packets of %s leave the host hangs on route_localnet, which is not recorded", q.Src)
	}
	return a, nil
}

// foreign reports whether an interface is one that loopback addresses do not
// belong to; nil is none.
func foreign(i *inspect.Interface) bool { return i != nil && !i.Loopback() }

// route asks for the route of the packet. It returns false where the way ends.
func (w *tracer) route(n *inspect.Network, in *inspect.Interface) (a RouteAnswer, ok bool) {
	q := RouteQuery{Dst: w.packet.Dst, Src: w.packet.Src, Mark: w.packet.Mark, Proto: w.packet.Proto, SrcPort: w.packet.SrcPort, DstPort: w.packet.DstPort}
	if in != nil {
		q.Iif = in.Index
	}
	if w.packet.MarkUnknown && marked(n) {
		w.stop(n, in, InsufficientInfo, Step{Do: "route", Text: "policy rules look at the mark of the packet, which cannot be told"})
		return a, false
	}
	a, err := w.ask(n, q)
	if err != nil {
		w.stop(n, in, InsufficientInfo, Step{Do: "route", Text: "the route could not be asked for: " + err.Error()})
		return a, false
	}
	if a.Refused != "" {
		d, text := w.refused(n, q, a)
		w.stop(n, in, d, Step{Do: "route", Text: text})
		return a, false
	}
	if in != nil && q.Dst.Is6() && a.Type == "unicast" && !forwarding(n, q) { // which the kernel checks later
		w.stop(n, in, DeniedIn, Step{Do: "route", Text: "the namespace does not pass packets on: forwarding is off (net.ipv6.conf.all.forwarding)"})
		return a, false
	}
	out := n.Interface(a.Oif)
	text := a.Type
	if a.Prefix.IsValid() {
		text += " " + a.Prefix.String()
	}
	if a.Via.IsValid() {
		text += " via " + a.Via.String()
	}
	if out != nil {
		text += " dev " + out.Name
	}
	if a.Table != 0 {
		text += " table " + tableName(a.Table)
	}
	w.step(n, in, Step{Do: "route", Text: text, MTU: a.MTU})
	if a.Ways > 1 {
		w.say(fmt.Sprintf("the route to %s has %d next hops; the first is followed", q.Dst, a.Ways))
	}
	return a, true
}

func tableName(t uint32) string {
	switch t {
	case 255:
		return "local"
	case 254:
		return "main"
	case 253:
		return "default"
	}
	return fmt.Sprint(t)
}

func marked(n *inspect.Network) bool {
	for i := range n.Rules {
		if n.Rules[i].Mark != 0 || n.Rules[i].Mask != 0 {
			return true
		}
	}
	return false
}

// refused says why there is no route. Several causes share an errno: the
// settings and the recorded routes tell them apart.
func (w *tracer) refused(n *inspect.Network, q RouteQuery, a RouteAnswer) (Disposition, string) {
	plain := lookup(n, RouteQuery{Dst: q.Dst, Src: q.Src, Iif: q.Iif, Mark: q.Mark, Proto: q.Proto, DstPort: q.DstPort})
	switch a.Refused {
	case "EACCES":
		return NullRoute, fmt.Sprintf("a route or rule prohibits packets to %s", q.Dst)
	case "EHOSTUNREACH":
		if q.Iif != 0 && !forwarding(n, q) {
			return DeniedIn, "the namespace does not pass packets on: forwarding is off (net.ipv4.ip_forward)"
		}
		return NullRoute, fmt.Sprintf("the route to %s is unreachable", q.Dst)
	case "EINVAL":
		if plain.Type == "blackhole" {
			return NullRoute, fmt.Sprintf("the route to %s is a blackhole", q.Dst)
		}
		if q.Src.IsLoopback() || q.Dst.IsLoopback() {
			d := map[bool]Disposition{true: DeniedOut, false: DeniedIn}[q.Iif == 0]
			return d, fmt.Sprintf("a packet from %s to %s stays on the loopback: route_localnet is off", q.Src, q.Dst)
		}
		if strict, loose := reversePath(n, q.Iif); strict || loose {
			return DeniedIn, fmt.Sprintf("the source %s is not expected here: rp_filter", q.Src)
		}
		return DeniedIn, fmt.Sprintf("the kernel refuses a packet from %s to %s here", q.Src, q.Dst)
	case "ENETUNREACH":
		if plain.Type == "unreachable" {
			return NullRoute, fmt.Sprintf("a rule says that %s is unreachable", q.Dst)
		}
		return NoRoute, fmt.Sprintf("no route to %s", q.Dst)
	}
	return InsufficientInfo, "the kernel answers " + a.Refused
}

// send is a packet that the namespace itself makes.
func (w *tracer) send(n *inspect.Network) {
	a, ok := w.route(n, nil)
	if !ok {
		return
	}
	if !w.packet.Src.IsValid() {
		if w.packet.Src = a.Prefsrc; !w.packet.Src.IsValid() {
			w.packet.Src = sourceFor(n.Interface(a.Oif), cmp.Or(a.Via, w.packet.Dst))
		}
		if !w.packet.Src.IsValid() {
			w.stop(n, nil, NoRoute, Step{Do: "send", Text: "the interface has no address to send from"})
			return
		}
	}
	if !w.reply && w.outer == 0 {
		w.packet.Ports = clientPorts(n)
		w.report.Packet = w.packet
	}
	out := n.Interface(a.Oif)
	before := w.packet
	if !w.hook(n, filter.Query{Hook: "output", Out: out}) {
		return
	}
	if w.packet.Dst != before.Dst || w.packet.Mark != before.Mark || w.packet.MarkUnknown {
		if a, ok = w.route(n, nil); !ok {
			return
		}
		out = n.Interface(a.Oif)
	}
	w.leave(n, nil, out, a)
}

// clientPorts are those that the kernel gives to clients, which do not ask for
// one; any where that was not read.
func clientPorts(n *inspect.Network) (ports [2]uint16) {
	if _, err := fmt.Sscan(n.Sysctls["net.ipv4.ip_local_port_range"], &ports[0], &ports[1]); err != nil {
		return [2]uint16{}
	}
	return ports
}

// leave is the last of a namespace: postrouting, then the interface.
func (w *tracer) leave(n *inspect.Network, in, out *inspect.Interface, a RouteAnswer) {
	if out == nil {
		w.stop(n, in, InsufficientInfo, Step{Do: "route", Text: fmt.Sprintf("interface %d of the route is not known", a.Oif)})
		return
	}
	if a.Type == "local" {
		if lo := loopback(n); lo != nil {
			out = lo
		}
	}
	hop := cmp.Or(a.Via, w.packet.Dst)
	if w.hook(n, filter.Query{Hook: "postrouting", Out: out, OutAddr: masquerade(n, out, hop)}) {
		w.transmit(n, out, hop)
	}
}

func loopback(n *inspect.Network) *inspect.Interface {
	for i := range n.Interfaces {
		if n.Interfaces[i].Loopback() {
			return &n.Interfaces[i]
		}
	}
	return nil
}

// input is a packet at the IP layer of a namespace.
func (w *tracer) input(n *inspect.Network, in *inspect.Interface) {
	if w.again(n, in) || !w.hook(n, filter.Query{Hook: "prerouting", In: in}) {
		return
	}
	w.routed(n, in, "")
}

// again ends the way of a packet that has been here before.
func (w *tracer) again(n *inspect.Network, in *inspect.Interface) bool {
	state := fmt.Sprint(n.NS, in.Index, tuple(w.packet))
	if w.seen[state] || len(w.leg.Steps) > maxSteps {
		w.stop(n, in, Loop, Step{Do: "receive", Text: "the packet has been here before"})
		return true
	}
	w.seen[state] = true
	return false
}

// routed is a packet after prerouting. port is that of the bridge it came
// through, where the bridge has IP's rules see its packets.
func (w *tracer) routed(n *inspect.Network, in *inspect.Interface, port string) {
	if in.Loopback() && w.packet.Dst.IsLoopback() || owns(n, w.packet.Dst) && in.Loopback() {
		w.deliver(n, in, port)
		return
	}
	a, ok := w.route(n, in)
	if !ok {
		return
	}
	if a.Type == "local" || a.Type == "broadcast" || a.Type == "multicast" {
		w.deliver(n, in, port)
		return
	}
	out := n.Interface(a.Oif)
	if w.hook(n, filter.Query{Hook: "forward", In: in, Out: out, PhysIn: port}) {
		w.leave(n, in, out, a)
	}
}

func (w *tracer) deliver(n *inspect.Network, in *inspect.Interface, port string) {
	if !w.hook(n, filter.Query{Hook: "input", In: in, PhysIn: port}) {
		return
	}
	w.stop(n, in, Accepted, Step{Do: "deliver", Text: "delivered: " + tuple(w.packet)})
}
