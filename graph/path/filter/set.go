package filter

import (
	"bytes"
	"slices"

	"nsinspect/inspect"
)

// The flags of sets, NFT_SET_* and NFT_SET_ELEM_*.
const (
	setInterval = 0x4
	setMap      = 0x8
	setConcat   = 0x80
	elementEnd  = 1
	elementAny  = 2
)

// setOf is the set of the rule's table with a name.
func (v *evaluation) setOf(name string) *inspect.NFSet {
	for i := range v.rs.Sets {
		s := &v.rs.Sets[i]
		if s.Name == name && s.Table == v.r.Table && s.Family == v.r.Family {
			return s
		}
	}
	return nil
}

// find looks for a key.
func find(set *inspect.NFSet, p partial) (truth, *inspect.NFElement) {
	var best truth
	var element, rest *inspect.NFElement
	switch {
	case set.Flags&setInterval != 0 && set.Flags&setConcat == 0:
		best, element = findInterval(set, p)
	default:
		fields, ok := keyFields(set)
		for i := range set.Elements {
			x := &set.Elements[i]
			if x.Flags&(elementAny|elementEnd) != 0 {
				continue
			}
			t := p.equal(x.Key)
			if len(x.KeyEnd) > 0 {
				t = within(p, x, fields, ok)
			}
			if t > best {
				best, element = t, x
			}
		}
	}
	for i := range set.Elements {
		if set.Elements[i].Flags&elementAny != 0 {
			rest = &set.Elements[i]
		}
	}
	if best == no && rest != nil {
		return yes, rest
	}
	if best == maybe && rest != nil && set.Flags&setMap == 0 {
		return yes, rest
	}
	return best, element
}

// findInterval looks for the interval of a key. Of one that is not all known,
// it is that of the lowest and the highest that it can be.
func findInterval(set *inspect.NFSet, p partial) (truth, *inspect.NFElement) {
	low, high := p.ends()
	at := floor(set, low)
	switch {
	case at != floor(set, high) || p.outside != nil && !p.whole():
		if p.outside != nil && apartFromAll(set, p) {
			return no, nil
		}
		return maybe, nil
	case at == nil || at.Flags&elementEnd != 0:
		return no, nil
	}
	return yes, at
}

// floor is the last boundary that is not above a key: each element begins an
// interval, or ends the one before.
func floor(set *inspect.NFSet, key []byte) (at *inspect.NFElement) {
	for i := range set.Elements {
		x := &set.Elements[i]
		if x.Flags&elementAny != 0 || len(x.Key) != len(key) || bytes.Compare(x.Key, key) > 0 {
			continue
		}
		c := 1
		if at != nil {
			c = bytes.Compare(x.Key, at.Key)
		}
		if c > 0 || c == 0 && x.Flags&elementEnd == 0 {
			at = x
		}
	}
	return at
}

// apartFromAll reports whether an address that is not known is in none of the
// intervals of a set.
func apartFromAll(set *inspect.NFSet, p partial) bool {
	for i := range set.Elements {
		x := &set.Elements[i]
		if x.Flags&(elementAny|elementEnd) != 0 {
			continue
		}
		var end *inspect.NFElement // the next boundary
		for k := range set.Elements {
			if y := &set.Elements[k]; bytes.Compare(y.Key, x.Key) > 0 && (end == nil || bytes.Compare(y.Key, end.Key) < 0) {
				end = y
			}
		}
		if end == nil || !p.apart(x.Key, before(end.Key)) {
			return false
		}
	}
	return true
}

// before is the number before a key that is not zero.
func before(key []byte) []byte {
	b := bytes.Clone(key)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]--; b[i] != 0xff {
			break
		}
	}
	return b
}

// keyFields are the lengths of the fields of a key, from the six bits that
// nft(8) has for the type of each.
func keyFields(set *inspect.NFSet) ([]int, bool) {
	lengths := map[uint32]int{
		2: 1, 7: 4, 8: 16, 9: 6, 10: 2, 12: 1, 13: 2, 14: 1, 15: 1, 16: 1, 19: 4, 20: 4, 21: 2, 22: 2, 26: 4, 41: 16,
	}
	var out []int
	total := 0
	for t := set.KeyType; t != 0; t >>= 6 {
		n := lengths[t&63]
		if n == 0 {
			return nil, false
		}
		out = append(out, n)
		total += (n + 3) &^ 3
	}
	slices.Reverse(out)
	return out, total == int(set.KeyLen) || len(out) == 1 && out[0] == int(set.KeyLen)
}

// within compares field by field with the ends of ranges.
func within(p partial, x *inspect.NFElement, fields []int, ok bool) truth {
	if !ok || len(x.Key) != len(p.data) || len(x.KeyEnd) != len(p.data) {
		return maybe
	}
	all, off := yes, 0
	for _, n := range fields {
		f := partial{data: p.data[off : off+n], mask: p.mask[off : off+n]}
		if low, high := x.Key[off:off+n], x.KeyEnd[off:off+n]; bytes.Equal(low, high) {
			all = all.and(f.equal(low))
		} else {
			all = all.and(f.in(low, high))
		}
		off += (n + 3) &^ 3
	}
	return all
}
