package wire

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// The messages of linux/netfilter/nfnetlink_conntrack.h.
const (
	ctGet    = 1 // IPCTNL_MSG_CT_GET
	ctDelete = 2 // IPCTNL_MSG_CT_DELETE
)

func ctType(msg uint16) uint16 { return unix.NFNL_SUBSYS_CTNETLINK<<8 | msg }

// Tracking reports whether the connection tracker of the namespace knows any
// connection. Asking one that is not in use would have its modules loaded.
func (w *Witness) Tracking() bool {
	n := 0
	err := w.src.Run(w.own, func() error {
		n = tracked("/proc")
		return nil
	})
	return err == nil && n > 0
}

// Tracked reports whether the connection tracker of the namespace has a
// connection that began with packet p, and its id.
func (w *Witness) Tracked(p *TracePacket) (id uint32, ok bool, err error) {
	b, err := w.owner.ask(ctType(ctGet), trackedRequest(p))
	if errors.Is(err, unix.ENOENT) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("look for a tracked connection: %w", err)
	}
	_, a, err := nftHead(b)
	for err == nil && a.next() {
		if a.typ == ctaID {
			id = a.be32()
		}
	}
	return id, true, err
}

// Untrack has the tracker forget the connection with this id that began with
// packet p. One that it does not know is no error.
func (w *Witness) Untrack(p *TracePacket, id uint32) error {
	body := appendBE32(trackedRequest(p), ctaID, id)
	err := w.owner.do(ctType(ctDelete), body)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("forget a tracked connection: %w", err)
	}
	return nil
}

// trackedRequest is struct nfgenmsg and CTA_TUPLE_ORIG.
func trackedRequest(p *TracePacket) []byte {
	f, src, dst := inspect.NFIPv4, uint16(ctaSrc), uint16(ctaDst)
	if p.Dst.Is6() {
		f, src, dst = inspect.NFIPv6, ctaSrc6, ctaDst6
	}
	ip := appendAttr(nil, src, p.Src.AsSlice())
	ip = appendAttr(ip, dst, p.Dst.AsSlice())
	proto := appendAttr(nil, ctaNumber, []byte{p.Proto})
	be16 := func(n uint16) []byte { return []byte{byte(n >> 8), byte(n)} }
	switch p.Proto {
	case unix.IPPROTO_ICMP, unix.IPPROTO_ICMPV6:
		first := uint16(ctaICMP)
		if p.Dst.Is6() {
			first = ctaICMPv6
		}
		proto = appendAttr(proto, first, be16(p.EchoID))
		proto = appendAttr(proto, first+1, []byte{p.ICMPType})
		proto = appendAttr(proto, first+2, []byte{p.ICMPCode})
	default:
		proto = appendAttr(proto, ctaSport, be16(p.SrcPort))
		proto = appendAttr(proto, ctaDport, be16(p.DstPort))
	}
	tuple := appendNested(nil, ctaIP, ip)
	return appendNested(nftRequest(f), ctaOrig, appendNested(tuple, ctaProto, proto))
}
