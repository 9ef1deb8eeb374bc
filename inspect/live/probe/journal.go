package probe

import (
	"bytes"
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/wire"
)

// journal is what was seen in one namespace.
type journal struct {
	ns      inspect.ID
	probe   *wire.Probe
	request uint8 // the type of an echo request
	events  []Event
	ways    map[uint32]Way // of the packet with this id
	dropped bool           // a rule has stopped the packet, or the answer
}

// add takes new events.
func (j *journal) add(news []wire.TraceEvent) {
	if j.ways == nil {
		j.ways = map[uint32]Way{}
	}
	for _, e := range news {
		if e.Packet != nil {
			j.ways[e.ID] = j.way(e.Packet)
		}
		w := j.ways[e.ID]
		if w == "" {
			continue // another packet that looks like an answer
		}
		j.events = append(j.events, Event{j.ns, w, e})
		j.dropped = j.dropped || e.Verdict == "drop" && (w == Forward || w == Reply)
	}
}

// The flags of TCP.
const (
	tcpSYN = 2
	tcpRST = 4
	tcpACK = 16
)

// way says which of the packets it is; "" for none: others on the host may
// have their packets traced too.
func (j *journal) way(p *wire.TracePacket) Way {
	icmp := p.Proto == unix.IPPROTO_ICMP || p.Proto == unix.IPPROTO_ICMPV6
	marked := len(p.Data) > 0 && bytes.HasPrefix(j.probe.Marker[:], p.Data)
	if p.Proto == unix.IPPROTO_TCP {
		return j.wayTCP(p)
	}
	switch {
	case icmp && marked && p.ICMPType == j.request:
		return Forward
	case icmp && marked:
		return Reply
	case p.Fails(j.probe.Proto):
		return Failure
	case icmp:
		return ""
	case marked && p.SrcPort != 0 && !j.answers(p):
		return Forward
	case j.answers(p):
		return Reply
	}
	return ""
}

// wayTCP is way for TCP.
func (j *journal) wayTCP(p *wire.TracePacket) Way {
	asks, answers := p.Flags&(tcpSYN|tcpACK) == tcpSYN, p.Flags&tcpACK != 0 && p.Ack == j.probe.Seq+1
	switch {
	case j.probe.Proto != unix.IPPROTO_TCP:
	case p.Seq == j.probe.Seq && asks:
		return Forward
	case answers && p.Flags&(tcpSYN|tcpRST) != 0:
		return Reply
	case answers, p.Seq == j.probe.Seq+1:
		return Closing
	}
	return ""
}

// answers reports whether a datagram goes back between two addresses that
// the packet was seen to go between here.
func (j *journal) answers(p *wire.TracePacket) bool {
	return slices.ContainsFunc(j.events, func(e Event) bool {
		return e.Way == Forward && e.Packet != nil && (e.Packet.Src == p.Dst || e.Packet.Dst == p.Src) && e.Packet.SrcPort == p.DstPort
	})
}

// ofIP reports whether the event shows that the packet is at a hook of IP.
func (e *Event) ofIP() bool {
	return e.Own && (e.Family == inspect.NFIPv4 || e.Family == inspect.NFIPv6)
}

// closed reports whether the end of the connection came as far as the
// beginning, if that was seen at all.
func (j *journal) closed() bool {
	last := ""
	for _, e := range j.events {
		switch {
		case e.ofIP() && e.Way == Forward:
			last = e.Chain
		case e.ofIP() && e.Way == Closing && e.Chain == last && e.Packet != nil && e.Packet.Flags&tcpRST != 0:
			return true
		}
	}
	return last == ""
}

// untrack has the tracker of the namespace forget the connection, if the
// packet began it.
func (j *journal) untrack(w *wire.Witness) error {
	var first []*wire.TracePacket // as the packet came in, before translation
	began := map[uint32]bool{}
	told := false // the kernel says which connection a packet is of
	for _, e := range j.events {
		told = told || e.CTID != 0
		if e.Way != Forward {
			continue
		}
		if e.CTNew && e.CTID != 0 {
			began[e.CTID] = true
		}
		if e.ofIP() && e.Packet != nil && (e.Chain == "prerouting" || e.Chain == "output") {
			first = append(first, e.Packet)
		}
	}
	if len(first) == 0 || !told && !w.Tracking() {
		return nil
	}
	var all []error
	for _, p := range first {
		id, ok, err := w.Tracked(p)
		if ok && (began[id] || !told) {
			err = w.Untrack(p, id)
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}
