package render

import (
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"
)

// Filter is a condition on rows of type R, written in the expression language
// of expr-lang.org over R's JSON fields, such as
//
//	type == "net" && nprocs > 3
//	container.name startsWith "web"
//
// It is checked against the fields' types when it is compiled. A comparison
// with a value that is not known (null in JSON) is false; "pid == nil" finds
// those.
type Filter[R any] struct {
	program *vm.Program
	fields  []field
}

// FilterError says what is wrong with a filter, and where.
type FilterError struct {
	Expr    string
	Message string
	Column  int // of Expr, from 0; -1 when unknown
	fields  []string
}

// Error returns the message without the place.
func (e *FilterError) Error() string { return "filter: " + e.Message }

// Detail shows the expression with a caret below the place, and what fields
// there are if one was not known.
func (e *FilterError) Detail() []string {
	var lines []string
	if e.Column >= 0 {
		runes := []rune(e.Expr)
		before := Width(Sanitize(string(runes[:min(e.Column, len(runes))])))
		lines = append(lines, Sanitize(e.Expr), strings.Repeat(" ", before)+"^")
	}
	if e.fields != nil {
		lines = append(lines, "fields: "+strings.Join(e.fields, ", "))
	}
	return lines
}

// Hint returns what to type instead.
func (e *FilterError) Hint() string {
	if strings.Contains(e.Message, `Operator("=")`) {
		return "write == to compare"
	}
	return ""
}

// filterBuiltins are the functions of the language that filters have. The
// others have names that fields have too, or no use on one row.
var filterBuiltins = []string{"all", "any", "filter", "len", "lower", "map", "none", "one", "split", "trim", "upper"}

// NewFilter compiles a condition on R, a struct with json tags. The error is
// a [*FilterError].
func NewFilter[R any](text string) (*Filter[R], error) {
	fields := fieldsOf(reflect.TypeFor[R]())
	env := types.Map{}
	for _, f := range fields {
		env[f.name] = f.kind
	}
	options := []expr.Option{expr.Env(env), expr.AsBool(), expr.DisableAllBuiltins(), expr.Patch(guard{})}
	for _, name := range filterBuiltins {
		options = append(options, expr.EnableBuiltin(name))
	}
	program, err := expr.Compile(text, options...)
	if err != nil {
		return nil, filterError(text, err, fields)
	}
	return &Filter[R]{program: program, fields: fields}, nil
}

// Keep returns the rows that meet the condition, in their order.
func (f *Filter[R]) Keep(rows []R) ([]R, error) {
	kept := []R{}
	env := make(map[string]any, len(f.fields))
	var machine vm.VM
	for i := range rows {
		row := reflect.ValueOf(&rows[i]).Elem()
		for _, field := range f.fields {
			env[field.name] = field.value(row)
		}
		ok, err := machine.Run(f.program, env)
		if err != nil {
			return nil, filterError(f.program.Source().String(), err, f.fields)
		}
		if ok == true {
			kept = append(kept, rows[i])
		}
	}
	return kept, nil
}

func filterError(text string, err error, fields []field) error {
	e := &FilterError{Expr: text, Message: err.Error(), Column: -1}
	var at *file.Error
	if errors.As(err, &at) {
		e.Message, e.Column = at.Message, at.Column
	}
	if strings.TrimSpace(text) == "" {
		e.Message, e.Column = "the expression is empty", -1
	}
	if strings.HasPrefix(e.Message, "unknown name") {
		for _, f := range fields {
			e.fields = append(e.fields, f.name)
		}
		slices.Sort(e.fields)
	}
	return e
}
