package path

import (
	"fmt"
	"net/netip"

	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
)

// note says what is known of the destination apart from the way there.
func (w *tracer) note() {
	n := w.end.n
	if w.leg.Disposition != Accepted || w.packet.DstPort == 0 || !n.Has(inspect.FactPorts) {
		return
	}
	protocol := map[uint8]string{filter.TCP: "tcp", filter.UDP: "udp"}[w.packet.Proto]
	elsewhere := netip.Addr{}
	for _, s := range n.Sockets {
		if s.Protocol != protocol || s.Local.Port() != w.packet.DstPort || protocol == "tcp" && s.State != "LISTEN" {
			continue
		}
		a := s.Local.Addr().Unmap()
		switch {
		case a == w.packet.Dst:
			return
		case a.IsUnspecified() && (a.Is4() == w.packet.Dst.Is4() || a.Is6() && !s.V6):
			w.answersFrom(n)
			return
		}
		elsewhere = a
	}
	text := fmt.Sprintf("nobody listens on %s port %d there", protocol, w.packet.DstPort)
	if elsewhere.IsValid() {
		text = fmt.Sprintf("%s port %d listens on %s only, not on %s", protocol, w.packet.DstPort, elsewhere, w.packet.Dst)
	}
	w.say(text)
}

// answersFrom says where a UDP socket without an address of its own sends
// answers from: the kernel chooses by the route, unless the program says.
func (w *tracer) answersFrom(n *inspect.Network) {
	if w.packet.Proto != filter.UDP {
		return
	}
	a, err := w.ask(n, RouteQuery{Dst: w.packet.Src, Proto: filter.UDP})
	if err != nil || a.Refused != "" || !a.Prefsrc.IsValid() || a.Prefsrc == w.packet.Dst {
		return
	}
	w.say(fmt.Sprintf("the listener has no address of its own: unless it takes care, it answers from %s, not from %s, and the sender takes no notice",
		a.Prefsrc, w.packet.Dst))
}

// say adds a note.
func (w *tracer) say(text string) { w.report.Notes = append(w.report.Notes, text) }
