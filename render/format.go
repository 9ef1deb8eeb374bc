package render

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/template"
)

// A View is what a command shows, in whatever format.
type View interface {
	// Document is what JSON, YAML and templates show: a value with json tags.
	Document() any
	// Targets are the words for -o name: each can be typed as a TARGET.
	Targets() []string
	// Text writes the view for people; wide asks for more columns.
	Text(w io.Writer, wide bool, o Options) error
}

// Format is an output format that the user asked for.
type Format struct {
	Kind     Kind
	template *template.Template
}

// Kind is a sort of output format, by the name it has on the command line.
type Kind string

// The formats.
const (
	FormatTable    Kind = "table"
	FormatWide     Kind = "wide"
	FormatJSON     Kind = "json"
	FormatYAML     Kind = "yaml"
	FormatName     Kind = "name"
	FormatTemplate Kind = "go-template"
)

// The formats that a view offers: one that lists things has all, one that
// describes a thing has no names and nothing wide.
var (
	ListKinds   = []Kind{FormatTable, FormatWide, FormatJSON, FormatYAML, FormatName, FormatTemplate}
	DetailKinds = []Kind{FormatTable, FormatJSON, FormatYAML, FormatTemplate}
)

// ParseFormat parses the value of -o, one of kinds. The template of
// go-template=TEXT is parsed too, so that a wrong one is known before the work
// begins.
func ParseFormat(s string, kinds []Kind) (Format, error) {
	name, text, hasText := strings.Cut(s, "=")
	kind := Kind(name)
	switch {
	case !slices.Contains(kinds, kind):
		return Format{}, fmt.Errorf("unknown output format %q (one of %s)", name, kindNames(kinds))
	case kind != FormatTemplate && hasText:
		return Format{}, fmt.Errorf("output format %q takes no value", name)
	case kind != FormatTemplate:
		return Format{Kind: kind}, nil
	case text == "":
		return Format{}, fmt.Errorf("output format go-template needs a template: go-template='{{.}}'")
	}
	t, err := parseTemplate(text)
	return Format{Kind: kind, template: t}, err
}

func kindNames(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
		if k == FormatTemplate {
			names[i] += "=TEMPLATE"
		}
	}
	return strings.Join(names, ", ")
}

// Text reports whether the format is for people, a table or a wide one.
func (f Format) Text() bool { return f.Kind == FormatTable || f.Kind == FormatWide || f.Kind == "" }

// Write writes v in format f.
func Write(w io.Writer, v View, f Format, o Options) error {
	switch f.Kind {
	case FormatJSON:
		return WriteJSON(w, v.Document())
	case FormatYAML:
		return WriteYAML(w, v.Document())
	case FormatTemplate:
		return executeTemplate(w, f.template, v.Document())
	case FormatName:
		for _, target := range v.Targets() {
			if _, err := fmt.Fprintln(w, Sanitize(target)); err != nil {
				return err
			}
		}
		return nil
	}
	return v.Text(w, f.Kind == FormatWide, o)
}
