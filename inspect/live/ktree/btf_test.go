package ktree

import (
	"encoding/binary"
	"os"
	"testing"

	"github.com/cilium/ebpf/btf"

	"nsinspect/inspect/live/livetest"
)

// Offsets are those that another reader finds.
func TestOffsets(t *testing.T) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		livetest.Skip(t, kernelTypes+": "+err.Error())
	}
	names := []string{"task_struct", "cred", "nsproxy", "ns_common", "net", "mnt_namespace", "page", "sk_buff", "file", "no such"}
	types, err := readTypes(names)
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, name := range names {
		var s *btf.Struct
		if err := spec.TypeByName(name, &s); err != nil {
			if _, ok := types.offset(name, "ns"); ok {
				t.Errorf("struct %s is found, but there is none", name)
			}
			continue
		}
		for _, m := range s.Members {
			compared += compare(t, types, name, m, 0)
		}
	}
	if compared < 300 {
		t.Errorf("only %d members compared", compared)
	}
}

// compare compares a member, or those of a struct without name.
func compare(t *testing.T, types *typeInfo, name string, m btf.Member, base btf.Bits) (compared int) {
	t.Helper()
	if m.Name != "" {
		want := uint64(base+m.Offset) / 8
		if got, ok := types.offset(name, m.Name); !ok || got != want {
			t.Errorf("%s.%s is at %d (%v), want %d", name, m.Name, got, ok, want)
		}
		return 1
	}
	var inner []btf.Member
	switch s := m.Type.(type) {
	case *btf.Struct:
		inner = s.Members
	case *btf.Union:
		inner = s.Members
	}
	for _, n := range inner {
		compared += compare(t, types, name, n, base+m.Offset)
	}
	return compared
}

// FuzzTypes holds that no type information, however broken, is read beyond its
// end, and that what is found lies in a type that is there.
func FuzzTypes(f *testing.F) {
	if b, err := os.ReadFile(kernelTypes); err == nil && len(b) > 4096 {
		ne := binary.NativeEndian
		types := b[ne.Uint32(b[4:]):][:2400:2400]
		small := append(append([]byte{}, b[:headerSize]...), types...)
		ne.PutUint32(small[4:], headerSize)
		ne.PutUint32(small[8:], 0)
		ne.PutUint32(small[12:], uint32(len(types)))
		ne.PutUint32(small[16:], uint32(len(types)))
		ne.PutUint32(small[20:], 5)
		f.Add(append(small, "\x00net\x00"...), "net", "ns")
	}
	f.Add(nested(), "a", "b")
	f.Fuzz(func(t *testing.T, b []byte, name, member string) {
		types, err := parseTypes(b, []string{name})
		if err != nil {
			return
		}
		if _, ok := types.offset(name, member); ok && types.structs[name] == 0 {
			t.Errorf("%s.%s is found in no struct", name, member)
		}
	})
}

// nested is a struct a {struct {struct a; int b}} that contains itself.
func nested() []byte {
	ne := binary.NativeEndian
	var types []byte
	word := func(list ...uint32) {
		for _, w := range list {
			types = ne.AppendUint32(types, w)
		}
	}
	word(1, kindStruct<<24|1, 8, 0, 2, 0)           // a: a member without name, of type 2
	word(0, kindStruct<<24|2, 8, 0, 1, 0, 3, 0, 64) // a without name, b at 64
	const strings = "\x00a\x00b\x00"
	b := make([]byte, headerSize)
	ne.PutUint16(b, typesMagic)
	ne.PutUint32(b[4:], headerSize)
	ne.PutUint32(b[12:], uint32(len(types)))
	ne.PutUint32(b[16:], uint32(len(types)))
	ne.PutUint32(b[20:], uint32(len(strings)))
	return append(append(b, types...), strings...)
}

func TestNestedTypes(t *testing.T) {
	types, err := parseTypes(nested(), []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	if off, ok := types.offset("a", "b"); !ok || off != 8 {
		t.Errorf("a.b is at %d, %v; want 8", off, ok)
	}
	if _, ok := types.offset("a", "c"); ok {
		t.Error("a.c is found")
	}
	for cut := range nested() {
		if _, err := parseTypes(nested()[:cut], []string{"a"}); err == nil {
			t.Errorf("%d bytes of it are taken for whole", cut)
		}
	}
}
