package stage

import (
	"encoding/binary"
	"slices"
	"syscall"
)

// Failure is what a program says and how it ends when a step does not work:
// "nsinspect: error: STEP: REASON", then "nsinspect: hint: HINT" where there
// is one for the errno, both on standard error.
type Failure struct {
	Step  string                   // what was tried: "join the net namespace"
	Exit  int                      // exit status; 0 means 125
	Hints map[syscall.Errno]string // something to type, by reason; may be nil
}

const (
	exitFailed  = 125
	errorPrefix = "nsinspect: error: "
	hintPrefix  = "nsinspect: hint: "
	maxErrno    = 134 // one more than EHWPOISON, the highest of asm-generic/errno.h
)

// failure is a block out of line that prints a Failure.
type failure struct {
	Failure
	at     Label
	result Cell
}

// failVars are what the blocks hand to the one printer at the end: the
// result, and the address of {address of the text, its length, exit status}.
type failVars struct {
	printer                     Label
	result, what, hint, hintLen Cell
}

func newFailVars(p *Program) failVars {
	return failVars{p.NewLabel(), p.Var(0), p.Var(0), p.Var(0), p.Var(0)}
}

// finish appends the failure blocks and the printer. It is done once, after
// the last operation of the user of the package.
func (p *Program) finish() {
	if p.labels[p.fail.printer] >= 0 {
		return
	}
	for _, f := range p.failures {
		p.failureBlock(f)
	}
	p.printer()
}

func (p *Program) failureBlock(f failure) {
	v := p.fail
	p.Place(f.at)
	p.Move(v.result, f.result)
	p.Move(v.what, p.Address(p.failureData(f.Failure)))
	for _, errno := range sortedErrnos(f.Hints) {
		hint := hintPrefix + f.Hints[errno] + "\n"
		yes, no := p.NewLabel(), p.NewLabel()
		p.JumpEqual(v.result, p.Const(-int64(errno)), yes)
		p.Jump(no)
		p.Place(yes)
		p.Move(v.hint, p.String(hint))
		p.Move(v.hintLen, p.Const(int64(len(hint))))
		p.Place(no)
	}
	p.Jump(v.printer)
}

// failureData is what failVars.what points to.
func (p *Program) failureData(f Failure) Addr {
	if f.Exit == 0 {
		f.Exit = exitFailed
	}
	text := errorPrefix + f.Step
	at := p.cstring(text)
	data := p.Buffer(24)
	p.pointers = append(p.pointers, pointer{data, at})
	binary.LittleEndian.PutUint64(p.bytes[data+8:], uint64(len(text)))
	binary.LittleEndian.PutUint64(p.bytes[data+16:], uint64(f.Exit))
	return data
}

func sortedErrnos(hints map[syscall.Errno]string) []syscall.Errno {
	var list []syscall.Errno
	for errno := range hints {
		list = append(list, errno)
	}
	slices.Sort(list)
	return list
}

// printer writes text, the errno's text and the hint at once, and exits.
func (p *Program) printer() {
	v, table := p.fail, p.errnoTable()
	p.Place(v.printer)
	errno := p.Compute(Sub, Zero, v.result)
	known := p.NewLabel()
	p.JumpLess(errno, p.Const(maxErrno), known)
	p.Move(errno, Zero)
	p.Place(known)
	entry := p.Compute(Shl, errno, p.Const(4))
	p.Set(entry, Add, entry, p.Address(table))

	iov := p.Buffer(3 * 16) // struct iovec {base, len}
	next := func(at Cell) Cell {
		p.Set(at, Add, at, p.Const(8))
		return p.Compute(Load, at, Zero)
	}
	p.Store(iov, p.Compute(Load, v.what, Zero))
	p.Store(iov+8, next(v.what))
	p.Store(iov+16, p.Compute(Load, entry, Zero))
	p.Store(iov+24, next(entry))
	p.Store(iov+32, v.hint)
	p.Store(iov+40, v.hintLen)
	p.Try(syscall.SYS_WRITEV, p.Const(2), p.Address(iov), p.Const(3))
	p.Exit(next(v.what))
}

// errnoTable holds address and length of ": text\n" for each errno. Number 0
// is the failure of a step that has no errno: its text is the step alone.
func (p *Program) errnoTable() Addr {
	table := p.Buffer(16 * maxErrno)
	for n := range maxErrno {
		start := len(p.bytes)
		if n > 0 {
			p.bytes = append(append(p.bytes, ": "...), syscall.Errno(n).Error()...)
		}
		p.bytes = append(p.bytes, '\n')
		p.pointers = append(p.pointers, pointer{table + Addr(16*n), Addr(start)})
		binary.LittleEndian.PutUint64(p.bytes[int(table)+16*n+8:], uint64(len(p.bytes)-start))
	}
	return table
}

// Exit ends the process with the status in c.
func (p *Program) Exit(c Cell) { p.Try(syscall.SYS_EXIT_GROUP, c) }
