//go:build amd64 || arm64

package stage

import (
	"bytes"
	"unsafe"
)

// Supported says whether this architecture has a machine.
const Supported = true

// machine is the interpreter in assembly. It is never called: its bytes are
// copied into an image, where it is the entry point.
//
//lint:ignore U1000 machineAddr, in assembly, takes its address
func machine()

// machineAddr returns where machine lies in our own text.
func machineAddr() uintptr

// machineEnd is what follows the last instruction of machine.
var machineEnd = [16]byte{0x4e, 0x53, 0x56, 0x4d, 0x0f, 0x0b, 0x0f, 0x0b, 0x0f, 0x0b, 0x0f, 0x0b, 0x45, 0x4e, 0x44, 0x21}

// machineCode returns the instructions of machine.
func machineCode() []byte {
	const most = 1024 // both machines have less than 400 bytes
	addr := machineAddr()
	text := unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), most)
	return text[:bytes.Index(text, machineEnd[:])]
}
