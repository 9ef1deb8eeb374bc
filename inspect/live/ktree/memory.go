package ktree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// window is how much one run of the program reads.
const window = 128

// memory reads the memory of the kernel through a program of type
// BPF_PROG_TYPE_SYSCALL, which runs when it is asked to and hooks nothing.
type memory struct {
	prog int // descriptor
	ctx  [16 + window]byte
}

// The context of the program: the address that is wanted, 0 for that of the
// running task; the result of the helper, or that address; the bytes.
const (
	ctxAddress = 0
	ctxResult  = 8
	ctxBytes   = 16
)

// loadAttr is the part of union bpf_attr for BPF_PROG_LOAD, see bpf(2) and
// linux/bpf.h.
type loadAttr struct {
	progType, count       uint32
	instructions, license uint64
	logLevel, logSize     uint32
	log                   uint64
	kernVersion, flags    uint32
	name                  [16]byte
}

// runAttr is the part for BPF_PROG_TEST_RUN.
type runAttr struct {
	prog, retval            uint32
	dataSizeIn, dataSizeOut uint32
	dataIn, dataOut         uint64
	repeat, duration        uint32
	ctxSizeIn, ctxSizeOut   uint32
	ctxIn, ctxOut           uint64
	runFlags, cpu, batch, _ uint32
}

const progTypeSyscall = 31 // BPF_PROG_TYPE_SYSCALL, Linux 5.14

func openMemory() (*memory, error) {
	code, license := encode(program()), []byte("Dual MIT/GPL\x00")
	attr := loadAttr{
		progType: progTypeSyscall, count: uint32(len(code) / instructionSize), flags: unix.BPF_F_SLEEPABLE,
		instructions: uint64(uintptr(unsafe.Pointer(&code[0]))), license: uint64(uintptr(unsafe.Pointer(&license[0]))),
	}
	copy(attr.name[:], "nsinspect_read")
	fd, err := bpf(unix.BPF_PROG_LOAD, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(code)
	runtime.KeepAlive(license)
	if err != nil {
		return nil, fmt.Errorf("load a BPF program: %w", err)
	}
	return &memory{prog: fd}, nil
}

// bpf is bpf(2). EAGAIN is the verifier that a signal interrupted.
func bpf(cmd int, attr unsafe.Pointer, size uintptr) (int, error) {
	for {
		r, _, errno := unix.Syscall(unix.SYS_BPF, uintptr(cmd), uintptr(attr), size)
		switch errno {
		case 0:
			return int(r), nil
		case unix.EINTR, unix.EAGAIN:
		default:
			return -1, errno
		}
	}
}

func (m *memory) close() { unix.Close(m.prog) }

var errFault = errors.New("no such address in the kernel")

// read returns the bytes at an address. They are good until the next read.
func (m *memory) read(address uint64) ([]byte, error) {
	if err := m.run(address); err != nil {
		return nil, err
	}
	if binary.NativeEndian.Uint64(m.ctx[ctxResult:]) != 0 {
		return nil, errFault
	}
	return m.ctx[ctxBytes:], nil
}

// task returns the address of the running task.
func (m *memory) task() (uint64, error) {
	err := m.run(0)
	return binary.NativeEndian.Uint64(m.ctx[ctxResult:]), err
}

// run runs the program, which leaves its answer in the context.
func (m *memory) run(address uint64) error {
	binary.NativeEndian.PutUint64(m.ctx[ctxAddress:], address)
	attr := runAttr{prog: uint32(m.prog), ctxSizeIn: uint32(len(m.ctx)), ctxIn: uint64(uintptr(unsafe.Pointer(&m.ctx)))}
	_, err := bpf(unix.BPF_PROG_TEST_RUN, unsafe.Pointer(&attr), unsafe.Sizeof(attr))
	runtime.KeepAlive(m)
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
