package ktree

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// window is how much one run of the program reads.
const window = 128

// memory reads the memory of the kernel through a program of type
// BPF_PROG_TYPE_SYSCALL, which runs when it is asked to and hooks nothing.
type memory struct {
	prog *ebpf.Program
	in   [16 + window]byte
	out  [16 + window]byte
}

// The context of the program: the address that is wanted, 0 for that of the
// running task; the result of the helper, or that address; the bytes.
const (
	ctxAddress = 0
	ctxResult  = 8
	ctxBytes   = 16
)

func openMemory() (*memory, error) {
	prog, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "nsinspect_read", Type: ebpf.Syscall, Flags: unix.BPF_F_SLEEPABLE, License: "Dual MIT/GPL",
		Instructions: program(),
	})
	if err != nil {
		return nil, fmt.Errorf("load a BPF program: %w", short(err))
	}
	return &memory{prog: prog}, nil
}

// program reads the window at an address to its stack, which is all that the
// helper may write to, and copies it from there to its context.
func program() asm.Instructions {
	p := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.LoadMem(asm.R3, asm.R6, ctxAddress, asm.DWord),
		asm.JEq.Imm(asm.R3, 0, "task"),
		asm.Mov.Reg(asm.R1, asm.R10),
		asm.Add.Imm(asm.R1, -window),
		asm.Mov.Imm(asm.R2, window),
		asm.FnProbeReadKernel.Call(),
	}
	for off := int16(0); off < window; off += 8 {
		p = append(p,
			asm.LoadMem(asm.R1, asm.R10, off-window, asm.DWord),
			asm.StoreMem(asm.R6, ctxBytes+off, asm.R1, asm.DWord))
	}
	return append(p,
		asm.Ja.Label("done"),
		asm.FnGetCurrentTask.Call().WithSymbol("task"),
		asm.StoreMem(asm.R6, ctxResult, asm.R0, asm.DWord).WithSymbol("done"),
		asm.Mov.Imm(asm.R0, 0),
		asm.Return(),
	)
}

// short leaves out the log of the verifier.
func short(err error) error {
	for _, known := range []error{unix.EPERM, unix.EACCES, ebpf.ErrNotSupported} {
		if errors.Is(err, known) {
			return known
		}
	}
	return err
}

func (m *memory) close() { m.prog.Close() }

var errFault = errors.New("no such address in the kernel")

// read returns the bytes at an address. They are good until the next read.
func (m *memory) read(address uint64) ([]byte, error) {
	if err := m.run(address); err != nil {
		return nil, err
	}
	if binary.NativeEndian.Uint64(m.out[ctxResult:]) != 0 {
		return nil, errFault
	}
	return m.out[ctxBytes:], nil
}

// task returns the address of the running task.
func (m *memory) task() (uint64, error) {
	err := m.run(0)
	return binary.NativeEndian.Uint64(m.out[ctxResult:]), err
}

func (m *memory) run(address uint64) error {
	binary.NativeEndian.PutUint64(m.in[ctxAddress:], address)
	_, err := m.prog.Run(&ebpf.RunOptions{Context: m.in[:], ContextOut: m.out[:]})
	if err != nil {
		return fmt.Errorf("run a BPF program: %w", err)
	}
	return nil
}

// pointer reads the pointer at an address.
func (m *memory) pointer(address uint64) (uint64, error) {
	b, err := m.read(address)
	if err != nil {
		return 0, err
	}
	return binary.NativeEndian.Uint64(b), nil
}
