package filter

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"nsinspect/inspect"
)

var native = binary.NativeEndian

// match is a match of iptables: Info is the kernel's structure. One that is
// not decoded may match.
func (v *evaluation) match(e *inspect.NFExpr) (truth, string) {
	t, why := v.xtMatch(e)
	if t == maybe && why == "" {
		why = xtReason(e.Extension)
	}
	return t, why
}

// xtReason says what a match depends on that no packet shows.
func xtReason(name string) string {
	switch name {
	case "limit", "hashlimit", "rateest":
		return "it depends on a rate"
	case "recent":
		return "it depends on how often the sender came lately"
	case "statistic":
		return "it depends on chance, or on a count"
	case "connlimit", "connbytes":
		return "it depends on other connections, or on how much went through this one"
	case "quota", "nfacct":
		return "it depends on a count"
	case "time":
		return "it depends on the time"
	case "set":
		return "the set of ipset(8) cannot be read"
	case "string", "u32", "bpf", "length", "tcpmss", "dscp", "tos", "ttl", "hl":
		return fmt.Sprintf("match %q looks at what is not known of the packet", name)
	case "policy":
		return "what IPsec does is not looked at"
	}
	return fmt.Sprintf("match %q is not understood", name)
}

func (v *evaluation) xtMatch(e *inspect.NFExpr) (truth, string) {
	b := e.Info
	has := func(n int) bool { return len(b) >= n }
	switch {
	case e.Extension == "comment":
		return yes, ""
	case e.Extension == "conntrack" && e.Revision >= 1 && e.Revision <= 3 && has(156):
		return v.xtConntrack(b, e.Revision)
	case e.Extension == "state" && has(4):
		bits, _ := stateBits(v.state())
		return truthOf(native.Uint32(b)&bits != 0), ""
	case e.Extension == "addrtype" && e.Revision == 1 && has(8):
		return v.xtAddrtype(b)
	case e.Extension == "tcp" && has(12):
		return v.xtTCP(b)
	case e.Extension == "udp" && has(9):
		return v.xtPortPairs(b, b[8], UDP)
	case e.Extension == "multiport" && e.Revision == 1 && has(48):
		return v.xtMultiport(b)
	case e.Extension == "iprange" && e.Revision == 1 && has(65):
		return v.xtIPRange(b)
	case e.Extension == "mark" && e.Revision == 1 && has(9):
		if v.packet.MarkUnknown {
			return maybe, "the mark is not known"
		}
		return truthOf(v.packet.Mark&native.Uint32(b[4:]) == native.Uint32(b)).notIf(b[8] != 0), ""
	case e.Extension == "connmark" && e.Revision == 1 && has(9):
		if v.conn.MarkUnknown {
			return maybe, "the mark of the connection is not known"
		}
		return truthOf(v.conn.Mark&native.Uint32(b[4:]) == native.Uint32(b)).notIf(b[8] != 0), ""
	case e.Extension == "physdev" && has(66):
		return v.xtPhysdev(b), ""
	case e.Extension == "owner" && has(18):
		return v.xtOwner(b)
	case (e.Extension == "icmp" || e.Extension == "icmp6") && has(4):
		return v.xtICMP(e.Extension, b)
	case e.Extension == "rt" || e.Extension == "frag" || e.Extension == "hbh" || e.Extension == "dst" || e.Extension == "mh":
		return no, "" // the packet has no such header
	case e.Extension == "recent" && has(10) && b[8]&2 != 0: // struct xt_recent_mtinfo: it only takes down who came
		return yes.notIf(b[9] != 0), ""
	case e.Extension == "rpfilter" && has(1):
		return v.xtRPFilter(b[0])
	case e.Extension == "pkttype" && has(8) && !v.packet.Dst.IsMulticast() && !v.q.Bridge:
		return truthOf(native.Uint32(b) == 0).notIf(native.Uint32(b[4:]) != 0), ""
	}
	return maybe, ""
}

// xtAddrtype reads struct xt_addrtype_info_v1: u16 source, u16 destination (a
// bit for each RTN_*), u32 flags: 1 and 2 turn them around, 4 and 8 limit
// them to the addresses of the interface.
func (v *evaluation) xtAddrtype(b []byte) (truth, string) {
	flags := native.Uint32(b[4:])
	dev := 0
	switch {
	case flags&4 != 0 && v.q.In != nil:
		dev = v.q.In.Index
	case flags&8 != 0 && v.q.Out != nil:
		dev = v.q.Out.Index
	}
	all := yes
	for i, a := range []netip.Addr{v.packet.Src, v.packet.Dst} {
		want := native.Uint16(b[2*i:])
		if want == 0 {
			continue
		}
		n, ok := v.routeType(a, dev)
		if !ok {
			all = all.and(maybe)
			continue
		}
		all = all.and(truthOf(want&(1<<n) != 0).notIf(flags&(1<<i) != 0))
	}
	return all, "the type of an address is not known"
}

// xtIPRange reads struct xt_iprange_mtinfo: lowest and highest source,
// lowest and highest destination of 16 bytes each, u8 flags: 1 source, 2
// destination, 16 and 32 turn these around.
func (v *evaluation) xtIPRange(b []byte) (truth, string) {
	n := 4
	if v.packet.Dst.Is6() {
		n = 16
	}
	all := yes
	for i, a := range []netip.Addr{v.packet.Src, v.packet.Dst} {
		if b[64]&(1<<i) == 0 {
			continue
		}
		unknown := []bool{v.packet.SrcUnknown, v.packet.DstUnknown}[i]
		in := v.addrBytes(a, unknown).in(b[32*i:32*i+n], b[32*i+16:32*i+16+n])
		all = all.and(in.notIf(b[64]&(16<<i) != 0))
	}
	return all, whyAddr
}

// xtPhysdev reads struct xt_physdev_info: name and mask of the port in, of
// the port out (16 bytes each), u8 inverted, u8 what is asked: 1 in, 2 out, 4
// bridged, 8 is in, 16 is out.
func (v *evaluation) xtPhysdev(b []byte) truth {
	const in, out, bridged, isIn, isOut = 1, 2, 4, 8, 16
	invert, ask := b[64], b[65]
	all := yes
	check := func(bit byte, t truth) {
		if ask&bit != 0 {
			all = all.and(t.notIf(invert&bit != 0))
		}
	}
	physOut := v.q.PhysOut
	if !v.q.Bridged {
		physOut = ""
	}
	check(bridged, truthOf(v.q.Bridged))
	check(isIn, truthOf(v.q.PhysIn != ""))
	check(isOut, truthOf(physOut != ""))
	check(in, maskedName(v.q.PhysIn, b[0:16], b[16:32]))
	check(out, maskedName(physOut, b[32:48], b[48:64]))
	return all
}

func maskedName(name string, want, mask []byte) truth {
	if name == "" {
		return no
	}
	have := nameBytes(name).data
	for i := range have {
		if (have[i]^want[i])&mask[i] != 0 {
			return no
		}
	}
	return yes
}

// xtOwner reads struct xt_owner_match_info: u32 lowest and highest uid, gid,
// u8 asked, u8 inverted: 1 uid, 2 gid, 4 has a socket. Packets that pass
// through have no socket.
func (v *evaluation) xtOwner(b []byte) (truth, string) {
	asked, invert := b[16], b[17]
	if v.q.Hook == "forward" || v.q.Hook == "prerouting" || v.q.In != nil {
		return truthOf(asked^invert == 0), ""
	}
	all := yes
	if asked&1 != 0 {
		t := maybe
		if uid := v.packet.UID; uid != nil {
			t = truthOf(native.Uint32(b) <= *uid && *uid <= native.Uint32(b[4:]))
		}
		all = all.and(t.notIf(invert&1 != 0))
	}
	if asked&2 != 0 {
		all = all.and(maybe)
	}
	if asked&4 != 0 {
		all = all.and(truthOf(invert&4 == 0))
	}
	return all, "it is not known who sends the packet"
}

// xtICMP reads struct ipt_icmp and ip6t_icmp: u8 type, lowest and highest
// code, inverted. Type 255 of IPv4 is any.
func (v *evaluation) xtICMP(name string, b []byte) (truth, string) {
	proto := uint8(ICMP)
	if name == "icmp6" {
		proto = ICMPv6
	}
	if v.packet.Proto != proto {
		return no, ""
	}
	k := &v.packet
	any4 := b[0] == 0xff && proto == ICMP
	return truthOf(any4 || b[0] == k.ICMPType && b[1] <= k.ICMPCode && k.ICMPCode <= b[2]).notIf(b[3]&1 != 0), ""
}

// xtRPFilter reads struct xt_rpfilter_info: u8 flags: 1 loose, 2 with the
// packet's mark, 4 accepts local sources, 8 turns it around. Loose takes a
// route through any interface.
func (v *evaluation) xtRPFilter(flags byte) (truth, string) {
	const loose, mark, local, invert = 1, 2, 4, 8
	if v.q.In != nil && v.q.In.Loopback() {
		return yes.notIf(flags&invert != 0), ""
	}
	n, known := v.routeType(v.packet.Src, 0)
	out, ok := v.route(v.packet.Src, v.packet.Dst, 0, flags&mark != 0)
	switch {
	case known && n == routeLocal && flags&local != 0 || !known || !ok:
		return maybe, fmt.Sprintf("the route to %s is not known", v.packet.Src)
	case out == nil:
		return no.notIf(flags&invert != 0), ""
	}
	return truthOf(flags&loose != 0 || v.q.In != nil && out.Index == v.q.In.Index).notIf(flags&invert != 0), ""
}
