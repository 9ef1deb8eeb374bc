package filter

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"

	"nsinspect/inspect"
)

// truth is yes, no or not known.
type truth uint8

const (
	no truth = iota
	maybe
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth { return yes - t }

func (t truth) and(o truth) truth { return min(t, o) }

func (t truth) or(o truth) truth { return max(t, o) }

// notIf turns t around where invert is set.
func (t truth) notIf(invert bool) truth {
	if invert {
		return t.not()
	}
	return t
}

// partial is bytes of which some bits are not known: those with a zero in mask.
type partial struct {
	data, mask []byte
	// outside: they are an address, or its first bytes, which is in none of
	// these networks.
	outside []netip.Prefix
}

func known(b []byte) partial { return partial{data: b, mask: bytes.Repeat([]byte{0xff}, len(b))} }

func unknownBytes(n int) partial { return partial{data: make([]byte, n), mask: make([]byte, n)} }

// between is a number of which the lowest and highest value are known, as far
// as these have bits in common.
func between(low, high uint16) partial {
	same := ^uint16(0) << bits.Len16(low^high)
	p := known16(low & same)
	binary.BigEndian.PutUint16(p.mask, same)
	return p
}

func known16(v uint16) partial { return known(binary.BigEndian.AppendUint16(nil, v)) }

func knownHost(v uint32) partial { return known(binary.NativeEndian.AppendUint32(nil, v)) }

// whole reports whether every bit is known.
func (p partial) whole() bool {
	for _, m := range p.mask {
		if m != 0xff {
			return false
		}
	}
	return true
}

// equal compares with bytes of the same length.
func (p partial) equal(b []byte) truth {
	all := yes
	for i := range b {
		if i >= len(p.data) {
			return maybe
		}
		if (p.data[i]^b[i])&p.mask[i] != 0 {
			return no
		}
		if p.mask[i] != 0xff {
			all = maybe
		}
	}
	if all == maybe && p.cannotBe(b) {
		return no
	}
	return all
}

// cannotBe reports whether all that equals b in the bits that are not known
// is in a network that p is not in.
func (p partial) cannotBe(b []byte) bool {
	size := 0
	for size < 8*len(b) && p.mask[size/8]&(0x80>>(size%8)) == 0 {
		size++
	}
	for _, n := range p.outside {
		first := n.Addr().AsSlice()
		if n.Bits() <= size && len(b) <= len(first) && sameBits(b, first, n.Bits()) {
			return true
		}
	}
	return false
}

// sameBits reports whether two addresses begin with the same bits.
func sameBits(a, b []byte, n int) bool {
	for i := range n {
		if (a[i/8]^b[i/8])&(0x80>>(i%8)) != 0 {
			return false
		}
	}
	return true
}

// apart reports whether all addresses from low to high are in a network that p
// is not in.
func (p partial) apart(low, high []byte) bool {
	a, ok := netip.AddrFromSlice(low)
	b, ok2 := netip.AddrFromSlice(high)
	return ok && ok2 && slices.ContainsFunc(p.outside, func(n netip.Prefix) bool { return n.Contains(a) && n.Contains(b) })
}

// compare compares as memcmp does. ok is false where the bits that are not
// known decide.
func (p partial) compare(b []byte) (sign int, ok bool) {
	if len(p.data) < len(b) {
		return 0, false
	}
	low, high := p.ends()
	sign = bytes.Compare(low[:len(b)], b)
	return sign, sign == bytes.Compare(high[:len(b)], b)
}

// in reports whether it is in a range.
func (p partial) in(low, high []byte) truth {
	n := len(low)
	if len(p.data) < n || len(high) != n {
		return maybe
	}
	least, most := p.ends()
	switch {
	case bytes.Compare(most[:n], low) < 0, bytes.Compare(least[:n], high) > 0, !p.whole() && p.apart(low, high):
		return no
	case bytes.Compare(least[:n], low) >= 0 && bytes.Compare(most[:n], high) <= 0:
		return yes
	}
	return maybe
}

// ends are the lowest and the highest that p can be.
func (p partial) ends() (low, high []byte) {
	low, high = bytes.Clone(p.data), bytes.Clone(p.data)
	for i, m := range p.mask {
		low[i] &= m
		high[i] |= ^m
	}
	return low, high
}

// registers are those of nf_tables: 16 of four bytes, numbers 8 to 23; the
// numbers 1 to 4 are four of these together.
type registers struct {
	data, mask [64]byte
	// why says by register of four bytes why it is not known.
	why [16]string
	// outside is by register of four bytes that of the partial that begins there.
	outside [16][]netip.Prefix
}

// at is the first byte of a register. ok is false for the verdict and for
// numbers that no kernel has.
func at(reg uint32) (offset int, ok bool) {
	switch {
	case reg >= 1 && reg <= 4:
		return int(reg-1) * 16, true
	case reg >= 8 && reg <= 23:
		return int(reg-8) * 4, true
	}
	return 0, false
}

// store puts p into a register. The rest of its last four bytes is zero, as
// the kernel has it.
func (r *registers) store(reg uint32, p partial, why string) {
	start, ok := at(reg)
	if !ok {
		return
	}
	n := min(len(p.data), len(r.data)-start)
	end := min(len(r.data), start+(n+3)&^3)
	for i := start; i < end; i++ {
		r.data[i], r.mask[i] = 0, 0xff
	}
	copy(r.data[start:], p.data[:n])
	copy(r.mask[start:], p.mask[:n])
	for i := start / 4; i < (end+3)/4; i++ {
		r.why[i], r.outside[i] = why, nil
	}
	if start < len(r.data) {
		r.outside[start/4] = p.outside
	}
}

// load returns n bytes of a register, and why they are not all known.
func (r *registers) load(reg uint32, n int) (p partial, why string) {
	start, ok := at(reg)
	if !ok || n < 0 || start+n > len(r.data) {
		return unknownBytes(min(max(n, 0), len(r.data))), fmt.Sprintf("register %d is not understood", reg)
	}
	p = partial{data: bytes.Clone(r.data[start : start+n]), mask: bytes.Clone(r.mask[start : start+n])}
	if n > 0 {
		p.outside = r.outside[start/4]
	}
	for i := start / 4; i < (start+n+3)/4; i++ {
		if r.why[i] != "" {
			why = r.why[i]
		}
	}
	return p, why
}

// forget makes all registers unknown.
func (r *registers) forget(why string) {
	*r = registers{}
	for i := range r.why {
		r.why[i] = why
	}
}

// nameBytes is the name of an interface as registers hold it.
func nameBytes(name string) partial {
	b := make([]byte, 16)
	copy(b[:15], name)
	return known(b)
}

func ifaceName(i *inspect.Interface) string {
	if i == nil {
		return ""
	}
	return i.Name
}
