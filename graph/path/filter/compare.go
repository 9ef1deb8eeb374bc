package filter

import (
	"bytes"
	"fmt"
	"slices"

	"nsinspect/inspect"
)

// compare is cmp and range: memcmp of a register with a value.
func (v *evaluation) compare(e *inspect.NFExpr) (truth, string) {
	p, why := v.regs.load(e.Sreg, len(e.Data))
	if why == "" && !p.whole() {
		why = "what it compares is not known"
	}
	if len(e.Data) == 0 {
		return maybe, "it compares with nothing"
	}
	if e.Name == "range" {
		if len(e.To) != len(e.Data) {
			return maybe, "its range is not understood"
		}
		return p.in(e.Data, e.To).notIf(e.Op == "!="), why
	}
	switch e.Op {
	case "==", "!=":
		return p.equal(e.Data).notIf(e.Op == "!="), why
	}
	sign, ok := p.compare(e.Data)
	if !ok {
		return maybe, why
	}
	switch e.Op {
	case "<":
		return truthOf(sign < 0), ""
	case "<=":
		return truthOf(sign <= 0), ""
	case ">":
		return truthOf(sign > 0), ""
	case ">=":
		return truthOf(sign >= 0), ""
	}
	return maybe, fmt.Sprintf("operator %q is not understood", e.Op)
}

// The flags of sets, NFT_SET_* and NFT_SET_ELEM_*.
const (
	setInterval = 0x4
	setMap      = 0x8
	setConcat   = 0x80
	elementEnd  = 1
	elementAny  = 2
)

// lookup looks a register up in a set, and takes what a map has for it.
func (v *evaluation) lookup(e *inspect.NFExpr) (truth, string) {
	set := v.setOf(e.Set)
	if set == nil {
		return v.unknownLookup(e, fmt.Sprintf("set %s could not be read", e.Set))
	}
	p, why := v.regs.load(e.Sreg, int(set.KeyLen))
	if set.KeyLen == 0 || set.KeyLen > 64 {
		return v.unknownLookup(e, fmt.Sprintf("the keys of set %s are not understood", e.Set))
	}
	found, element := find(set, p)
	if found == no && set.Partial {
		found, why = maybe, fmt.Sprintf("set %s could not be read to the end", e.Set)
	}
	if why == "" {
		why = fmt.Sprintf("the types of set %s are not understood", e.Set)
	}
	if e.Flags&1 != 0 {
		return found.not(), why
	}
	if set.Flags&setMap == 0 || found == no {
		return found, why
	}
	if found == maybe {
		return v.unknownLookup(e, why)
	}
	switch {
	case element.Verdict != nil:
		v.verdict(element.Verdict)
	case e.Dreg != 0 && len(element.Data) > 0:
		v.regs.store(e.Dreg, known(element.Data), "")
	case set.DataType != 0:
		return v.unknownLookup(e, fmt.Sprintf("a value of map %s is not understood", e.Set))
	}
	return yes, ""
}

// unknownLookup is a look-up of which not even the value is known. Of verdicts
// any may come out.
func (v *evaluation) unknownLookup(e *inspect.NFExpr, why string) (truth, string) {
	set := v.setOf(e.Set)
	if set == nil || set.Flags&setMap != 0 && slices.ContainsFunc(set.Elements, func(x inspect.NFElement) bool { return x.Verdict != nil }) {
		if set == nil && e.Dreg == 0 && e.Flags&1 == 0 || set != nil {
			v.lose(v.r, why)
		}
	}
	v.regs.store(e.Dreg, unknownBytes(16), why)
	return maybe, why
}

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
