package inspect

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
)

// maxWeight is how much memory the facts of a file may take, in bytes, as
// [weigh] estimates it. 20,000 processes with all facts take about a tenth.
const maxWeight = 256 << 20

// maxDepth is how deep the values of a file may be nested. Facts are nested
// half as deep.
const maxDepth = 32

var errTooDeep = errors.New("it is nested too deeply")

// weigh returns about how much memory encoding/json takes to decode text into
// a value of type t, without decoding it: "{}," is three bytes of a file and
// can be hundreds in memory. Text that is not JSON weighs as much as what was
// understood of it, and no more is read than until the limit is passed; text
// that is too deep has an error.
func weigh(text []byte, t reflect.Type) (int64, error) {
	s := newScale()
	s.text = text
	s.value(t, 0)
	return s.weight, s.err
}

// scale walks over JSON. It stops at what is not JSON, which is for the
// decoder to refuse, and where the limit is passed.
type scale struct {
	text   []byte // what is left
	weight int64
	err    error
	fields map[reflect.Type]map[string]reflect.Type
}

func newScale() scale { return scale{fields: map[reflect.Type]map[string]reflect.Type{}} }

// value walks over one value that is decoded into type t; nil is none.
func (s *scale) value(t reflect.Type, depth int) bool {
	if depth > maxDepth {
		s.err = errTooDeep
		return false
	}
	if s.weight > maxWeight {
		return false
	}
	first := s.next()
	if t != nil && t.Kind() == reflect.Pointer && first != 'n' {
		t = t.Elem()
		s.weight += int64(t.Size())
	}
	switch first {
	case 0:
		return false
	case '"':
		text, ok := s.str()
		if t != nil {
			s.weight += int64(len(text))
		}
		return ok
	case '[':
		return s.list(t, depth)
	case '{':
		return s.object(t, depth)
	}
	end := bytes.IndexAny(s.text, ",]} \t\r\n")
	if end <= 0 {
		return false
	}
	s.text = s.text[end:]
	return true
}

// next returns the first byte that is no blank, 0 at the end.
func (s *scale) next() byte {
	for i, c := range s.text {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			s.text = s.text[i:]
			return c
		}
	}
	s.text = nil
	return 0
}

// str takes a string, which it returns as it is written.
func (s *scale) str() ([]byte, bool) {
	for i := 1; i < len(s.text); i++ {
		switch s.text[i] {
		case '\\':
			i++
		case '"':
			text := s.text[1:i]
			s.text = s.text[i+1:]
			return text, true
		}
	}
	return nil, false
}

// more takes the comma or the end of a list or object.
func (s *scale) more(end byte) (again, ok bool) {
	c := s.next()
	if c != ',' && c != end {
		return false, false
	}
	s.text = s.text[1:]
	return c == ',', true
}

func (s *scale) list(t reflect.Type, depth int) bool {
	var elem reflect.Type
	size := int64(0)
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		elem = t.Elem()
		size = 2 * int64(elem.Size()) // slices grow by doubling
	}
	s.text = s.text[1:]
	if s.next() == ']' {
		s.text = s.text[1:]
		return true
	}
	for {
		s.weight += size
		if !s.value(elem, depth+1) {
			return false
		}
		if again, ok := s.more(']'); !again {
			return ok
		}
	}
}

// mapEntry is what an entry of a map takes beside key and value.
const mapEntry = 48

func (s *scale) object(t reflect.Type, depth int) bool {
	s.text = s.text[1:]
	if s.next() == '}' {
		s.text = s.text[1:]
		return true
	}
	for {
		if s.next() != '"' {
			return false
		}
		key, ok := s.str()
		if !ok || s.next() != ':' {
			return false
		}
		s.text = s.text[1:]
		if !s.value(s.member(t, key), depth+1) {
			return false
		}
		if again, ok := s.more('}'); !again {
			return ok
		}
	}
}

// member returns the type of a member of t.
func (s *scale) member(t reflect.Type, key []byte) reflect.Type {
	switch {
	case t == nil:
		return nil
	case t.Kind() == reflect.Map:
		s.weight += mapEntry + int64(len(key)) + 2*int64(t.Elem().Size())
		return t.Elem()
	case t.Kind() != reflect.Struct || isOpaque(t):
		s.weight += mapEntry // decoded by way of a map, as Links are
		return nil
	}
	if s.fields[t] == nil {
		s.fields[t] = fieldTypes(t)
	}
	if field, ok := s.fields[t][string(key)]; ok {
		return field
	}
	return foldedField(s.fields[t], key)
}

// foldedField finds a field as encoding/json does: without regard to case,
// and of a key with escapes.
func foldedField(fields map[string]reflect.Type, key []byte) reflect.Type {
	var name string
	if json.Unmarshal([]byte(`"`+string(key)+`"`), &name) != nil {
		return nil
	}
	for field, t := range fields {
		if strings.EqualFold(field, name) {
			return t
		}
	}
	return nil
}

func fieldTypes(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			name = f.Name
		}
		fields[name] = f.Type
	}
	return fields
}

// isOpaque reports whether a type decodes itself.
func isOpaque(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
