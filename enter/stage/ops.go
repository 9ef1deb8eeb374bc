package stage

// SyscallTo runs a system call and jumps to l when it fails. The cell holds
// its result, a negative errno on failure.
func (p *Program) SyscallTo(l Label, nr uintptr, args ...Cell) Cell {
	o := op{code: Syscall, dst: p.Var(0), to: l, nr: uint64(nr)}
	copy(o.args[:], args)
	p.ops = append(p.ops, o)
	return o.dst
}

// Try runs a system call and goes on whether it fails or not.
func (p *Program) Try(nr uintptr, args ...Cell) Cell {
	next := p.NewLabel()
	dst := p.SyscallTo(next, nr, args...)
	p.Place(next)
	return dst
}

// Must runs a system call that ends the program with f when it fails.
func (p *Program) Must(f Failure, nr uintptr, args ...Cell) Cell {
	l := p.NewLabel()
	dst := p.SyscallTo(l, nr, args...)
	p.failures = append(p.failures, failure{Failure: f, at: l, result: dst})
	return dst
}

// Fail ends the program with f; result holds the negative errno.
func (p *Program) Fail(f Failure, result Cell) {
	l := p.NewLabel()
	p.Jump(l)
	p.failures = append(p.failures, failure{Failure: f, at: l, result: result})
}

// Compute returns a new cell with the result of one of Add to Load.
func (p *Program) Compute(code Code, a, b Cell) Cell {
	dst := p.Var(0)
	p.Set(dst, code, a, b)
	return dst
}

// Set writes the result of one of Add to Load to dst.
func (p *Program) Set(dst Cell, code Code, a, b Cell) {
	p.ops = append(p.ops, op{code: code, dst: dst, args: [6]Cell{a, b}})
}

// Move copies a cell.
func (p *Program) Move(dst, src Cell) { p.Set(dst, Add, src, Zero) }

// Load returns the 64 bits at the address.
func (p *Program) Load(a Addr) Cell { return p.Compute(Load, p.Address(a), Zero) }

// Store writes a cell to the address.
func (p *Program) Store(a Addr, v Cell) {
	p.ops = append(p.ops, op{code: Store, args: [6]Cell{p.Address(a), v}})
}

// JumpEqual jumps to l when a is b.
func (p *Program) JumpEqual(a, b Cell, l Label) { p.jump(JumpEqual, a, b, l) }

// JumpLess jumps to l when a is less than b, both unsigned.
func (p *Program) JumpLess(a, b Cell, l Label) { p.jump(JumpLess, a, b, l) }

// Jump jumps to l.
func (p *Program) Jump(l Label) { p.jump(JumpEqual, Zero, Zero, l) }

func (p *Program) jump(code Code, a, b Cell, l Label) {
	p.ops = append(p.ops, op{code: code, to: l, args: [6]Cell{a, b}})
}
