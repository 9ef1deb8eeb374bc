package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"text/template"
)

// parseTemplate parses a template over the JSON document of a view. A field
// that does not exist is an error, not "<no value>".
func parseTemplate(text string) (*template.Template, error) {
	t, err := template.New("go-template").Option("missingkey=error").Funcs(template.FuncMap{
		"json": func(v any) (string, error) {
			data, err := marshal(v, "")
			return strings.TrimSuffix(string(escapeJSON(data)), "\n"), err
		},
	}).Parse(text)
	return t, templateError(err)
}

// executeTemplate writes the template's text for doc, with a newline at the
// end. Strings have passed [Sanitize] when the template sees them.
func executeTemplate(w io.Writer, t *template.Template, doc any) error {
	data, err := generic(doc)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return templateError(err)
	}
	if b.Len() > 0 && !bytes.HasSuffix(b.Bytes(), []byte("\n")) {
		b.WriteByte('\n')
	}
	_, err = w.Write(b.Bytes())
	return err
}

// templateError takes the package's own words off a template's error.
func templateError(err error) error {
	if err == nil {
		return nil
	}
	return errors.New(strings.TrimPrefix(err.Error(), "template: "))
}

// generic returns doc as its JSON reads: maps, slices, strings that are safe
// to show, integers, booleans and nil.
func generic(doc any) (any, error) {
	data, err := marshal(doc, "")
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return tame(v), nil
}

func tame(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = tame(e)
		}
	case []any:
		for i, e := range v {
			v[i] = tame(e)
		}
	case string:
		return Sanitize(v)
	case json.Number:
		return number(v)
	}
	return v
}

// number returns n as an int where it fits, so that templates can compare it.
func number(n json.Number) any {
	if i, err := strconv.Atoi(n.String()); err == nil {
		return i
	}
	if u, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
		return u
	}
	f, _ := n.Float64()
	return f
}
