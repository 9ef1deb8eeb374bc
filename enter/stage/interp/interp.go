// Package interp is the reference for the machine of package stage: it runs
// assembled programs in Go against a kernel of the caller's, so that tests
// can see which system calls a program makes without making them.
package interp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Call is a system call that a program makes.
type Call struct {
	Nr   uint64
	Args [6]uint64
}

// Kernel answers a system call; a negative errno is a failure. It may read
// and write the memory of the program. An error ends the run: [ErrEnd] for
// calls that do not return, such as exit_group(2).
type Kernel func(c Call, m *Memory) (int64, error)

// ErrEnd is what a Kernel returns for a call that ends the program.
var ErrEnd = errors.New("the program has ended")

// errLimit is returned when the program does not end.
var errLimit = errors.New("the program does not end")

const (
	opSize = 80
	limit  = 1 << 20 // operations
)

// Memory is the memory of a program.
type Memory struct {
	Base  uint64
	Bytes []byte
	err   error // the first access out of bounds
}

// Word returns the 64 bits at the address.
func (m *Memory) Word(addr uint64) uint64 {
	if b := m.slice(addr, 8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// SetWord writes 64 bits at the address.
func (m *Memory) SetWord(addr, v uint64) {
	if b := m.slice(addr, 8); b != nil {
		binary.LittleEndian.PutUint64(b, v)
	}
}

// Read returns n bytes at the address; nil when they are out of bounds.
func (m *Memory) Read(addr uint64, n int) []byte { return m.slice(addr, uint64(n)) }

// String returns the string at the address, up to its NUL.
func (m *Memory) String(addr uint64) string {
	for n := 0; ; n++ {
		b := m.slice(addr+uint64(n), 1)
		if b == nil || b[0] == 0 {
			return string(m.slice(addr, uint64(n)))
		}
	}
}

// Strings returns the strings of a vector that a null pointer ends.
func (m *Memory) Strings(addr uint64) []string {
	var list []string
	for ; m.err == nil && m.Word(addr) != 0; addr += 8 {
		list = append(list, m.String(m.Word(addr)))
	}
	return list
}

func (m *Memory) slice(addr, n uint64) []byte {
	if n == 0 {
		return nil
	}
	off := addr - m.Base
	if off > uint64(len(m.Bytes)) || n > uint64(len(m.Bytes))-off {
		if m.err == nil {
			m.err = fmt.Errorf("access of %d bytes at %#x is out of bounds", n, addr)
		}
		return nil
	}
	return m.Bytes[off : off+n : off+n]
}

// Run runs the program that was assembled for base until it ends. It returns
// an error when the program does what the machine could not: an unknown
// operation, an access out of bounds, no end.
func Run(program []byte, base uint64, kernel Kernel) error {
	m := &Memory{Base: base, Bytes: program}
	pc := base
	for range limit {
		next, err := step(m, pc, kernel)
		if errors.Is(err, ErrEnd) {
			return nil
		}
		if err == nil {
			err = m.err
		}
		if err != nil {
			return fmt.Errorf("operation %d: %w", (pc-base)/opSize, err)
		}
		pc = next
	}
	return errLimit
}

func step(m *Memory, pc uint64, kernel Kernel) (next uint64, err error) {
	word := func(n uint64) uint64 { return m.Word(pc + 8*n) }
	operand := func(n uint64) uint64 { return m.Word(word(4 + n)) }
	dst, a, b := word(1), operand(0), operand(1)
	jump, next := word(2), pc+opSize
	switch word(0) {
	case 0:
		c := Call{Nr: word(3)}
		for n := range c.Args {
			c.Args[n] = operand(uint64(n))
		}
		result, err := kernel(c, m)
		if err != nil {
			return 0, err
		}
		m.SetWord(dst, uint64(result))
		if result < 0 && result >= -4095 {
			next = jump
		}
	case 1:
		if a == b {
			next = jump
		}
	case 2:
		if a < b {
			next = jump
		}
	case 3:
		m.SetWord(dst, a+b)
	case 4:
		m.SetWord(dst, a-b)
	case 5:
		m.SetWord(dst, a&b)
	case 6:
		m.SetWord(dst, a<<(b&63))
	case 7:
		m.SetWord(dst, a>>(b&63))
	case 8:
		m.SetWord(dst, m.Word(a))
	case 9:
		m.SetWord(a, b)
	default:
		return 0, fmt.Errorf("unknown code %d", word(0))
	}
	return next, nil
}
