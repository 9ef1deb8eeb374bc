package render

import (
	"io"
	"strconv"

	"nsinspect/inspect"
)

// Kinds is the view of the kinds of namespaces.
type Kinds struct {
	Kinds    []KindRow         `json:"kinds"`
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}

// KindRow is one kind.
type KindRow struct {
	Type     string `json:"type"`
	Flag     string `json:"flag"`  // of clone(2)
	Since    string `json:"since"` // the Linux release that brought it
	Isolates string `json:"isolates"`
	Manual   string `json:"manual"`
	Here     int    `json:"here"` // how many were found
}

// Document returns the kinds.
func (v *Kinds) Document() any { return v }

// Targets returns nothing: a kind is no target.
func (v *Kinds) Targets() []string { return nil }

// Text writes one kind a line.
func (v *Kinds) Text(w io.Writer, _ bool, o Options) error {
	t := Table{Head: []Head{{Text: "KIND"}, {Text: "FLAG"}, {Text: "SINCE"}, {Text: "HERE", Right: true}, {Text: "MANUAL"}, {Text: "ISOLATES"}}}
	for _, k := range v.Kinds {
		t.Rows = append(t.Rows, []string{k.Type, k.Flag, k.Since, strconv.Itoa(k.Here), k.Manual, k.Isolates})
	}
	return t.Write(w, o)
}
