package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nsinspect/inspect"
	"nsinspect/render"
)

// output says how a view is shown. Every viewing command has its flags and
// writes through [output.write].
type output struct {
	app    *app
	kinds  []render.Kind
	format string
	color  string

	parsed render.Format
}

// flags adds -o and --color to cmd; kinds are the formats that it offers.
func (o *output) flags(cmd *cobra.Command, kinds []render.Kind) {
	o.kinds = kinds
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	f := cmd.Flags()
	f.StringVarP(&o.format, "output", "o", string(render.FormatTable), "`FORMAT`: "+strings.Join(names, ", "))
	f.StringVar(&o.color, "color", "auto", "`WHEN` to use colours: auto, always, never")
	completeFlag(cmd, "output", formatWords(kinds))
	completeFlag(cmd, "color", fixedWords("auto", "always", "never"))
}

// parse checks the flags. Commands call it before they read anything.
func (o *output) parse() (err error) {
	if o.parsed, err = render.ParseFormat(o.format, o.kinds); err != nil {
		return usageError("", "%w", err)
	}
	switch o.color {
	case "auto", "always", "never":
		return nil
	}
	return usageError("--color=never", "--color is auto, always or never, not %q", o.color)
}

// write writes v and tells what x lacks.
func (o *output) write(v render.View, x *inspect.Index) error {
	opts := o.app.renderOptions()
	opts.Color = o.color == "always" || o.color == "auto" && opts.Color
	if err := render.Write(o.app.stdout, v, o.parsed, opts); err != nil {
		return err
	}
	o.app.notePartial(x)
	return nil
}

// selection are the flags of commands that list rows.
type selection struct {
	columns    string
	sort       string
	filter     string
	noHeadings bool

	cmd *cobra.Command
}

// flags adds --columns, --sort, --filter and --no-headings to cmd.
func (s *selection) flags(cmd *cobra.Command) {
	s.cmd = cmd
	f := cmd.Flags()
	f.StringVar(&s.columns, "columns", "", "show these columns, as in ns,type; `+LIST` adds to the usual ones")
	f.StringVar(&s.sort, "sort", "", "sort by these `COLUMNS`; -NAME is descending")
	f.StringVar(&s.filter, "filter", "", "show only rows for which `EXPR` is true, as in 'type == \"net\" && nprocs > 3'")
	f.BoolVar(&s.noHeadings, "no-headings", false, "leave out the line of headings")
}

// rowQuery is what the flags of [selection] mean for rows of type R.
type rowQuery[R any] struct {
	columns render.Columns[R]
	order   func(a, b R) int  // nil: as they are
	filter  *render.Filter[R] // nil: all
	needs   inspect.Facts     // that columns, order, filter or document show
	must    inspect.Facts     // those of them that were asked for by name
}

// parseRows checks the flags of s against the columns that there are.
func parseRows[R any](s *selection, f render.Format, all render.Columns[R]) (q rowQuery[R], err error) {
	if !f.Text() && (s.columns != "" || s.noHeadings) {
		return q, usageError("", "--columns and --no-headings are for -o table and wide; -o %s has all fields", f.Kind)
	}
	if q.columns, err = all.Select(s.columns, f.Kind == render.FormatWide); err != nil {
		return q, usageError("", "%w", err)
	}
	if q.order, q.must, err = all.Order(s.sort); err != nil {
		return q, usageError("", "%w", err)
	}
	if s.columns != "" {
		q.must |= q.columns.Needs()
	}
	q.needs = q.columns.Needs() | q.must
	if f.Kind == render.FormatName {
		q.needs = q.must
	} else if !f.Text() {
		q.needs = all.Needs()
	}
	if s.cmd.Flags().Changed("filter") {
		q.needs = all.Needs()
		if q.filter, err = render.NewFilter[R](s.filter); err != nil {
			return q, usageError("nsinspect help filter", "%w", err)
		}
	}
	return q, nil
}

// apply drops what the filter excludes and sorts the rest.
func (q *rowQuery[R]) apply(rows []R) (_ []R, err error) {
	if q.filter != nil {
		if rows, err = q.filter.Keep(rows); err != nil {
			return nil, err
		}
	}
	if q.order != nil {
		slices.SortStableFunc(rows, q.order)
	}
	return rows, nil
}
