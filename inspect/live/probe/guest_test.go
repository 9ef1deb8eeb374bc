package probe

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/wire"
)

// syn is a SYN that comes in at the first hook of IP; with mark our rule has
// it traced.
func syn(id uint32, from, to string, seq uint32, iif int, mark bool) []wire.TraceEvent {
	src, dst := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	p := &wire.TracePacket{Proto: unix.IPPROTO_TCP, Flags: tcpSYN, Seq: seq, Src: src.Addr(), SrcPort: src.Port(), Dst: dst.Addr(), DstPort: dst.Port()}
	e := wire.TraceEvent{Family: inspect.NFIPv4, Table: "nsinspect-0", Chain: "prerouting", Verdict: "continue", Own: true, ID: id, Iif: iif, Packet: p}
	if mark {
		e.Handle = 4
	}
	return []wire.TraceEvent{e}
}

// TestFirst holds that the first packet from outside is followed, and nobody
// else's.
func TestFirst(t *testing.T) {
	const uplink, bridge = 2, 3
	b := guestbook{proto: unix.IPPROTO_TCP, to: netip.MustParseAddrPort("192.0.2.10:80"), inner: []int{bridge}, stray: uplink}
	b.add(syn(1, "203.0.113.1:1", "192.0.2.10:80", 11, uplink, false)) // traced by somebody else
	b.add(syn(2, "203.0.113.2:2", "192.0.2.10:81", 12, uplink, true))
	b.add(syn(3, "172.17.0.2:3", "192.0.2.10:80", 13, bridge, true))
	b.add(syn(4, "203.0.113.4:4", "192.0.2.11:80", 14, uplink, true))
	if g, ok := b.first(); ok {
		t.Fatalf("%+v", g.packet)
	}
	b.add(syn(5, "203.0.113.5:5", "192.0.2.10:80", 15, uplink, true))
	b.add(syn(6, "203.0.113.6:6", "192.0.2.10:80", 16, uplink, true))
	g, ok := b.first()
	if !ok || g.packet.Seq != 15 || g.iif != uplink {
		t.Fatalf("%v: %+v", ok, g.packet)
	}
	if of := b.of(&g); len(of) != 1 || of[0].ID != 5 {
		t.Errorf("events %+v", of)
	}
	if s := b.strays(); len(s) != 1 || s[0].Dst != netip.MustParseAddr("192.0.2.11") {
		t.Errorf("strays %+v", s)
	}
}

// TestFirstStoppedEarly holds that a packet is found also where a rule of an
// interface stops it before the hooks of IP.
func TestFirstStoppedEarly(t *testing.T) {
	b := guestbook{proto: unix.IPPROTO_TCP, to: netip.MustParseAddrPort("192.0.2.10:80")}
	events := syn(1, "203.0.113.1:1", "192.0.2.10:80", 11, 2, true)
	events[0].Family, events[0].Chain = inspect.NFNetdev, "ingress ens3"
	b.add(events)
	if g, ok := b.first(); ok {
		t.Fatalf("before it is stopped: %+v", g)
	}
	b.add([]wire.TraceEvent{{Family: inspect.NFNetdev, Table: "f", Chain: "i", Handle: 7, Verdict: "drop", ID: 1}})
	if g, ok := b.first(); !ok || g.packet.Seq != 11 {
		t.Errorf("%v: %+v", ok, g)
	}
}

// TestFull holds that where more clients came than are watched this is known.
func TestFull(t *testing.T) {
	b := guestbook{proto: unix.IPPROTO_TCP, to: netip.MustParseAddrPort("172.17.0.2:80")}
	for i := range wire.ManyClients {
		if b.full() {
			t.Fatalf("full with %d", i)
		}
		from := netip.AddrPortFrom(netip.MustParseAddr("203.0.113.1"), uint16(i+1)).String()
		b.add(syn(uint32(i), from, "172.17.0.2:80", uint32(i), 2, true))
	}
	if !b.full() {
		t.Error("not full")
	}
}
