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

// failVars are what the blocks hand to the one printer at the end.
type failVars struct {
	printer                                    Label
	result, exit, text, textLen, hint, hintLen Cell
}

func newFailVars(p *Program) failVars {
	return failVars{p.NewLabel(), p.Var(0), p.Var(0), p.Var(0), p.Var(0), p.Var(0), p.Var(0)}
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
	v, text := p.fail, errorPrefix+f.Step
	if f.Exit == 0 {
		f.Exit = exitFailed
	}
	p.Place(f.at)
	p.Move(v.result, f.result)
	p.Move(v.exit, p.Const(int64(f.Exit)))
	p.Move(v.text, p.String(text))
	p.Move(v.textLen, p.Const(int64(len(text))))
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
	p.Store(iov, v.text)
	p.Store(iov+8, v.textLen)
	p.Store(iov+16, p.Compute(Load, entry, Zero))
	p.Set(entry, Add, entry, p.Const(8))
	p.Store(iov+24, p.Compute(Load, entry, Zero))
	p.Store(iov+32, v.hint)
	p.Store(iov+40, v.hintLen)
	p.Try(syscall.SYS_WRITEV, p.Const(2), p.Address(iov), p.Const(3))
	p.Exit(v.exit)
}

// errnoTable holds address and length of ": text\n" for each errno. Number 0
// is the failure of a step that has no errno: its text is the step alone.
func (p *Program) errnoTable() Addr {
	table := p.Buffer(16 * maxErrno)
	for n := range maxErrno {
		text := "\n"
		if n > 0 {
			text = ": " + syscall.Errno(n).Error() + "\n"
		}
		p.pointers = append(p.pointers, pointer{table + Addr(16*n), p.cstring(text)})
		binary.LittleEndian.PutUint64(p.bytes[int(table)+16*n+8:], uint64(len(text)))
	}
	return table
}

// Exit ends the process with the status in c.
func (p *Program) Exit(c Cell) { p.Try(syscall.SYS_EXIT_GROUP, c) }
