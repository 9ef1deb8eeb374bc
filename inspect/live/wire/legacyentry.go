package wire

import (
	"fmt"

	"nsinspect/inspect"
)

// xtEntry is one rule as the kernel has it: struct ipt_entry or ip6t_entry of
// linux/netfilter_ipv4/ip_tables.h and ip6_tables.h.
type xtEntry struct {
	off, size      int
	ip             xtIP
	matches        []xtPart
	target         string
	revision       uint8
	info           []byte
	packets, bytes uint64
}

// xtPart is a match: struct xt_entry_match.
type xtPart struct {
	name     string
	revision uint8
	info     []byte
}

// xtIP is struct ipt_ip or ip6t_ip6: what of the packet is compared.
type xtIP struct {
	src, dst, smask, dmask   []byte
	in, out, inMask, outMask []byte // of 16 bytes
	proto                    uint16
	flags, invert            uint8
}

// The bits of xtIP.flags: of IPv4 fragments and goto, of IPv6 protocol, type
// of service (which the kernel does not look at) and goto.
const (
	xtFragment  = 1
	xtGoto4     = 2
	xtProtocol6 = 1
	xtTOS6      = 2
	xtGoto6     = 4
)

// The bits of xtIP.invert, the same for both.
const (
	xtInvIn = 1 << iota
	xtInvOut
	xtInvTOS
	xtInvSrc
	xtInvDst
	xtInvFragment
	xtInvProtocol
)

// The targets that are the kernel's own.
const (
	xtStandard = ""
	xtError    = "ERROR"
)

// Verdicts of the standard target: that of linux/netfilter.h, negative and
// less one. XT_RETURN stands for NF_REPEAT. Others are offsets of entries.
const (
	xtDrop   = -1
	xtAccept = -2
	xtReturn = -5
)

// xtPartSize is that of struct xt_entry_match and xt_entry_target before
// their data: u16 size, char name[29], u8 revision.
const xtPartSize = 32

const ifnameLen = 16

// entrySize returns where in an entry the part begins that both families
// have: u32 nfcache, u16 target_offset, u16 next_offset, u32 comefrom, and
// where the counters are, which are the last before the matches.
func entrySize(f inspect.NFFamily) (common, counters int) {
	common = 84
	if f == inspect.NFIPv6 {
		common = 136
	}
	return common, alignC64(common + 12)
}

// parseEntry reads the entry at off.
func parseEntry(f inspect.NFFamily, blob []byte, off int) (e xtEntry, err error) {
	b := blob[off:]
	common, counters := entrySize(f)
	head := counters + 16
	if len(b) < head+xtPartSize {
		return e, fmt.Errorf("rule at %d has %d bytes: %w", off, len(b), errLayout)
	}
	target, next := int(native.Uint16(b[common+4:])), int(native.Uint16(b[common+6:]))
	if target < head || next < target+xtPartSize || next > len(b) {
		return e, fmt.Errorf("rule at %d has its target at %d and its end at %d: %w", off, target, next, errLayout)
	}
	e.off, e.size = off, next
	e.packets, e.bytes = native.Uint64(b[counters:]), native.Uint64(b[counters+8:])
	if e.ip, err = parseXtIP(f, b); err != nil {
		return e, fmt.Errorf("rule at %d: %w", off, err)
	}
	for at := head; at < target; {
		m, size, err := parsePart(b[at:target])
		if err != nil {
			return e, fmt.Errorf("match of rule at %d: %w", off, err)
		}
		e.matches = append(e.matches, m)
		at += size
	}
	t, _, err := parsePart(b[target:next])
	if err != nil {
		return e, fmt.Errorf("target of rule at %d: %w", off, err)
	}
	e.target, e.revision, e.info = t.name, t.revision, t.info
	if _, ok := e.verdict(); e.target == xtStandard && !ok {
		return e, fmt.Errorf("verdict of rule at %d: %w", off, errLayout)
	}
	return e, nil
}

// parsePart reads a match or a target. What it returns shares the memory of b.
func parsePart(b []byte) (p xtPart, size int, err error) {
	if len(b) < xtPartSize {
		return p, 0, fmt.Errorf("%d bytes: %w", len(b), errLayout)
	}
	if size = int(native.Uint16(b)); size < xtPartSize || size > len(b) {
		return p, 0, fmt.Errorf("%d of %d bytes: %w", size, len(b), errLayout)
	}
	return xtPart{cstring(b[2:31]), b[31], b[xtPartSize:size:size]}, size, nil
}

func parseXtIP(f inspect.NFFamily, b []byte) (ip xtIP, err error) {
	take := func(n int) []byte {
		out := b[:n:n]
		b = b[n:]
		return out
	}
	size := 4
	if f == inspect.NFIPv6 {
		size = 16
	}
	ip.src, ip.dst, ip.smask, ip.dmask = take(size), take(size), take(size), take(size)
	ip.in, ip.out, ip.inMask, ip.outMask = take(ifnameLen), take(ifnameLen), take(ifnameLen), take(ifnameLen)
	ip.proto = native.Uint16(take(2))
	known := uint8(xtFragment | xtGoto4)
	if f == inspect.NFIPv6 {
		take(1) // type of service
		known = xtProtocol6 | xtTOS6 | xtGoto6
	}
	ip.flags, ip.invert = b[0], b[1]
	if ip.flags&^known != 0 || ip.invert>>7 != 0 || ip.proto > 255 {
		return ip, fmt.Errorf("flags %#x and %#x, protocol %d are not known", ip.flags, ip.invert, ip.proto)
	}
	return ip, nil
}

// verdict is that of the standard target.
func (e *xtEntry) verdict() (int32, bool) {
	if e.target != xtStandard || len(e.info) < 4 {
		return 0, false
	}
	return int32(native.Uint32(e.info)), true
}

// bare reports whether the entry takes every packet.
func (e *xtEntry) bare() bool {
	p := &e.ip
	return len(e.matches) == 0 && p.proto == 0 && p.flags == 0 && p.invert == 0 &&
		zero(p.src, p.dst, p.smask, p.dmask, p.in, p.out, p.inMask, p.outMask)
}

// zero reports whether all bytes are zero.
func zero(list ...[]byte) bool {
	for _, b := range list {
		for _, x := range b {
			if x != 0 {
				return false
			}
		}
	}
	return true
}

// returns reports whether the entry is the end of a chain of the user.
func (e *xtEntry) returns() bool {
	v, ok := e.verdict()
	return ok && v == xtReturn && e.bare()
}
