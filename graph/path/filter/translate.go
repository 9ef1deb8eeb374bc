package filter

import (
	"bytes"
	"encoding/binary"
	"net/netip"

	"nsinspect/inspect"
)

// translation is what a rule does to the addresses of a connection.
type translation struct {
	rule *inspect.NFRule
	word string // dnat, snat, masquerade, redirect
	addr netip.Addr
	port uint16 // 0: stays
	// source: that is translated, else the destination.
	source bool
	// anyPort: the new port is one of several.
	anyPort bool
}

// same reports whether two translations lead to the same; nil is none.
func (t *translation) same(o *translation) bool {
	if t == nil || o == nil {
		return t == o
	}
	return t.addr == o.addr && t.port == o.port && t.source == o.source && t.anyPort == o.anyPort
}

// translate rewrites the packet.
func (w *walk) translate(t *translation) {
	addr, unknown, port := &w.packet.Dst, &w.packet.DstUnknown, &w.packet.DstPort
	if t.source {
		addr, unknown, port = &w.packet.Src, &w.packet.SrcUnknown, &w.packet.SrcPort
	}
	if t.addr.IsValid() {
		*addr, *unknown = t.addr, false
	}
	switch {
	case t.port != 0 && *port != t.port:
		*port = t.port
	case t.anyPort || t.source:
		*port = 0 // the kernel takes another where it must
	}
	if t.source {
		w.conn.SNAT = w.conn.SNAT || w.packet.Src != w.conn.Original.Src
		return
	}
	w.conn.DNAT = w.conn.DNAT || w.packet.Dst != w.conn.Original.Dst || w.packet.DstPort != w.conn.Original.DstPort
}

// translates is nat, masq and redir: the registers have lowest and highest
// address, lowest and highest port.
func (v *evaluation) translates(e *inspect.NFExpr) {
	t := &translation{rule: v.r, word: e.Type, source: e.Type == "snat"}
	regs := e.Regs
	if len(regs) != 4 {
		regs = make([]uint32, 4)
	}
	switch e.Name {
	case "masq":
		t.word, t.source, t.addr = "masquerade", true, v.q.OutAddr
	case "redir":
		t.word, t.addr = "redirect", v.redirectAddr()
	default:
		ok := true
		if t.addr, ok = v.addrOf(regs[0], regs[1]); !ok {
			v.end(Unknown, "it is not known which address it translates to")
			return
		}
	}
	if !t.addr.IsValid() && e.Name != "nat" {
		v.end(Unknown, "it is not known which address it translates to")
		return
	}
	if regs[2] != 0 {
		low, _ := v.regs.load(regs[2], 2)
		high := low
		if regs[3] != 0 {
			high, _ = v.regs.load(regs[3], 2)
		}
		switch {
		case !low.whole() || !high.whole():
			v.end(Unknown, "it is not known which port it translates to")
			return
		case bytes.Equal(low.data, high.data):
			t.port = binary.BigEndian.Uint16(low.data)
		default:
			t.anyPort = true
		}
	}
	v.done = &action{verdict: Accept, nat: t}
}

// redirectAddr is where redirect leads: of this host's own packets to the
// loopback, of others to the interface that they came through.
func (v *evaluation) redirectAddr() netip.Addr {
	if v.q.Hook == "output" {
		if v.packet.Dst.Is6() {
			return netip.IPv6Loopback()
		}
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return v.q.InAddr
}

// addrOf is the address of two registers. It is invalid where there is none,
// and ok is false where it cannot be told, as where it is one of several.
func (v *evaluation) addrOf(low, high uint32) (a netip.Addr, ok bool) {
	if low == 0 {
		return a, true
	}
	n := 4
	if v.packet.Dst.Is6() {
		n = 16
	}
	p, _ := v.regs.load(low, n)
	if high != 0 {
		end, _ := v.regs.load(high, n)
		if !end.whole() || !bytes.Equal(p.data, end.data) {
			return a, false
		}
	}
	if !p.whole() {
		return a, false
	}
	a, _ = netip.AddrFromSlice(p.data)
	return a, true
}

// xtTranslates reads the targets of iptables: of IPv4 and revision 0 struct
// nf_nat_ipv4_multi_range_compat (u32 count, u32 flags, be32 lowest and
// highest address, be16 lowest and highest port), else struct nf_nat_range or
// nf_nat_range2 (u32 flags, two addresses of 16 bytes, two be16 ports).
func (v *evaluation) xtTranslates(e *inspect.NFExpr) {
	const withAddr, withPort, netmap = 1, 2, 64
	b, v6 := e.Info, v.packet.Dst.Is6()
	t := &translation{rule: v.r, source: e.Extension == "SNAT" || e.Extension == "MASQUERADE"}
	var flags uint32
	var low, high netip.Addr
	var ports []byte
	switch {
	case e.Revision == 0 && !v6 && len(b) >= 20:
		flags, ports = hostNumber(b[4:]), b[16:20]
		low, high = netip.AddrFrom4([4]byte(b[8:12])), netip.AddrFrom4([4]byte(b[12:16]))
	case (e.Revision > 0 || v6) && len(b) >= 40:
		flags, ports = hostNumber(b), b[36:40]
		low, high = natAddr(b[4:20], v6), natAddr(b[20:36], v6)
	default:
		v.end(Unknown, "its target "+e.Extension+" is not understood")
		return
	}
	switch e.Extension {
	case "MASQUERADE":
		t.word, t.addr = "masquerade", v.q.OutAddr
	case "REDIRECT":
		t.word, t.addr = "redirect", v.redirectAddr()
	case "SNAT", "DNAT":
		t.word = map[bool]string{true: "snat", false: "dnat"}[t.source]
		if flags&withAddr != 0 {
			t.addr = low
		}
	}
	if flags&netmap != 0 || flags&withAddr != 0 && low != high || !t.addr.IsValid() && t.word != "dnat" && t.word != "snat" {
		v.end(Unknown, "it is not known which address it translates to")
		return
	}
	if flags&withPort != 0 {
		t.port = binary.BigEndian.Uint16(ports)
		if !bytes.Equal(ports[:2], ports[2:]) {
			t.port, t.anyPort = 0, true
		}
	}
	v.done = &action{verdict: Accept, nat: t}
}

func natAddr(b []byte, v6 bool) netip.Addr {
	if v6 {
		return netip.AddrFrom16([16]byte(b))
	}
	return netip.AddrFrom4([4]byte(b[:4]))
}
