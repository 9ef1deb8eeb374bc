#include "textflag.h"

// The machine: runs the program at Base. It is position independent, has no
// stack and keeps nothing but the operation's address (R12), so that a child
// of a bare clone(2) goes on where its parent was.
//
// An operation: 0 code, 8 dst*, 16 jump*, 24 system call, 32... operand*.
//
// func machine()
TEXT ·machine(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ $0x40000000, R12

loop:
	MOVQ 0(R12), AX
	MOVQ 8(R12), R13
	MOVQ 32(R12), BX
	MOVQ (BX), DI      // A
	MOVQ 40(R12), BX
	MOVQ (BX), SI      // B
	CMPQ AX, $0
	JEQ  syscall
	CMPQ AX, $1
	JEQ  jumpequal
	CMPQ AX, $2
	JEQ  jumpless
	CMPQ AX, $3
	JEQ  add
	CMPQ AX, $4
	JEQ  sub
	CMPQ AX, $5
	JEQ  and
	CMPQ AX, $6
	JEQ  shl
	CMPQ AX, $7
	JEQ  shr
	CMPQ AX, $8
	JEQ  load
	CMPQ AX, $9
	JEQ  store
	INT  $3

syscall:
	MOVQ 48(R12), BX
	MOVQ (BX), DX
	MOVQ 56(R12), BX
	MOVQ (BX), R10
	MOVQ 64(R12), BX
	MOVQ (BX), R8
	MOVQ 72(R12), BX
	MOVQ (BX), R9
	MOVQ 24(R12), AX
	SYSCALL
	MOVQ AX, (R13)
	CMPQ AX, $-4096    // -4095 to -1 are errors
	JHI  jump

next:
	ADDQ $80, R12
	JMP  loop

jump:
	MOVQ 16(R12), R12
	JMP  loop

jumpequal:
	CMPQ DI, SI
	JEQ  jump
	JMP  next

jumpless:
	CMPQ DI, SI
	JCS  jump
	JMP  next

add:
	ADDQ SI, DI
	JMP  result

sub:
	SUBQ SI, DI
	JMP  result

and:
	ANDQ SI, DI
	JMP  result

shl:
	MOVQ SI, CX
	SHLQ CX, DI
	JMP  result

shr:
	MOVQ SI, CX
	SHRQ CX, DI
	JMP  result

load:
	MOVQ (DI), DI

result:
	MOVQ DI, (R13)
	JMP  next

store:
	MOVQ SI, (DI)
	JMP  next

	// machineEnd
	LONG $0x4d56534e
	LONG $0x0b0f0b0f
	LONG $0x0b0f0b0f
	LONG $0x21444e45

// func machineAddr() uintptr
TEXT ·machineAddr(SB), NOSPLIT, $0-8
	LEAQ ·machine(SB), AX
	MOVQ AX, ret+0(FP)
	RET
