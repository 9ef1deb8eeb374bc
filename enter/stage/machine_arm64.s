#include "textflag.h"

// The machine: runs the program at Base. It is position independent, has no
// stack and keeps nothing but the operation's address (R19), so that a child
// of a bare clone(2) goes on where its parent was.
//
// An operation: 0 code, 8 dst*, 16 jump*, 24 system call, 32... operand*.
//
// func machine()
TEXT ·machine(SB), NOSPLIT|NOFRAME, $0-0
	MOVD $0x40000000, R19

loop:
	MOVD 0(R19), R9
	MOVD 8(R19), R10
	MOVD 32(R19), R11
	MOVD (R11), R0     // A
	MOVD 40(R19), R11
	MOVD (R11), R1     // B
	CBZ  R9, syscall
	CMP  $1, R9
	BEQ  jumpequal
	CMP  $2, R9
	BEQ  jumpless
	CMP  $3, R9
	BEQ  add
	CMP  $4, R9
	BEQ  sub
	CMP  $5, R9
	BEQ  and
	CMP  $6, R9
	BEQ  shl
	CMP  $7, R9
	BEQ  shr
	CMP  $8, R9
	BEQ  load
	CMP  $9, R9
	BEQ  store
	BRK  $1

syscall:
	MOVD 48(R19), R11
	MOVD (R11), R2
	MOVD 56(R19), R11
	MOVD (R11), R3
	MOVD 64(R19), R11
	MOVD (R11), R4
	MOVD 72(R19), R11
	MOVD (R11), R5
	MOVD 24(R19), R8
	SVC
	MOVD 8(R19), R10
	MOVD R0, (R10)
	MOVD $-4096, R9    // -4095 to -1 are errors
	CMP  R9, R0
	BHI  jump

next:
	ADD $80, R19
	B   loop

jump:
	MOVD 16(R19), R19
	B    loop

jumpequal:
	CMP R1, R0
	BEQ jump
	B   next

jumpless:
	CMP R1, R0
	BLO jump
	B   next

add:
	ADD R1, R0
	B   result

sub:
	SUB R1, R0
	B   result

and:
	AND R1, R0
	B   result

shl:
	LSL R1, R0
	B   result

shr:
	LSR R1, R0
	B   result

load:
	MOVD (R0), R0

result:
	MOVD R0, (R10)
	B    next

store:
	MOVD R1, (R0)
	B    next

	// machineEnd
	WORD $0x4d56534e
	WORD $0x0b0f0b0f
	WORD $0x0b0f0b0f
	WORD $0x21444e45

// func machineAddr() uintptr
TEXT ·machineAddr(SB), NOSPLIT, $0-8
	MOVD $·machine(SB), R0
	MOVD R0, ret+0(FP)
	RET
