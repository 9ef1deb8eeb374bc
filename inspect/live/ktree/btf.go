package ktree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// typeInfo is the kernel's description of its own types, see "BPF Type Format"
// of the kernel's documentation and linux/btf.h.
type typeInfo struct {
	types   []byte
	strings []byte
	starts  []uint32          // of each type in types, by its id less one
	structs map[string]uint32 // ids of those that were asked for
}

const kernelTypes = "/sys/kernel/btf/vmlinux"

// Kinds of types, BTF_KIND_*.
const (
	kindInt       = 1
	kindArray     = 3
	kindStruct    = 4
	kindUnion     = 5
	kindEnum      = 6
	kindFuncProto = 13
	kindVar       = 14
	kindDatasec   = 15
	kindDeclTag   = 17
	kindEnum64    = 19

	typeSize   = 12 // struct btf_type
	memberSize = 12 // struct btf_member
	headerSize = 24 // struct btf_header
	typesMagic = 0xeb9f
)

var errTypes = errors.New("not the type information that is known here")

// readTypes reads the kernel's types and notes the structs of these names.
func readTypes(names []string) (*typeInfo, error) {
	b, err := os.ReadFile(kernelTypes)
	if err != nil {
		return nil, err
	}
	t, err := parseTypes(b, names)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", kernelTypes, err)
	}
	return t, nil
}

// parseTypes takes a file apart: a header, the types one after the other,
// their names.
func parseTypes(b []byte, names []string) (*typeInfo, error) {
	ne := binary.NativeEndian
	if len(b) < headerSize || ne.Uint16(b) != typesMagic {
		return nil, errTypes
	}
	header := uint64(ne.Uint32(b[4:]))
	part := func(at int) ([]byte, bool) { // offset and length
		start := header + uint64(ne.Uint32(b[at:]))
		end := start + uint64(ne.Uint32(b[at+4:]))
		if end > uint64(len(b)) {
			return nil, false
		}
		return b[start:end], true
	}
	types, ok1 := part(8)
	strings, ok2 := part(16)
	if !ok1 || !ok2 {
		return nil, errTypes
	}
	t := &typeInfo{types: types, strings: strings, starts: make([]uint32, 0, len(types)/16), structs: map[string]uint32{}}
	for _, name := range names {
		t.structs[name] = 0
	}
	return t, t.index()
}

// index finds where each type begins.
func (t *typeInfo) index() error {
	for at := 0; at < len(t.types); {
		if at+typeSize > len(t.types) {
			return errTypes
		}
		more, ok := moreSize(t.kindOf(at), t.members(at))
		if !ok || at+typeSize+more > len(t.types) {
			return errTypes
		}
		t.starts = append(t.starts, uint32(at))
		if t.kindOf(at) == kindStruct {
			name := t.name(at)
			if id, wanted := t.structs[string(name)]; wanted && id == 0 {
				t.structs[string(name)] = uint32(len(t.starts))
			}
		}
		at += typeSize + more
	}
	return nil
}

// moreSize is how much follows a type's first words.
func moreSize(kind, members int) (int, bool) {
	switch kind {
	case kindInt, kindVar, kindDeclTag:
		return 4, true
	case kindArray:
		return 12, true
	case kindStruct, kindUnion, kindDatasec, kindEnum64:
		return members * memberSize, true
	case kindEnum, kindFuncProto:
		return members * 8, true
	}
	return 0, kind > 0 && kind < kindEnum64
}

func (t *typeInfo) word(at int) uint32 { return binary.NativeEndian.Uint32(t.types[at:]) }

func (t *typeInfo) kindOf(at int) int  { return int(t.word(at+4) >> 24 & 0x1f) }
func (t *typeInfo) members(at int) int { return int(t.word(at+4) & 0xffff) }

// name is the string whose offset is at a place.
func (t *typeInfo) name(at int) []byte {
	start := uint64(t.word(at))
	if start > uint64(len(t.strings)) {
		return nil
	}
	s := t.strings[start:]
	for n, c := range s {
		if c == 0 {
			return s[:n]
		}
	}
	return s
}

// offset is where in a struct a member is, in bytes, also one of structs and
// unions in it that have no name.
func (t *typeInfo) offset(name, member string) (uint64, bool) {
	bits, ok := t.find(t.structs[name], member, map[uint32]bool{})
	return bits / 8, ok
}

// find looks in one type. Those in seen have been looked at: a type that
// contains itself, as no compiler writes it, would have no end.
func (t *typeInfo) find(id uint32, member string, seen map[uint32]bool) (bits uint64, ok bool) {
	if id == 0 || uint64(id) > uint64(len(t.starts)) || seen[id] {
		return 0, false
	}
	seen[id] = true
	at := int(t.starts[id-1])
	if k := t.kindOf(at); k != kindStruct && k != kindUnion {
		return 0, false
	}
	fields := t.word(at+4)>>31 != 0 // the upper byte of an offset is a bit field's size
	for n := range t.members(at) {
		m := at + typeSize + n*memberSize
		off := uint64(t.word(m + 8))
		if fields {
			off &= 0xffffff
		}
		switch name := t.name(m); {
		case string(name) == member:
			return off, true
		case len(name) == 0:
			if inner, ok := t.find(t.word(m+4), member, seen); ok {
				return off + inner, true
			}
		}
	}
	return 0, false
}
