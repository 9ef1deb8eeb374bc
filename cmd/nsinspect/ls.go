package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// lsOptions are the flags of nsinspect ls.
type lsOptions struct {
	source
	output
	selection
	types  []string
	target string

	columns render.Columns[graph.Row]
	order   func(a, b graph.Row) int
	kinds   []inspect.Type
}

func newLs(a *app) *cobra.Command {
	o := lsOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "list namespaces, one a line",
		Args:  argCount(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.parse(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.source.flags(cmd)
	o.cmdlineFlag(cmd)
	o.output.flags(cmd, render.ListKinds)
	o.selection.flags(cmd)
	cmd.Flags().StringSliceVarP(&o.types, "type", "t", nil, "only namespaces of this `TYPE`; may be repeated")
	cmd.Flags().StringVarP(&o.target, "target", "p", "", "only the namespaces of `TARGET`")
	return cmd
}

// parse checks all flags before anything is read.
func (o *lsOptions) parse() error {
	if err := o.output.parse(); err != nil {
		return err
	}
	for _, name := range o.types {
		t, err := inspect.ParseType(name)
		if err != nil {
			return usageError("nsinspect ls -t net", "%w", err)
		}
		o.kinds = append(o.kinds, t)
	}
	all := render.NamespaceColumns()
	var err error
	if o.columns, err = all.Select(o.selection.columns, o.parsed.Kind == render.FormatWide); err != nil {
		return usageError("", "%w", err)
	}
	if o.order, err = all.Order(o.sort); err != nil {
		return usageError("", "%w", err)
	}
	return nil
}

func (o *lsOptions) run(ctx context.Context) error {
	x, err := o.index(ctx, need{facts: inspect.FactTasks | inspect.FactThreads | inspect.FactLeads | inspect.FactOwners})
	if err != nil {
		return err
	}
	rows := graph.Rows(x)
	if o.kinds != nil {
		rows = slices.DeleteFunc(rows, func(r graph.Row) bool { return !slices.Contains(o.kinds, r.Type) })
	}
	if o.target != "" {
		t, err := x.Resolve(o.target)
		if err != nil {
			return err
		}
		links, err := x.NamespacesOf(t)
		if err != nil {
			return err
		}
		rows = graph.Within(rows, links)
	}
	if o.order != nil {
		slices.SortStableFunc(rows, o.order)
	}
	return o.write(&render.List[graph.Row]{
		Rows: rows, Columns: o.columns, NoHeadings: o.noHeadings,
		Doc:    newLsDocument(rows, x),
		Target: func(r *graph.Row) string { return r.Target().String() },
	}, x)
}

// lsDocument is the JSON of nsinspect ls.
type lsDocument struct {
	Namespaces []graph.Row       `json:"namespaces"`
	Problems   []inspect.Problem `json:"problems"`
	Format     int               `json:"format"`
}

func newLsDocument(rows []graph.Row, x *inspect.Index) lsDocument {
	return lsDocument{
		Namespaces: slices.Concat([]graph.Row{}, rows),
		Problems:   slices.Concat([]inspect.Problem{}, x.Snapshot().Problems),
		Format:     1,
	}
}
