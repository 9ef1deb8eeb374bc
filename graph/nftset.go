package graph

import (
	"slices"
	"strings"

	"nsinspect/inspect"
)

// lookup writes a look-up in a set or a map: an anonymous one with what is in
// it.
func (w *ruleWriter) lookup(e *inspect.NFExpr, o operand) {
	set := w.set(e.Set)
	text := "@" + e.Set
	if set != nil && set.Flags&setAnonymous != 0 {
		text = w.setText(set, o)
	}
	switch {
	case set != nil && set.Flags&setMap != 0 && set.DataType == dataVerdict:
		w.say("%s vmap %s", o.text, text)
	case set != nil && set.Flags&setMap != 0:
		w.regs[register(e.Dreg)] = operand{text: o.text + " map " + text}
	case e.Flags&1 != 0: // NFT_LOOKUP_F_INV
		w.say("%s != %s", o.text, text)
	default:
		w.say("%s %s", o.text, text)
	}
}

// Bits of NFT_SET_*, and NFT_DATA_VERDICT, of linux/netfilter/nf_tables.h.
const (
	setAnonymous = 1
	setMap       = 8
	dataVerdict  = 0xffffff00
	elementEnd   = 1
	elementElse  = 2
)

func (w *ruleWriter) set(name string) *inspect.NFSet {
	if w.rs == nil {
		return nil
	}
	for i := range w.rs.Sets {
		if s := &w.rs.Sets[i]; s.Name == name && s.Table == w.r.Table && s.Family == w.r.Family {
			return s
		}
	}
	return nil
}

// setText writes the elements of a set. Of an interval the kernel lists the
// beginning and, as an element of its own, the first that is no longer in it.
func (w *ruleWriter) setText(s *inspect.NFSet, o operand) string {
	list := slices.Clone(s.Elements)
	slices.SortStableFunc(list, func(a, b inspect.NFElement) int { return slices.Compare(a.Key, b.Key) })
	var out []string
	for i := range list {
		e := &list[i]
		if e.Flags&elementEnd != 0 {
			continue
		}
		text := w.valueText(o, e.Key)
		if i+1 < len(list) && list[i+1].Flags&elementEnd != 0 {
			if last := before(list[i+1].Key); slices.Compare(last, e.Key) > 0 {
				text += "-" + w.valueText(o, last)
			}
		}
		if e.Flags&elementElse != 0 {
			text = "*"
		}
		if e.Verdict != nil {
			text += " : " + verdictText(e.Verdict)
		} else if e.Data != nil {
			text += " : " + hexText(e.Data)
		}
		out = append(out, text)
	}
	return "{ " + strings.Join(out, ", ") + " }"
}

// before is the number before n.
func before(n inspect.Bytes) inspect.Bytes {
	out := slices.Clone(n)
	for i := len(out) - 1; i >= 0; i-- {
		out[i]--
		if out[i] != 0xff {
			break
		}
	}
	return out
}
