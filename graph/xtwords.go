package graph

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"nsinspect/inspect"
)

// negation is nft's sign that a condition is turned around.
func negation(inverted bool) string {
	if inverted {
		return "!= "
	}
	return ""
}

// cString is a name in a structure, which ends with a zero.
func cString(b []byte) string {
	name, _, _ := bytes.Cut(b, []byte{0})
	return string(name)
}

// flagWords are the words of the bits that are set, each after a space.
func flagWords(bits byte, words ...string) (text string) {
	for i, word := range words {
		if bits&(1<<i) != 0 {
			text += " " + word
		}
	}
	return text
}

// addrtypeText reads struct xt_addrtype_info_v1: u16 source, u16 dest, u32
// flags; a bit for each RTN_*.
func addrtypeText(b []byte) string {
	if len(b) < 8 {
		return ""
	}
	var out []string
	flags := binary.NativeEndian.Uint32(b[4:])
	for i, name := range []string{"saddr", "daddr"} {
		types := binary.NativeEndian.Uint16(b[2*i:])
		if types == 0 {
			continue
		}
		var words []string
		for n := range uint32(12) {
			if types&(1<<n) != 0 {
				words = append(words, routeTypeText(n))
			}
		}
		from := name
		switch {
		case flags&4 != 0:
			from += " . iif"
		case flags&8 != 0:
			from += " . oif"
		}
		op := ""
		if flags&(1<<i) != 0 {
			op = "!= "
		}
		out = append(out, "fib "+from+" type "+op+strings.Join(words, ","))
	}
	return strings.Join(out, " ")
}

// ctStates are the words of a state mask of xt_conntrack; "" where a bit is not
// known.
func ctStates(mask uint16) string {
	var words []string
	for _, s := range []struct {
		bit  uint16
		name string
	}{{1, "invalid"}, {8, "new"}, {4, "related"}, {2, "established"}, {1 << 6, "snat"}, {1 << 7, "dnat"}, {1 << 8, "untracked"}} {
		if mask&s.bit != 0 {
			words = append(words, s.name)
			mask &^= s.bit
		}
	}
	if mask != 0 {
		words = append(words, fmt.Sprintf("%#x", mask))
	}
	return strings.Join(words, ",")
}

// conntrackText reads struct xt_conntrack_mtinfo1 to 3: four addresses and
// masks of 16 bytes, u32 expiry from and to, at 136 u16 protocol and four
// ports, at 146 u16 what is asked, what is turned around, states, status; of
// revision 3 the upper ends of the ports.
func conntrackText(e *inspect.NFExpr, v6 bool) string {
	b := e.Info
	asked, inverted := binary.NativeEndian.Uint16(b[146:]), binary.NativeEndian.Uint16(b[148:])
	states, status := binary.NativeEndian.Uint16(b[150:]), b[152:154]
	if e.Revision == 1 {
		states, status = uint16(b[150]), []byte{b[151], 0}
	}
	var out []string
	say := func(bit int, what, value string) {
		if asked&(1<<bit) != 0 {
			out = append(out, "ct "+what+" "+negation(inverted&(1<<bit) != 0)+value)
		}
	}
	say(0, "state", ctStates(states))
	say(1, "protocol", protocolText(b[136:137]))
	for i, what := range []string{"original saddr", "original daddr", "reply saddr", "reply daddr"} {
		say(2+i, what, maskedText(b[32*i:32*i+32], v6))
	}
	say(6, "status", bitsText(status, []string{"expected", "seen-reply", "assured", "confirmed"}))
	say(7, "expiration", fmt.Sprintf("%d-%d", hostNumber(b[128:]), hostNumber(b[132:])))
	for i, what := range []string{"original proto-src", "original proto-dst", "reply proto-src", "reply proto-dst"} {
		low := binary.BigEndian.Uint16(b[138+2*i:])
		high := low
		if e.Revision == 3 && len(b) >= 156+2*i {
			low, high = binary.NativeEndian.Uint16(b[138+2*i:]), binary.NativeEndian.Uint16(b[154+2*i:])
		}
		say(8+i, what, portsText(low, high))
	}
	if asked&(1<<12) != 0 {
		out = append(out, "ct direction "+map[bool]string{true: "reply", false: "original"}[inverted&(1<<12) != 0])
	}
	return strings.Join(out, " ")
}

func portsText(low, high uint16) string {
	if low == high {
		return strconv.Itoa(int(low))
	}
	return fmt.Sprintf("%d-%d", low, high)
}

// maskedText is an address of 16 bytes and its mask.
func maskedText(b []byte, v6 bool) string {
	n := 4
	if v6 {
		n = 16
	}
	if bytes.Count(b[16:16+n], []byte{0xff}) == n {
		return xtAddr(b, v6).String()
	}
	return prefixText(b[:n], b[16:16+n])
}

// xtAddr is an address as extensions of iptables have it.
func xtAddr(b []byte, v6 bool) netip.Addr {
	if v6 {
		return netip.AddrFrom16([16]byte(b))
	}
	return netip.AddrFrom4([4]byte(b[:4]))
}

// markText reads struct xt_mark_mtinfo1 and xt_connmark_mtinfo1: u32 mark, u32
// mask, u8 inverted.
func markText(what string, b []byte) string {
	mark, mask := hostNumber(b), hostNumber(b[4:])
	if mask != ^uint32(0) {
		return fmt.Sprintf("%s & %#x %s %#x", what, mask, map[bool]string{true: "!=", false: "=="}[b[8] != 0], mark)
	}
	return fmt.Sprintf("%s %s%#x", what, negation(b[8] != 0), mark)
}

// limitText is a rate of struct xt_rateinfo: a second has 10000 of its units.
func limitText(avg, burst uint32) string {
	unit, name := uint64(10000), "second"
	for _, next := range []struct {
		times uint64
		name  string
	}{{60, "minute"}, {60, "hour"}, {24, "day"}} {
		if uint64(avg) <= unit {
			break
		}
		unit, name = unit*next.times, next.name
	}
	text := fmt.Sprintf("limit rate %d/%s", unit/max(uint64(avg), 1), name)
	if burst != 5 { // the usual one
		text += fmt.Sprintf(" burst %d packets", burst)
	}
	return text
}

// icmpText reads struct ipt_icmp and ip6t_icmp: u8 type, lowest and highest
// code, inverted. Type 255 of IPv4 is any.
func icmpText(e *inspect.NFExpr) string {
	b, name := e.Info, "icmp"
	if e.Extension == "icmp6" {
		name = "icmpv6"
	}
	if name == "icmp" && b[0] == 255 {
		return "icmp type any"
	}
	word := map[string]string{
		"icmp0": "echo-reply", "icmp3": "destination-unreachable", "icmp8": "echo-request", "icmp11": "time-exceeded",
		"icmpv61": "destination-unreachable", "icmpv62": "packet-too-big", "icmpv6128": "echo-request", "icmpv6129": "echo-reply",
		"icmpv6135": "nd-neighbor-solicit", "icmpv6136": "nd-neighbor-advert",
	}[name+strconv.Itoa(int(b[0]))]
	if word == "" {
		word = strconv.Itoa(int(b[0]))
	}
	text := name + " type " + negation(b[3]&1 != 0) + word
	if b[1] != 0 || b[2] != 255 {
		text += " code " + portsText(uint16(b[1]), uint16(b[2]))
	}
	return text
}

// iprangeText reads struct xt_iprange_mtinfo: lowest and highest source and
// destination, u8 flags: 1 source, 2 destination, 16 and 32 turn these around.
func iprangeText(b []byte, v6 bool) string {
	var out []string
	family := map[bool]string{true: "ip6", false: "ip"}[v6]
	for i, name := range []string{"saddr", "daddr"} {
		if b[64]&(1<<i) != 0 {
			out = append(out, fmt.Sprintf("%s %s %s%s-%s", family, name, negation(b[64]&(16<<i) != 0), xtAddr(b[32*i:], v6), xtAddr(b[32*i+16:], v6)))
		}
	}
	return strings.Join(out, " ")
}

// physdevText reads struct xt_physdev_info: name and mask of the port in, of
// the port out, u8 inverted, u8 asked: 1 in, 2 out, 4 bridged, 8 is in, 16 is out.
func physdevText(b []byte) string {
	text := "physdev"
	for i, what := range []string{"in " + strconv.Quote(cString(b[:16])), "out " + strconv.Quote(cString(b[32:48])), "is-bridged", "is-in", "is-out"} {
		if b[65]&(1<<i) == 0 {
			continue
		}
		if b[64]&(1<<i) != 0 {
			text += " !"
		}
		text += " " + what
	}
	return text
}

// ownerText reads struct xt_owner_match_info: u32 lowest and highest uid, gid,
// u8 asked: 1 uid, 2 gid, 4 has a socket, u8 inverted.
func ownerText(b []byte) string {
	var out []string
	for i, name := range []string{"meta skuid ", "meta skgid "} {
		if b[16]&(1<<i) != 0 {
			low, high := hostNumber(b[8*i:]), hostNumber(b[8*i+4:])
			text := strconv.FormatUint(uint64(low), 10)
			if high != low {
				text += fmt.Sprintf("-%d", high)
			}
			out = append(out, name+negation(b[17]&(1<<i) != 0)+text)
		}
	}
	if b[16]&4 != 0 {
		out = append(out, map[bool]string{true: "owner ! socket-exists", false: "owner socket-exists"}[b[17]&4 != 0])
	}
	return strings.Join(out, " ")
}

// tcpFlags are the words of the flags of TCP, RFC 9293.
func tcpFlags(b byte) string {
	if b == 0 {
		return "0x0"
	}
	return strings.ReplaceAll(strings.TrimSpace(flagWords(b, "fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")), " ", ",")
}

// xtPorts reads struct xt_tcp and xt_udp: u16 source ports, u16 destination
// ports, then for tcp an option and flags, and what is inverted.
func xtPorts(e *inspect.NFExpr) string {
	b := e.Info
	inverted := 11
	if e.Extension == "udp" {
		inverted = 8
	}
	if len(b) <= inverted || e.Extension == "tcp" && b[8] != 0 {
		return ""
	}
	var out []string
	for i, name := range []string{"sport", "dport"} {
		low, high := binary.NativeEndian.Uint16(b[4*i:]), binary.NativeEndian.Uint16(b[4*i+2:])
		if low == 0 && high == 0xffff {
			continue
		}
		text := strconv.Itoa(int(low))
		if high != low {
			text += "-" + strconv.Itoa(int(high))
		}
		op := ""
		if b[inverted]&(1<<i) != 0 {
			op = "!= "
		}
		out = append(out, e.Extension+" "+name+" "+op+text)
	}
	if e.Extension == "tcp" && b[9] != 0 {
		out = append(out, fmt.Sprintf("tcp flags %s%s / %s", negation(b[inverted]&4 != 0), tcpFlags(b[10]), tcpFlags(b[9])))
	}
	return strings.Join(out, " ")
}
