package render

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"strings"

	"github.com/expr-lang/expr/types"
)

// field is a JSON field of a struct as a filter sees it.
type field struct {
	name  string
	kind  types.Type
	value func(row reflect.Value) any // nil where the field is null
}

// fieldsOf returns the fields of a struct by their json tags, those of
// embedded structs among them.
func fieldsOf(t reflect.Type) []field {
	var fields []field
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || name == "-" || !f.IsExported() {
			continue
		}
		kind, convert := filterType(f.Type)
		fields = append(fields, field{name: name, kind: kind, value: func(row reflect.Value) any {
			v, err := row.FieldByIndexErr(f.Index)
			if err != nil { // in an embedded struct that is not there
				return nil
			}
			return convert(v)
		}})
	}
	return fields
}

// filterType returns the type that values of type t have in a filter and how
// they get it: text for what encodes as text, integers of one size, maps for
// structs, nil for nil pointers.
func filterType(t reflect.Type) (types.Type, func(reflect.Value) any) {
	if t.Kind() == reflect.Pointer {
		kind, convert := filterType(t.Elem())
		return kind, func(v reflect.Value) any {
			if v.IsNil() {
				return nil
			}
			return convert(v.Elem())
		}
	}
	if t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) {
		return types.String, textOf
	}
	switch t.Kind() {
	case reflect.String:
		return types.String, func(v reflect.Value) any { return v.String() }
	case reflect.Bool:
		return types.Bool, func(v reflect.Value) any { return v.Bool() }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return types.Int, func(v reflect.Value) any { return int(v.Int()) }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return types.Int, func(v reflect.Value) any { return int(min(v.Uint(), math.MaxInt)) }
	case reflect.Slice:
		return sliceType(t)
	case reflect.Struct:
		return structType(t)
	}
	return types.Any, func(v reflect.Value) any { return v.Interface() }
}

func textOf(v reflect.Value) any {
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return fmt.Sprint(v.Interface())
	}
	return string(text)
}

func sliceType(t reflect.Type) (types.Type, func(reflect.Value) any) {
	kind, convert := filterType(t.Elem())
	return types.Array(kind), func(v reflect.Value) any {
		list := make([]any, v.Len())
		for i := range list {
			list[i] = convert(v.Index(i))
		}
		return list
	}
}

func structType(t reflect.Type) (types.Type, func(reflect.Value) any) {
	fields := fieldsOf(t)
	kind := types.Map{}
	for _, f := range fields {
		kind[f.name] = f.kind
	}
	return kind, func(v reflect.Value) any {
		m := make(map[string]any, len(fields))
		for _, f := range fields {
			m[f.name] = f.value(v)
		}
		return m
	}
}
