package stage

import "encoding/binary"

// Base is the address at which the program lies in the image; the machine
// starts with the operation there.
const Base = 0x40000000

// Numbers of elf(5).
const (
	elfIdent   = "\x7fELF\x02\x01\x01" // 64 bits, little endian, version 1
	elfExec    = 2
	elfHeader  = 64
	progEntry  = 56
	progLoad   = 1
	progStack  = 0x6474e551
	flagsRX    = 5
	flagsRW    = 6
	machineX86 = 62
	machineARM = 183

	codeBase  = 0x10000000
	segments  = 3
	codeStart = (elfHeader + segments*progEntry + 63) &^ 63
)

// arch is what differs between the images of architectures.
type arch struct {
	machine uint16
	page    uint64 // the largest page size, and so the alignment of segments
}

var (
	archAMD64 = arch{machineX86, 4096}
	archARM64 = arch{machineARM, 65536}
)

// segment is a program header: bytes of the file mapped at an address.
type segment struct {
	kind, flags             uint32
	off, addr, bytes, align uint64
}

// head is what comes before the program, of size bytes, in a static ELF
// executable: a segment with the machine, read and execute; a segment with the
// program, read and write; a stack that is not executable.
func (a arch) head(machine []byte, size int) []byte {
	out := make([]byte, a.page)
	le := binary.LittleEndian
	copy(out, elfIdent)
	le.PutUint16(out[16:], elfExec)
	le.PutUint16(out[18:], a.machine)
	le.PutUint32(out[20:], 1)
	le.PutUint64(out[24:], codeBase+codeStart) // entry
	le.PutUint64(out[32:], elfHeader)          // where the program headers are
	le.PutUint16(out[52:], elfHeader)
	le.PutUint16(out[54:], progEntry)
	le.PutUint16(out[56:], segments)
	for i, s := range [segments]segment{
		{progLoad, flagsRX, 0, codeBase, uint64(codeStart + len(machine)), a.page},
		{progLoad, flagsRW, a.page, Base, uint64(size), a.page},
		{progStack, flagsRW, 0, 0, 0, 16},
	} {
		h := out[elfHeader+progEntry*i:]
		le.PutUint32(h, s.kind)
		le.PutUint32(h[4:], s.flags)
		for n, v := range [6]uint64{s.off, s.addr, s.addr, s.bytes, s.bytes, s.align} {
			le.PutUint64(h[8+8*n:], v)
		}
	}
	copy(out[codeStart:], machine)
	return out
}
