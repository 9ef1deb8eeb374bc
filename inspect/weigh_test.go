package inspect

import (
	"bytes"
	"encoding/json"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// What a few bytes of a file can claim is refused before it is decoded.
func TestDecodeRefusesWhatTakesTooMuchMemory(t *testing.T) {
	const size = 40 << 20
	fill := func(before, unit, after string) string {
		return before + strings.Repeat(unit+",", size/(len(unit)+1)) + unit + after
	}
	for name, text := range map[string]string{
		"processes":   fill(`{"processes":[`, `{}`, `]}`),
		"expressions": fill(`{"networks":[{"ruleset":{"rules":[{"exprs":[`, `{}`, `]}]}}]}`),
		"interfaces":  fill(`{"networks":[{"interfaces":[`, `{}`, `]}]}`),
		"folded":      fill(`{"networks":[{"INTERFACES":[`, `{}`, `]}]}`),
		"escaped":     fill(`{"networks":[{"\u0069nterfaces":[`, `{}`, `]}]}`),
		"twice":       fill(`{"networks":[{"interfaces":[],"interfaces":[`, `{}`, `]}]}`),
		"ids":         fill(`{"census":{"steps":[{"found":[`, `""`, `]}]}}`),
		"words":       fill(`{"processes":[{"info":{"cmdline":[`, `""`, `]}}]}`),
		"pointers":    fill(`{"namespaces":[`, `{"id_map":{}}`, `]}`),
		"broken":      fill(`{"processes":[`, `{}`, `?`),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			_, err := Decode(strings.NewReader(text))
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), "memory") {
				t.Errorf("error %v", err)
			}
			// Reading the text itself takes some times its size.
			if took := after.TotalAlloc - before.TotalAlloc; took > 8*size {
				t.Errorf("%d bytes were allocated for a file of %d", took, size)
			}
		})
	}
}

func TestDecodeRefusesDeepNesting(t *testing.T) {
	_, err := Decode(strings.NewReader(`{"format":1,"later":` + strings.Repeat("[", 1<<20)))
	if err == nil || !strings.Contains(err.Error(), "nested too deeply") {
		t.Errorf("error %v", err)
	}
}

// The estimate is not below what decoding takes, and a real file is far from
// the limit.
func TestWeigh(t *testing.T) {
	text := []byte(encode(t, crowd(20000)))
	weight, err := weigh(text, reflect.TypeFor[Snapshot]())
	if err != nil || weight > maxWeight/10 {
		t.Errorf("20,000 processes weigh %d bytes, error %v", weight, err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var s Snapshot
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); weight < kept {
		t.Errorf("the facts take %d bytes and weigh %d", kept, weight)
	}
	runtime.KeepAlive(s)
}

// The scale understands all that the decoder does.
func FuzzWeigh(f *testing.F) {
	f.Add([]byte(encode(f, testHost())))
	f.Add([]byte(`{"a\"b":[1,-2.5e3,null,true,{"x":"\u00e9"}]}`))
	f.Add([]byte(`[[],{},""]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s := newScale()
		s.text = append(bytes.Clone(text), ' ')
		whole := s.value(reflect.TypeFor[Snapshot](), 0) && s.next() == 0
		if json.Valid(text) && !whole && s.err == nil {
			t.Errorf("%q is JSON and was not walked over: %q is left", text, s.text)
		}
		if s.weight < 0 {
			t.Errorf("%q weighs %d", text, s.weight)
		}
	})
}
