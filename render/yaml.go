package render

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"
)

// WriteYAML writes doc, by its json tags and in their order, as YAML.
//
// It is written here and not by a YAML library because those leave characters
// such as bidi controls as they are. Whatever is not a plain word is a
// double-quoted string, whose escapes are JSON's with \UXXXXXXXX for runes
// above U+FFFF. The tests read it back with a library.
func WriteYAML(w io.Writer, doc any) error {
	data, err := marshal(doc, "")
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	y := yamlWriter{dec: dec}
	if err := y.value(0, ""); err != nil {
		return err
	}
	_, err = w.Write(y.out)
	return err
}

// maxImplicitKey is the length from which on readers of YAML take a key only
// with a question mark before it; the standard says 1024 characters.
const maxImplicitKey = 1000

// yamlWriter turns the tokens of a JSON document into lines.
type yamlWriter struct {
	dec *json.Decoder
	out []byte
}

// value writes the next value. lead is what separates a scalar from what
// stands before it on the line; a collection's entries are indented by indent.
func (y *yamlWriter) value(indent int, lead string) error {
	tok, err := y.dec.Token()
	if err != nil {
		return err
	}
	switch tok := tok.(type) {
	case json.Delim:
		return y.collection(tok, indent, lead)
	case string:
		y.out = appendYAMLString(append(y.out, lead...), tok)
	case json.Number:
		y.out = append(append(y.out, lead...), tok...)
	case bool:
		y.out = append(append(y.out, lead...), map[bool]string{true: "true", false: "false"}[tok]...)
	case nil:
		y.out = append(append(y.out, lead...), "null"...)
	}
	y.out = append(y.out, '\n')
	return nil
}

func (y *yamlWriter) collection(open json.Delim, indent int, lead string) error {
	if !y.dec.More() {
		y.out = append(append(y.out, lead...), byte(open), byte(open)+2, '\n') // {} or []
		_, err := y.dec.Token()
		return err
	}
	// The first entry of a collection in a list stands on the dash's line.
	inList := bytes.HasSuffix(y.out, []byte("-"))
	if len(y.out) > 0 && !inList {
		y.out = append(y.out, '\n')
	}
	for first := true; y.dec.More(); first = false {
		if first && inList {
			y.out = append(y.out, ' ')
		} else {
			y.out = append(y.out, strings.Repeat(" ", indent)...)
		}
		if err := y.entry(open, indent); err != nil {
			return err
		}
	}
	_, err := y.dec.Token()
	return err
}

// entry writes "key: value" of a mapping or "- value" of a list.
func (y *yamlWriter) entry(open json.Delim, indent int) error {
	if open == '[' {
		y.out = append(y.out, '-')
		return y.value(indent+2, " ")
	}
	key, err := y.dec.Token()
	if err != nil {
		return err
	}
	text := appendYAMLString(nil, key.(string))
	if len(text) > maxImplicitKey {
		y.out = append(append(append(y.out, "? "...), text...), '\n')
		y.out = append(y.out, strings.Repeat(" ", indent)...)
		text = nil
	}
	y.out = append(append(y.out, text...), ':')
	return y.value(indent+2, " ")
}

// appendYAMLString appends s as a plain scalar where nothing could read it as
// anything but this string, else in double quotes.
func appendYAMLString(b []byte, s string) []byte {
	if isPlainYAML(s) {
		return append(b, s...)
	}
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case r > 0xffff && !isVisible(r):
			b = appendU(b, r, 8)
		case !isVisible(r):
			b = appendU(b, r, 4)
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}

// yamlWords are the plain scalars that are no strings in YAML 1.1 or 1.2.
const yamlWords = " null true false yes no on off y n "

func isPlainYAML(s string) bool {
	if s == "" || !isASCIILetter(s[0]) && s[0] != '/' && s[0] != '_' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !isASCIILetter(c) && (c < '0' || c > '9') && strings.IndexByte("_-./", c) < 0 {
			return false
		}
	}
	return !strings.Contains(yamlWords, " "+strings.ToLower(s)+" ")
}
