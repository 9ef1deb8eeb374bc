package render

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"sigs.k8s.io/yaml"
)

// FuzzDocument writes documents with two strings in all places as JSON and as
// YAML, and reads them back with others' readers.
func FuzzDocument(f *testing.F) {
	for _, s := range [][2]string{
		{"web1", "net:[4026531840]"},
		{"\x1b]0;pwn\x07", "\"];x["},
		{"true", "- a: b # c"},
		{"\u202ex\u200b\u2028\ufeff", "\U000e0001\U0001f600"},
		{"0x1f", "1e3"},
		{"null", "~"},
		{"\xff\xfe", "\\\n\r\t\x00\x7f\u0085\u009b"},
		{" lead", "trail "},
		{strings.Repeat("k", 2000), "<&>"},
		{"", "!!str"},
		{"=", "<<"},
		{"2026-01-02", "12:30:45"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		doc := map[string]any{
			a: b, "list": []any{a, []any{b, []any{}}, map[string]any{b: a, "x": map[string]any{}}, nil, true, 4026531840},
			"deep": map[string]any{a: map[string]any{b: []any{map[string]any{a: b}}}},
		}
		var want any
		plain, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(plain, &want); err != nil {
			t.Fatal(err)
		}
		for name, format := range map[string]struct {
			write func(*bytes.Buffer) error
			read  func([]byte, any) error
		}{
			"JSON": {func(w *bytes.Buffer) error { return WriteJSON(w, doc) }, json.Unmarshal},
			"YAML": {func(w *bytes.Buffer) error { return WriteYAML(w, doc) }, func(data []byte, v any) error { return yaml.Unmarshal(data, v) }},
		} {
			var out bytes.Buffer
			if err := format.write(&out); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !utf8.Valid(out.Bytes()) {
				t.Errorf("%s is not UTF-8: %q", name, out.Bytes())
			}
			for _, r := range out.String() {
				if r != '\n' && isHarmful(r) {
					t.Errorf("%s lets %U through: %q", name, r, out.Bytes())
				}
			}
			var got any
			if err := format.read(out.Bytes(), &got); err != nil {
				t.Fatalf("read %s: %v\n%s", name, err, out.Bytes())
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s reads back as %#v, want %#v:\n%s", name, got, want, out.Bytes())
			}
		}
	})
}

func TestYAML(t *testing.T) {
	doc := struct {
		Name  string         `json:"name"`
		None  *int           `json:"none"`
		Empty []int          `json:"empty"`
		Map   map[string]int `json:"map"`
		Rows  []any          `json:"rows"`
	}{"a b", nil, []int{}, map[string]int{}, []any{map[string]any{"a": 1, "b": []int{2, 3}}, []int{4}, "x"}}
	want := `name: "a b"
none: null
empty: []
map: {}
rows:
  - a: 1
    b:
      - 2
      - 3
  - - 4
  - x
`
	var out strings.Builder
	if err := WriteYAML(&out, doc); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}
