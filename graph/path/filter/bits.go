package filter

import (
	"bytes"
	"encoding/binary"
	"fmt"

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
}

func known(b []byte) partial { return partial{b, bytes.Repeat([]byte{0xff}, len(b))} }

func unknownBytes(n int) partial { return partial{make([]byte, n), make([]byte, n)} }

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
	return all
}

// less compares as memcmp does; maybe where not all of p is known.
func (p partial) compare(b []byte) (sign int, ok bool) {
	if !p.whole() || len(p.data) < len(b) {
		return 0, false
	}
	return bytes.Compare(p.data[:len(b)], b), true
}

// registers are those of nf_tables: 16 of four bytes, numbers 8 to 23; the
// numbers 1 to 4 are four of these together.
type registers struct {
	data, mask [64]byte
	// why says by register of four bytes why it is not known.
	why [16]string
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
		r.why[i] = why
	}
}

// load returns n bytes of a register, and why they are not all known.
func (r *registers) load(reg uint32, n int) (p partial, why string) {
	start, ok := at(reg)
	if !ok || n < 0 || start+n > len(r.data) {
		return unknownBytes(min(max(n, 0), len(r.data))), fmt.Sprintf("register %d is not understood", reg)
	}
	p = partial{bytes.Clone(r.data[start : start+n]), bytes.Clone(r.mask[start : start+n])}
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
