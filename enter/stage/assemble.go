package stage

import (
	"encoding/binary"
	"fmt"
)

// Operation, as the machine reads it: ten 64-bit words, little endian.
//
//	0 code  1 dst*  2 jump*  3 system call  4..9 operand*
//
// dst and the operands are addresses of cells.
const (
	opSize   = 80
	cellSize = 8
)

// Assemble lays the program out for the address base: the operations, then
// the cells, then the bytes. A label that was jumped to and never placed is
// an error.
func (p *Program) Assemble(base uint64) ([]byte, error) {
	p.finish()
	var (
		cells = base + uint64(len(p.ops)*opSize)
		bytes = cells + uint64(len(p.cells)*cellSize)
		out   = make([]byte, 0, len(p.ops)*opSize+len(p.cells)*cellSize+len(p.bytes))
		le    = binary.LittleEndian
	)
	at := func(c Cell) uint64 { return cells + uint64(c)*cellSize }
	for i, o := range p.ops {
		var jump uint64
		if o.code <= JumpLess {
			if p.labels[o.to] < 0 {
				return nil, fmt.Errorf("assemble: operation %d jumps to a label that was never placed", i)
			}
			jump = base + uint64(p.labels[o.to]*opSize)
		}
		for _, word := range []uint64{uint64(o.code), at(o.dst), jump, o.nr} {
			out = le.AppendUint64(out, word)
		}
		for _, a := range o.args {
			out = le.AppendUint64(out, at(a))
		}
	}
	for _, c := range p.cells {
		if c.addr {
			c.value += bytes
		}
		out = le.AppendUint64(out, c.value)
	}
	start := len(out)
	out = append(out, p.bytes...)
	for _, ptr := range p.pointers {
		le.PutUint64(out[start+int(ptr.at):], bytes+uint64(ptr.to))
	}
	return out, nil
}
