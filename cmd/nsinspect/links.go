package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// linksOptions are the flags of nsinspect links.
type linksOptions struct {
	source
	output
	selection
	kinds  []string
	target string

	list rowQuery[graph.LinkRow]
}

func newLinks(a *app) *cobra.Command {
	o := linksOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:   "links [TARGET|INTERFACE]",
		Short: "list the interfaces of all network namespaces and where they lead",
		Long: `Links lists the interfaces of all network namespaces: PEER and WHERE say what the
other end of a veth is and in which namespace, or what a macvlan or a tunnel lies
on. A TARGET, or the name of an interface, narrows the list.

In JSON the keys are those of ip -j -d link where these exist.`,
		Example: `  nsinspect links
  nsinspect links veth0ff72e6     which container owns it
  nsinspect links web1            the interfaces of a container
  nsinspect links --kind bridge   all bridges`,
		Args:              argCount(0, 1, "one TARGET or interface"),
		RunE:              onTarget(&o.target, o.parse, o.run),
		ValidArgsFunction: o.completeTargets(1),
	}
	o.source.flags(cmd)
	o.output.flags(cmd, render.ListKinds)
	o.selection.flags(cmd)
	cmd.Flags().StringSliceVar(&o.kinds, "kind", nil, "only interfaces of this `KIND`, as in veth; may be repeated")
	offerColumns(cmd, render.LinkColumns)
	return cmd
}

func (o *linksOptions) parse() (err error) {
	if err := o.output.parse(); err != nil {
		return err
	}
	o.list, err = parseRows(&o.selection, o.parsed, render.LinkColumns())
	return err
}

func (o *linksOptions) run(ctx context.Context) error {
	x, err := o.index(ctx, need{facts: graphFacts, also: graphAlso &^ inspect.FactNetfilter})
	if err != nil {
		return err
	}
	t := graph.NewTopology(x)
	rows := graph.Links(t)
	if o.target != "" {
		keys, err := topologyKeys(x, t, o.target)
		if err != nil {
			return err
		}
		rows = slices.DeleteFunc(rows, func(r graph.LinkRow) bool {
			return !slices.Contains(keys, r.Netns) && !slices.Contains(keys, r.Key())
		})
	}
	if o.kinds != nil {
		rows = slices.DeleteFunc(rows, func(r graph.LinkRow) bool {
			return r.LinkInfo == nil || !slices.Contains(o.kinds, r.LinkInfo.Kind)
		})
	}
	if rows, err = o.list.apply(rows); err != nil {
		return err
	}
	return o.write(&render.List[graph.LinkRow]{
		Rows: rows, Columns: o.list.columns, NoHeadings: o.noHeadings,
		Target: func(r *graph.LinkRow) string { return r.IfName },
		Doc: linksDocument{
			Links: append([]graph.LinkRow{}, rows...), Problems: append([]inspect.Problem{}, x.Snapshot().Problems...), Format: 1,
		},
	}, x)
}

// linksDocument is the JSON of nsinspect links.
type linksDocument struct {
	Links    []graph.LinkRow   `json:"links"`
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}
