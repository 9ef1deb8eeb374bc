package stage

// Code is what an operation does.
type Code uint64

// The operations. A and B are the first two operands; "jump" goes to the
// label of the operation.
const (
	Syscall   Code = iota // dst = system call; jump when it fails
	JumpEqual             // jump when A == B
	JumpLess              // jump when A < B, unsigned
	Add                   // dst = A + B
	Sub                   // dst = A - B
	And                   // dst = A & B
	Shl                   // dst = A << B
	Shr                   // dst = A >> B, unsigned
	Load                  // dst = the 64 bits at address A
	Store                 // the 64 bits at address A = B
	numCodes
)

// Cell is a 64-bit variable of a program; constants are cells as well.
type Cell int

// Label is a place in a program that can be jumped to.
type Label int

// Addr is an offset in the byte area of a program.
type Addr int

type op struct {
	code Code
	dst  Cell
	to   Label
	nr   uint64
	args [6]Cell
}

type cell struct {
	value uint64
	addr  bool // value is an offset in the byte area
}

// Program is a list of operations on cells and bytes, built by its methods.
// Jumps go to labels; a label is placed once.
type Program struct {
	ops      []op
	cells    []cell
	bytes    []byte
	pointers []pointer
	labels   []int // index of the operation; -1 while not placed
	consts   map[cell]Cell
	strings  map[string]Addr
	failures []failure
	fail     failVars
}

// pointer is a place in the byte area that holds the address of another.
type pointer struct{ at, to Addr }

// New returns an empty program.
func New() *Program {
	p := &Program{
		ops: make([]op, 0, 256), cells: make([]cell, 0, 256), bytes: make([]byte, 0, 16<<10),
		pointers: make([]pointer, 0, maxErrno+128), // most programs need no more
		consts:   make(map[cell]Cell, 128), strings: make(map[string]Addr, 32),
	}
	p.Const(0)
	p.fail = newFailVars(p)
	return p
}

// Zero is the constant 0.
const Zero Cell = 0

// Const returns the cell of a constant. It must not be written to.
func (p *Program) Const(v int64) Cell { return p.constant(cell{value: uint64(v)}) }

// Address returns a constant cell that holds the address of a.
func (p *Program) Address(a Addr) Cell { return p.constant(cell{value: uint64(a), addr: true}) }

func (p *Program) constant(k cell) Cell {
	if c, ok := p.consts[k]; ok {
		return c
	}
	p.cells = append(p.cells, k)
	p.consts[k] = Cell(len(p.cells) - 1)
	return p.consts[k]
}

// Var returns a new cell with the value v.
func (p *Program) Var(v int64) Cell {
	p.cells = append(p.cells, cell{value: uint64(v)})
	return Cell(len(p.cells) - 1)
}

// Bytes puts b into the byte area, aligned to 8.
func (p *Program) Bytes(b []byte) Addr {
	for len(p.bytes)%8 != 0 {
		p.bytes = append(p.bytes, 0)
	}
	a := Addr(len(p.bytes))
	p.bytes = append(p.bytes, b...)
	return a
}

// Buffer reserves n zero bytes.
func (p *Program) Buffer(n int) Addr { return p.Bytes(make([]byte, n)) }

// String returns a constant cell with the address of s, ended by a NUL.
func (p *Program) String(s string) Cell { return p.Address(p.cstring(s)) }

func (p *Program) cstring(s string) Addr {
	if a, ok := p.strings[s]; ok {
		return a
	}
	a := Addr(len(p.bytes))
	p.bytes = append(append(p.bytes, s...), 0)
	p.strings[s] = a
	return a
}

// Vector returns the address of an array of pointers to the strings, ended by
// a null pointer, as execve(2) takes it.
func (p *Program) Vector(list []string) Addr {
	vector := p.Buffer(8 * (len(list) + 1))
	for i, s := range list {
		p.pointers = append(p.pointers, pointer{vector + Addr(8*i), Addr(len(p.bytes))})
		p.bytes = append(append(p.bytes, s...), 0)
	}
	return vector
}

// NewLabel returns a label that is not placed yet.
func (p *Program) NewLabel() Label {
	p.labels = append(p.labels, -1)
	return Label(len(p.labels) - 1)
}

// Place puts the label before the next operation.
func (p *Program) Place(l Label) { p.labels[l] = len(p.ops) }

// Loop returns a label placed before the next operation.
func (p *Program) Loop() Label {
	l := p.NewLabel()
	p.Place(l)
	return l
}

// Len is the number of operations so far.
func (p *Program) Len() int { return len(p.ops) }
