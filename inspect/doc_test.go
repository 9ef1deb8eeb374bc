package inspect

import (
	"os"
	"strings"
	"testing"
)

// TestModelDocument holds docs/model.md to the code: its example is a
// snapshot as Encode writes it, and it names every section and every fact.
func TestModelDocument(t *testing.T) {
	data, err := os.ReadFile("../docs/model.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	_, rest, _ := strings.Cut(text, "```json\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("there is no example")
	}
	s, err := Decode(strings.NewReader(example))
	if err != nil {
		t.Fatal(err)
	}
	if got := encode(t, s); got != example {
		t.Errorf("the example is not as Encode writes it:\n%s", got)
	}
	names := FactsAll.Names()
	for _, section := range sections() {
		names = append(names, section.name)
	}
	for _, name := range names {
		if !strings.Contains(text, "`"+name+"`") {
			t.Errorf("%q is not mentioned", name)
		}
	}
	if !strings.Contains(text, "128 MiB") || !strings.Contains(text, "256 MiB of memory") || MaxSize != 128<<20 || maxWeight != 256<<20 {
		t.Error("the limits are others")
	}
}
