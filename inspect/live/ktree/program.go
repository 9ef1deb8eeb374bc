package ktree

import "encoding/binary"

// Registers, and codes of instructions, of linux/bpf.h and
// linux/bpf_common.h.
const (
	r0, r1, r2, r3, r6, r10 = 0, 1, 2, 3, 6, 10

	opMove     = 0xbf // BPF_ALU64 | BPF_MOV | BPF_X
	opMoveImm  = 0xb7 // BPF_ALU64 | BPF_MOV | BPF_K
	opAddImm   = 0x07 // BPF_ALU64 | BPF_ADD | BPF_K
	opLoad     = 0x79 // BPF_LDX | BPF_MEM | BPF_DW
	opStore    = 0x7b // BPF_STX | BPF_MEM | BPF_DW
	opJump     = 0x05 // BPF_JMP | BPF_JA
	opJumpZero = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
	opCall     = 0x85 // BPF_JMP | BPF_CALL
	opExit     = 0x95 // BPF_JMP | BPF_EXIT

	helperCurrentTask = 35  // bpf_get_current_task
	helperProbeRead   = 113 // bpf_probe_read_kernel
)

// instruction is struct bpf_insn.
type instruction struct {
	code     byte
	dst, src byte
	off      int16
	imm      int32
}

const instructionSize = 8

// program reads the window at an address to its stack, which is all that the
// helper may write to, and copies it from there to its context.
func program() []instruction {
	p := []instruction{
		{code: opMove, dst: r6, src: r1},
		{code: opLoad, dst: r3, src: r6, off: ctxAddress},
		{code: opJumpZero, dst: r3}, // to the task
		{code: opMove, dst: r1, src: r10},
		{code: opAddImm, dst: r1, imm: -window},
		{code: opMoveImm, dst: r2, imm: window},
		{code: opCall, imm: helperProbeRead},
	}
	for off := int16(0); off < window; off += 8 {
		p = append(p,
			instruction{code: opLoad, dst: r1, src: r10, off: off - window},
			instruction{code: opStore, dst: r6, src: r1, off: ctxBytes + off})
	}
	p = append(p, instruction{code: opJump, off: 1}) // over the task
	p[2].off = int16(len(p) - 3)
	return append(p,
		instruction{code: opCall, imm: helperCurrentTask},
		instruction{code: opStore, dst: r6, src: r0, off: ctxResult},
		instruction{code: opMoveImm, dst: r0, imm: 0},
		instruction{code: opExit},
	)
}

// encode writes instructions as the kernel reads them.
func encode(p []instruction) []byte {
	ne := binary.NativeEndian
	out := make([]byte, instructionSize*len(p))
	for n, in := range p {
		b := out[instructionSize*n:]
		b[0], b[1] = in.code, in.dst|in.src<<4
		if ne.Uint16([]byte{1, 0}) != 1 { // a big endian machine has its bit fields the other way
			b[1] = in.dst<<4 | in.src
		}
		ne.PutUint16(b[2:], uint16(in.off))
		ne.PutUint32(b[4:], uint32(in.imm))
	}
	return out
}
