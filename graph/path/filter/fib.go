package filter

import (
	"fmt"
	"net/netip"

	"nsinspect/inspect"
)

// The flags of fib, NFTA_FIB_F_*.
const (
	fibSaddr = 1 << iota
	fibDaddr
	fibMark
	fibIif
	fibOif
	fibPresent
)

// fib looks an address up in the routes.
func (v *evaluation) fib(e *inspect.NFExpr) (partial, string) {
	q := v.q
	a, from := v.packet.Dst, v.packet.Src
	if e.Flags&fibSaddr != 0 {
		a, from = from, a
	}
	dev := 0
	switch {
	case e.Flags&fibIif != 0 && q.In != nil:
		dev = q.In.Index
	case e.Flags&fibOif != 0 && q.Out != nil:
		dev = q.Out.Index
	}
	if e.Key == "type" {
		if n, ok := v.routeType(a, dev); ok {
			return knownHost(n), ""
		}
		return unknownBytes(4), fmt.Sprintf("the type of the route to %s is not known", a)
	}
	if q.In != nil && q.In.Loopback() && (q.Hook == "prerouting" || q.Hook == "input") {
		return fibResult(e, q.In), "" // as the kernel has it
	}
	if out, ok := v.route(a, from, dev, e.Flags&fibMark != 0); ok {
		return fibResult(e, out), ""
	}
	return unknownBytes(16), fmt.Sprintf("the route to %s is not known", a)
}

// fibResult is what fib makes of the interface of a route; nil is none.
func fibResult(e *inspect.NFExpr, out *inspect.Interface) partial {
	switch {
	case e.Flags&fibPresent != 0:
		return known([]byte{boolByte(out != nil)})
	case e.Key == "oifname":
		return nameBytes(ifaceName(out))
	case out == nil:
		return knownHost(0)
	}
	return knownHost(uint32(out.Index))
}

// route asks for a route, by the packet's mark or none.
func (v *evaluation) route(to, from netip.Addr, dev int, marked bool) (out *inspect.Interface, ok bool) {
	mark := uint32(0)
	if marked {
		mark = v.packet.Mark
	}
	if v.q.Lookup == nil || marked && v.packet.MarkUnknown {
		return nil, false
	}
	return v.q.Lookup(to, from, dev, mark)
}

// routeLocal is RTN_LOCAL of linux/rtnetlink.h.
const routeLocal = 2

// routeType is the RTN_* of linux/rtnetlink.h of an address.
func (v *evaluation) routeType(a netip.Addr, dev int) (uint32, bool) {
	if v.q.RouteType == nil {
		return 0, false
	}
	word, ok := v.q.RouteType(a, dev)
	for i, w := range [...]string{"unspec", "unicast", "local", "broadcast", "anycast", "multicast", "blackhole", "unreachable", "prohibit"} {
		if ok && w == word {
			return uint32(i), true
		}
	}
	return 0, false
}
