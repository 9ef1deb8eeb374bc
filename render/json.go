package render

import (
	"bytes"
	"encoding/json"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// WriteJSON writes doc as indented JSON. Characters that a terminal would not
// show as themselves are written as \u escapes, which changes no value: bytes
// that are not UTF-8 are U+FFFD, as in all JSON of Go.
func WriteJSON(w io.Writer, doc any) error {
	data, err := marshal(doc, "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(escapeJSON(data))
	return err
}

func marshal(doc any, indent string) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(doc)
	return b.Bytes(), err
}

// escapeJSON escapes what [Sanitize] would. In JSON such characters occur
// only within strings.
func escapeJSON(data []byte) []byte {
	if !needsEscape(data) {
		return data
	}
	out := make([]byte, 0, len(data)+64)
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r < ' ' || isVisible(r):
			out = append(out, data[:n]...)
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			out = appendU(appendU(out, hi, 4), lo, 4)
		default:
			out = appendU(out, r, 4)
		}
		data = data[n:]
	}
	return out
}

func needsEscape(data []byte) bool {
	for _, c := range data {
		if c > '~' {
			return true
		}
	}
	return false
}

// appendU appends \u and four, or \U and eight, hexadecimal digits.
func appendU(b []byte, r rune, digits int) []byte {
	letter := byte('u')
	if digits == 8 {
		letter = 'U'
	}
	b = append(b, '\\', letter)
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		b = append(b, hexDigits[r>>shift&0xf])
	}
	return b
}
