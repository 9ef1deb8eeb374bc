package probe

import (
	"bytes"
	"net/netip"
	"slices"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/wire"
)

// guest is a packet from outside that is followed.
type guest struct {
	packet *wire.TracePacket // as it came in; nil: none has
	iif    int
	names  []netip.AddrPort // the client, and what it is translated to
	doors  []netip.AddrPort // where it goes to, and what that is translated to
}

// guestbook is what was seen in one namespace before it is known whom of.
type guestbook struct {
	ns      inspect.ID
	proto   uint8
	to      netip.AddrPort
	inner   []int // interfaces by which nothing comes from outside
	stray   int   // that by which packets for others are looked out for; 0: none
	entries []entry
	ids     map[uint32]*wire.TracePacket // as shown last
	marked  map[uint32]bool              // our rules have it traced
	clients map[netip.AddrPort]bool
	cut     bool // there were more events than are kept
}

// entry is an event with the packet that it is about.
type entry struct {
	wire.TraceEvent
	about *wire.TracePacket
}

// maxEntries is how many events are kept of one namespace.
const maxEntries = 1 << 17

func (b *guestbook) add(news []wire.TraceEvent) {
	if b.ids == nil {
		b.ids, b.marked, b.clients = map[uint32]*wire.TracePacket{}, map[uint32]bool{}, map[netip.AddrPort]bool{}
	}
	for _, e := range news {
		if e.Packet != nil {
			b.ids[e.ID] = e.Packet
		}
		if e.Own && e.Handle != 0 {
			b.marked[e.ID] = true
		}
		p := b.ids[e.ID]
		if p == nil || !b.opens(p) && !b.answers(p) && !p.Fails(b.proto) {
			continue
		}
		if b.opens(p) {
			b.clients[client(p)] = true
		}
		if len(b.entries) == maxEntries {
			b.cut = true
			continue
		}
		b.entries = append(b.entries, entry{e, p})
	}
}

// full reports whether packets may have gone unseen for the number of others.
func (b *guestbook) full() bool { return b.cut || len(b.clients) >= wire.ManyClients }

// client and door are the ends of a packet; the port of an echo is its id.
func client(p *wire.TracePacket) netip.AddrPort { return netip.AddrPortFrom(p.Src, port(p, p.SrcPort)) }

func door(p *wire.TracePacket) netip.AddrPort { return netip.AddrPortFrom(p.Dst, port(p, p.DstPort)) }

func port(p *wire.TracePacket, n uint16) uint16 {
	if p.Proto == unix.IPPROTO_ICMP || p.Proto == unix.IPPROTO_ICMPV6 {
		return p.EchoID
	}
	return n
}

// opens reports whether a packet is such as clients begin with.
func (b *guestbook) opens(p *wire.TracePacket) bool {
	switch {
	case p.Proto != b.proto:
	case b.proto == unix.IPPROTO_TCP:
		return p.Flags&(tcpSYN|tcpACK|tcpRST) == tcpSYN
	case b.proto == unix.IPPROTO_ICMP:
		return p.ICMPType == 8
	case b.proto == unix.IPPROTO_ICMPV6:
		return p.ICMPType == 128
	default:
		return true
	}
	return false
}

// answers reports whether a packet is such as clients are answered with.
func (b *guestbook) answers(p *wire.TracePacket) bool {
	switch {
	case p.Proto != b.proto:
	case b.proto == unix.IPPROTO_TCP:
		return p.Flags&(tcpSYN|tcpRST) != 0 && p.Flags&tcpACK != 0
	case b.proto == unix.IPPROTO_ICMP:
		return p.ICMPType == 0
	case b.proto == unix.IPPROTO_ICMPV6:
		return p.ICMPType == 129
	default:
		return true
	}
	return false
}

// first is the packet that came in first: that which our rules found at the
// hooks of IP, or one that a rule stopped before.
func (b *guestbook) first() (g guest, ok bool) {
	for i := range b.entries {
		e := &b.entries[i]
		p := e.about
		if !b.opens(p) || p.Dst != b.to.Addr() || b.to.Port() != 0 && p.DstPort != b.to.Port() || slices.Contains(b.inner, e.Iif) {
			continue
		}
		before := e.Verdict == "drop" && (e.Family == inspect.NFBridge || e.Family == inspect.NFNetdev) && b.marked[e.ID]
		if before || e.arrives() && e.Handle != 0 {
			return guest{p, e.Iif, []netip.AddrPort{client(p)}, []netip.AddrPort{door(p)}}, true
		}
	}
	return g, false
}

// arrives reports whether the event shows that a packet comes in to the hooks
// of IP.
func (e *entry) arrives() bool {
	ip := Event{TraceEvent: e.TraceEvent}
	return ip.ofIP() && e.Chain == "prerouting"
}

// rename adds what the packet is translated to.
func (b *guestbook) rename(g *guest) {
	for i := range b.entries {
		p := b.entries[i].about
		if !b.opens(p) || !g.is(p) {
			continue
		}
		if c := client(p); !slices.Contains(g.names, c) {
			g.names = append(g.names, c)
		}
		if d := door(p); !slices.Contains(g.doors, d) {
			g.doors = append(g.doors, d)
		}
	}
}

// is reports whether an opening packet is this one: TCP tells by the sequence
// number, else by one end and how the data begins.
func (g *guest) is(p *wire.TracePacket) bool {
	if p.Proto == unix.IPPROTO_TCP {
		return p.Seq == g.packet.Seq
	}
	return bytes.Equal(p.Data, g.packet.Data) && (slices.Contains(g.names, client(p)) || slices.Contains(g.doors, door(p)))
}

// isFor reports whether a packet answers this one.
func (g *guest) isFor(p *wire.TracePacket) bool {
	if p.Proto == unix.IPPROTO_TCP {
		return p.Ack == g.packet.Seq+1
	}
	return slices.Contains(g.names, door(p))
}

// toHost reports whether a packet goes to the client's address.
func (g *guest) toHost(p *wire.TracePacket) bool {
	return slices.ContainsFunc(g.names, func(a netip.AddrPort) bool { return a.Addr() == p.Dst })
}

// of are the events of the packet, its answer and errors about it. Where the
// packet is sent, in a namespace that is outside but on this machine, its
// beginning is not on the way.
func (b *guestbook) of(g *guest) (out []Event) {
	sent := false
	for _, e := range b.entries {
		w := Way("")
		switch p := e.about; {
		case b.opens(p) && g.is(p):
			w = Forward
		case b.answers(p) && g.isFor(p):
			w = Reply
		case p.Fails(b.proto) && g.toHost(p):
			w = Failure
		default:
			continue
		}
		out = append(out, Event{b.ns, w, e.TraceEvent})
		last := &out[len(out)-1]
		sent = sent || w == Forward && last.ofIP() && e.Chain == "output"
	}
	if sent {
		out = slices.DeleteFunc(out, func(e Event) bool { return e.Way == Forward })
	}
	return out
}

// answer is the answer that was seen to go back by the interface that the
// packet came in by; "" for none.
func (g *guest) answer(here []Event) string {
	for _, e := range here {
		if e.Way == Forward || !e.ofIP() || e.Chain != "postrouting" || e.Oif != g.iif || e.Packet == nil {
			continue
		}
		p := e.Packet
		switch {
		case e.Way == Failure && (p.ICMPType == 3 && p.ICMPCode == 3 || p.ICMPType == 1 && p.ICMPCode == 4):
			return "ECONNREFUSED" // nobody has the port
		case e.Way == Failure:
			return "EHOSTUNREACH"
		case p.Proto == unix.IPPROTO_TCP && p.Flags&tcpRST != 0:
			return "ECONNREFUSED"
		case p.Proto == unix.IPPROTO_TCP:
			return answerOpened
		case p.Proto == unix.IPPROTO_UDP:
			return "datagram"
		}
		return "echo reply"
	}
	return ""
}

// strays are packets to other addresses, those that came in first.
func (b *guestbook) strays() (out []wire.TracePacket) {
	for i := range b.entries {
		e := &b.entries[i]
		p := e.about
		if b.stray != 0 && e.Iif == b.stray && b.opens(p) && p.Dst != b.to.Addr() && p.DstPort == b.to.Port() && e.arrives() && e.Packet != nil {
			out = append(out, *p)
		}
	}
	return out[:min(len(out), wire.MaxStray)]
}

// decided reports whether the namespace is done with the packet, so that all
// names are known that it goes by from here on.
func decided(here []Event) bool {
	return slices.ContainsFunc(here, func(e Event) bool {
		return e.Way == Forward && (e.Verdict == "drop" || e.ofIP() && (e.Chain == "postrouting" || e.Chain == "input"))
	})
}
