package filter

import (
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
