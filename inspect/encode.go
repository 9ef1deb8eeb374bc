package inspect

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// Encode writes s as JSON with one line for each namespace, process and so
// on, and a newline at the end. Equal snapshots give equal bytes. What
// [Snapshot.Settle] would put right is put right in the output; a snapshot
// that [Decode] would refuse all the same is an error, and nothing is written.
//
// Text that is not valid UTF-8 has U+FFFD for each bad byte. Control
// characters are escaped, so that the file harms no terminal.
func Encode(w io.Writer, s *Snapshot) error {
	if s.check() != nil {
		s = s.clone()
		s.Settle()
		if err := s.check(); err != nil {
			return fmt.Errorf("write snapshot: %w", err)
		}
	}
	e := encoder{w: bufio.NewWriterSize(w, 1<<16), scale: newScale()}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	e.snapshot(reflect.ValueOf(s).Elem())
	if e.err == nil {
		e.err = e.w.Flush()
	}
	if e.err == nil && (e.size > MaxSize || e.scale.weight > maxWeight) {
		e.err = fmt.Errorf("%d MiB, or %d MiB in memory, are more than can be read again", e.size>>20, e.scale.weight>>20)
	}
	if e.err != nil {
		return fmt.Errorf("write snapshot: %w", e.err)
	}
	return nil
}

// encoder writes the sections of a snapshot piece by piece: the whole text of
// a large host is never in memory.
type encoder struct {
	w    *bufio.Writer
	buf  bytes.Buffer
	json *json.Encoder
	err  error

	size  int64
	scale scale
}

func (e *encoder) snapshot(v reflect.Value) {
	sep := "{"
	for _, f := range sections() {
		section := v.Field(f.index)
		if f.optional && section.IsZero() || f.optional && section.Kind() == reflect.Slice && section.Len() == 0 {
			continue
		}
		e.text(sep + `"` + f.name + `":`)
		sep = ",\n"
		if section.Kind() == reflect.Slice {
			e.list(section)
		} else {
			e.value(section)
		}
	}
	e.text("}\n")
}

// list writes one element a line.
func (e *encoder) list(v reflect.Value) {
	e.text("[")
	for i := range v.Len() {
		if i > 0 {
			e.text(",")
		}
		e.text("\n")
		e.value(v.Index(i))
	}
	e.text("]")
}

func (e *encoder) value(v reflect.Value) {
	if e.err != nil {
		return
	}
	e.buf.Reset()
	if e.err = e.json.Encode(v.Addr().Interface()); e.err == nil {
		text := escapeControls(bytes.TrimRight(e.buf.Bytes(), "\n"))
		e.size += int64(len(text))
		e.scale.text = text
		e.scale.weight += 2 * int64(v.Type().Size())
		e.scale.value(v.Type(), 1)
		_, e.err = e.w.Write(text)
	}
}

func (e *encoder) text(s string) {
	if e.err == nil {
		_, e.err = e.w.WriteString(s)
	}
}

// escapeControls escapes in JSON what encoding/json leaves as it is although
// a terminal acts on it: DEL, the C1 controls and the bidi controls. U+FFFD is
// escaped too, because encoding/json writes it so for a bad byte. All of them
// can only occur within strings.
func escapeControls(b []byte) []byte {
	if !bytes.ContainsFunc(b, isEscaped) {
		return b
	}
	out := make([]byte, 0, len(b)+64)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if isEscaped(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = append(out, b[:n]...)
		}
		b = b[n:]
	}
	return out
}

func isEscaped(r rune) bool {
	return r >= 0x7f && r <= 0x9f || r == 0x61c || r == 0x200e || r == 0x200f ||
		r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == utf8.RuneError
}

// section is a field of Snapshot as the file has it.
type section struct {
	name     string
	index    int
	optional bool // left out when empty
}

// sections lists the fields of Snapshot in the order of the file.
func sections() []section {
	t := reflect.TypeFor[Snapshot]()
	list := make([]section, t.NumField())
	for i := range list {
		name, option, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		list[i] = section{name: name, index: i, optional: option != ""}
	}
	return list
}
