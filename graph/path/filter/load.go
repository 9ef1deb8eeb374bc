package filter

import (
	"encoding/binary"

	"nsinspect/inspect"
)

func hostNumber(b []byte) uint32 {
	if len(b) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(b)
}

// load runs an expression that reads something into a register. It can end
// the rule: where there is nothing to read, it does not match.
func (v *evaluation) load(e *inspect.NFExpr) (truth, string) {
	if e.Name == "payload" && e.Sreg != 0 || e.Name == "exthdr" && e.Sreg != 0 {
		v.rewrite(e)
		return yes, ""
	}
	var p partial
	why, there := "", true
	switch e.Name {
	case "meta":
		p, why, there = v.meta(e.Key)
	case "ct":
		p, why, there = v.ct(e)
	case "fib":
		p, why = v.fib(e)
	case "payload":
		p, why, there = v.payload(e)
	case "exthdr":
		p, why, there = v.exthdr(e)
	default:
		p, why = unknownBytes(16), e.Name+" "+e.Key+" is not known"
		v.regs.store(e.Dreg, p, why)
		return maybe, why // it may also find nothing to read
	}
	if !there {
		return no, ""
	}
	v.regs.store(e.Dreg, p, why)
	return yes, ""
}

// compute is bitwise and byteorder.
func (v *evaluation) compute(e *inspect.NFExpr) {
	n := int(e.Len)
	p, why := v.regs.load(e.Sreg, n)
	switch {
	case e.Name == "bitwise" && e.Op == "" && len(e.Mask) == n && len(e.Data) == n:
		for i := range p.data {
			p.mask[i] |= ^e.Mask[i]
			p.data[i] = p.data[i]&e.Mask[i] ^ e.Data[i]
		}
		if p.whole() {
			why = ""
		}
	case e.Name == "bitwise" && (e.Op == "lshift" || e.Op == "rshift") && n == 4 && len(e.Data) == 4 && p.whole():
		x, by := hostNumber(p.data), hostNumber(e.Data)
		if e.Op == "lshift" {
			x <<= by
		} else {
			x >>= by
		}
		p = knownHost(x)
	case e.Name == "byteorder" && (n == 2 || n == 4) && binary.NativeEndian.Uint16([]byte{1, 0}) == 1:
		for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
			p.data[i], p.data[j] = p.data[j], p.data[i]
			p.mask[i], p.mask[j] = p.mask[j], p.mask[i]
		}
	case e.Name == "byteorder" && (n == 2 || n == 4):
	default:
		p, why = unknownBytes(min(max(n, 0), 64)), e.Name+" "+e.Op+" is not understood"
	}
	v.regs.store(e.Dreg, p, why)
}
