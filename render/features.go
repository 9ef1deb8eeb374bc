package render

import (
	"io"
)

// Features is the view of what a kernel and a user can do.
type Features struct {
	Kernel   string    `json:"kernel"` // release
	UID      uint32    `json:"uid"`    // effective
	Features []Feature `json:"features"`
	Format   int       `json:"format"`
}

// Feature is something that the tool makes use of.
type Feature struct {
	Name      string `json:"name"`
	Use       string `json:"use"` // what it is good for
	Available bool   `json:"available"`
	Reason    string `json:"reason,omitempty"` // why not, or what else there is to know
	Since     string `json:"since,omitempty"`  // the Linux release that brought it
}

// Document returns the features.
func (v *Features) Document() any { return v }

// Targets returns nothing: a feature is no target.
func (v *Features) Targets() []string { return nil }

// Text writes one feature a line.
func (v *Features) Text(w io.Writer, _ bool, o Options) error {
	t := Table{Head: []Head{{Text: "FEATURE"}, {Text: "HERE"}, {Text: "SINCE"}, {Text: "USE"}, {Text: "NOTE"}}}
	for _, f := range v.Features {
		t.Rows = append(t.Rows, []string{f.Name, yesNo(f.Available), dash(f.Since), f.Use, dash(f.Reason)})
	}
	t.Style = func(row, column int) Style {
		switch {
		case column != 1:
			return Plain
		case v.Features[row].Available:
			return Good
		}
		return Warning
	}
	return t.Write(w, o)
}
