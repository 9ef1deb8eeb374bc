package probe

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"nsinspect/inspect"
	"nsinspect/inspect/live/wire"
)

// Awaited says for which packet to wait, and where.
type Awaited struct {
	// At is the namespace that the packet comes in to. It is watched, and so
	// are Watch.
	At    Place
	Watch []Place
	// Own is the observer's network namespace, which is not entered.
	Own inspect.ID
	// Proto is that of the packet: TCP, UDP, ICMP or ICMPv6 of protocols(5).
	Proto uint8
	// To is where the packet goes to, and what that is expected to be
	// translated to; for an echo request with port 0.
	To []netip.AddrPort
	// From is who sends it, and what that is expected to be translated to;
	// none: anybody. Port 0 is any.
	From []netip.AddrPort
	// Inside are networks from which nobody comes from outside: their clients
	// are not looked at beyond At, where there may be many of them.
	Inside []netip.Prefix
	// Except are interfaces by which no packet comes from outside, Ports those
	// below them. At Stray packets to other addresses are looked out for; 0:
	// nowhere.
	Except, Ports []int
	Stray         int
	// Timeout is how long to wait for the packet, Answer for its answer.
	Timeout, Answer time.Duration
	// Ready is called once a packet would be seen.
	Ready func()
}

// Arrival is what was seen of a packet from outside and its answer. As the
// Answer of the [Result] counts what was seen to go back to where the packet
// came from.
type Arrival struct {
	Result
	// Packet is as it came in; nil where none did within the time.
	Packet *wire.TracePacket
	// Iif is the interface that it came in by.
	Iif int
	// Strays are packets that came in for other addresses.
	Strays []wire.TracePacket
}

// vigil is the wait for one packet.
type vigil struct {
	*stage
	o     *Awaited
	logs  []guestbook // of the place with the same index
	guest guest
}

// Await waits for the first packet and follows it and its answer. Nothing is
// sent, and nothing is forgotten by connection trackers. It fails as [Run]
// does.
func Await(ctx context.Context, o Awaited) (a *Arrival, err error) {
	s, err := newStage(ctx, o.Own, append([]Place{o.At}, o.Watch...))
	if err != nil {
		return nil, err
	}
	v := &vigil{stage: s, o: &o, logs: make([]guestbook, len(s.places))}
	s.take = func(place int, news []wire.TraceEvent) { v.logs[place].add(news) }
	defer func() { err = errors.Join(err, v.remove()) }()
	if err := v.prepare(ctx); err != nil {
		return nil, err
	}
	o.Ready()
	if v.meet(ctx) {
		v.follow(ctx)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return v.arrival(), nil
}

// prepare watches all places, last that where the packet comes in: what is
// seen there is seen in the others too.
func (v *vigil) prepare(ctx context.Context) error {
	secret := make([]byte, 4)
	_, _ = rand.Read(secret) // never fails
	for i := len(v.places) - 1; i >= 0; i-- {
		if err := ctx.Err(); err != nil {
			return err
		}
		v.logs[i] = guestbook{ns: v.places[i].Source.ID, proto: v.o.Proto, to: v.o.To[0]}
		o := &wire.Opening{V6: v.o.To[0].Addr().Is6(), Proto: v.o.Proto, To: v.o.To, From: v.o.From, Apart: v.o.Inside, Clients: wire.ManyClients}
		if i == 0 {
			v.logs[i].inner, v.logs[i].stray = slices.Concat(v.o.Except, v.o.Ports), v.o.Stray
			o.Arriving, o.Except, o.Stray, o.Clients = true, v.o.Except, v.o.Stray, 1
		}
		if err := v.watch(i, wire.Watch{Opening: o, Table: fmt.Sprintf("%s%x", wire.TablePrefix, secret)}); err != nil {
			return err
		}
	}
	return nil
}

// meet waits for the packet, and reports whether it came.
func (v *vigil) meet(ctx context.Context) bool {
	for end := time.Now().Add(v.o.Timeout); ; {
		v.wait(time.Until(end))
		var ok bool
		if v.guest, ok = v.logs[0].first(); ok {
			return true
		}
		if ctx.Err() != nil || !time.Now().Before(end) {
			return false
		}
	}
}

// follow waits until it is known what became of the packet. Once that has gone
// through the first namespace, so that all it is translated to is known, no
// other packet is watched.
func (v *vigil) follow(ctx context.Context) {
	end := time.Now().Add(v.o.Answer)
	for narrowed, stopped := false, false; ; {
		v.logs[0].rename(&v.guest)
		here := v.logs[0].of(&v.guest)
		if !narrowed && decided(here) {
			narrowed = true
			v.narrow()
		}
		v.r.Answer = v.guest.answer(here)
		if v.r.Answer != "" || ctx.Err() != nil || !time.Now().Before(end) {
			v.wait(0) // what led to it is there by now
			return
		}
		if !stopped && v.dropped() {
			stopped = true
			end = earlier(end, time.Now().Add(afterDrop))
		}
		v.wait(time.Until(end))
	}
}

// narrow has only this packet watched.
func (v *vigil) narrow() {
	for i, w := range v.spies {
		if w == nil {
			continue
		}
		if err := w.Narrow(v.guest.names); err != nil {
			v.r.Left = append(v.r.Left, fmt.Errorf("net:[%d]: %w", v.places[i].Source.ID.Ino, err))
		}
	}
}

// dropped reports whether a rule has stopped the packet or its answer.
func (v *vigil) dropped() bool {
	return slices.ContainsFunc(v.logs, func(b guestbook) bool {
		return slices.ContainsFunc(b.of(&v.guest), func(e Event) bool { return e.Verdict == "drop" && e.Way != Failure })
	})
}

// arrival is what was seen.
func (v *vigil) arrival() *Arrival {
	a := &Arrival{Result: v.r, Strays: v.logs[0].strays()}
	if v.guest.packet == nil {
		a.Incomplete = a.Incomplete || v.logs[0].cut
		return a
	}
	a.Packet, a.Iif, a.Src, a.SrcPort = v.guest.packet, v.guest.iif, v.guest.packet.Src, v.guest.packet.SrcPort
	v.logs[0].rename(&v.guest)
	for i := range v.logs {
		events := v.logs[i].of(&v.guest)
		a.Events = append(a.Events, events...)
		a.Incomplete = a.Incomplete || len(events) == 0 && v.unsure(i)
	}
	return a
}

// unsure reports whether the packet may have been in a place unseen: more
// clients came there than can be watched, or it has got the address of one
// that is not.
func (v *vigil) unsure(place int) bool {
	hidden := slices.ContainsFunc(v.o.Inside, func(p netip.Prefix) bool {
		return slices.ContainsFunc(v.guest.names, func(a netip.AddrPort) bool { return p.Contains(a.Addr()) })
	})
	return !v.dropped() && (hidden || v.logs[place].full())
}
