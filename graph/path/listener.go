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
			w.published(&s)
			return
		case a.IsUnspecified() && (a.Is4() == w.packet.Dst.Is4() || a.Is6() && !s.V6):
			w.answersFrom(n)
			w.published(&s)
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

// published says where what comes to a port of the host goes that a container
// publishes, when no rule has translated it: through docker-proxy, whose
// connection to the container is one of its own.
func (w *tracer) published(s *inspect.Socket) {
	all := w.x.Snapshot().Containers
	for i := range all {
		for _, p := range all[i].Ports {
			ip := p.HostIP.Unmap()
			if w.end.n.NS == w.x.Own(inspect.Net) && p.HostPort == s.Local.Port() && p.Protocol == s.Protocol &&
				(!ip.IsValid() || ip.IsUnspecified() || ip == s.Local.Addr().Unmap()) {
				w.say(fmt.Sprintf("%s publishes the port, but no rule translates this packet: docker-proxy has to take it, and connects to %[1]s itself (nsinspect trace self %[1]s:%[2]d)",
					all[i].DisplayName(), p.Port))
				return
			}
		}
	}
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
