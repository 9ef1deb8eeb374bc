package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// portsOptions are the flags of nsinspect ports.
type portsOptions struct {
	source
	output
	selection
	target string

	list rowQuery[graph.PortRow]
}

func newPorts(a *app) *cobra.Command {
	o := portsOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:   "ports [TARGET]",
		Short: "list listening sockets and published ports of all network namespaces",
		Long: `Ports lists who listens where, in all network namespaces: the process, its
container, the address and port that it is bound to, and the ports of the host
that are published for it. A published port at which nobody listens is listed too.`,
		Example: `  nsinspect ports
  nsinspect ports web1
  nsinspect ports --filter 'port == 80'`,
		Args:              argCount(0, 1, "one TARGET"),
		RunE:              onTarget(&o.target, o.parse, o.run),
		ValidArgsFunction: o.completeTargets(1),
	}
	o.source.flags(cmd)
	o.output.flags(cmd, render.ListKinds)
	o.selection.flags(cmd)
	offerColumns(cmd, render.PortColumns)
	return cmd
}

func (o *portsOptions) parse() (err error) {
	if err := o.output.parse(); err != nil {
		return err
	}
	o.list, err = parseRows(&o.selection, o.parsed, render.PortColumns())
	return err
}

func (o *portsOptions) run(ctx context.Context) error {
	x, err := o.index(ctx, need{facts: graphFacts | inspect.FactPorts, also: graphAlso | inspect.FactProcesses})
	if err != nil {
		return err
	}
	t := graph.NewTopology(x)
	rows := graph.Ports(x, t)
	if o.target != "" {
		keys, err := topologyKeys(x, t, o.target)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(keys, func(key string) bool { return t.Netns(key) != nil }) {
			return withHint(fmt.Errorf("%s is an interface: ports are those of a namespace", o.target), "nsinspect links %s", o.target)
		}
		rows = slices.DeleteFunc(rows, func(r graph.PortRow) bool { return !slices.Contains(keys, r.Netns) })
	}
	if rows, err = o.list.apply(rows); err != nil {
		return err
	}
	return o.write(&render.List[graph.PortRow]{
		Rows: rows, Columns: o.list.columns, NoHeadings: o.noHeadings,
		Target: func(r *graph.PortRow) string {
			if len(r.Processes) > 0 {
				return fmt.Sprint(r.Processes[0].PID)
			}
			return r.Netns
		},
		Doc: portsDocument{
			Ports: append([]graph.PortRow{}, rows...), Problems: append([]inspect.Problem{}, x.Snapshot().Problems...), Format: 1,
		},
	}, x)
}

// portsDocument is the JSON of nsinspect ports.
type portsDocument struct {
	Ports    []graph.PortRow   `json:"ports"`
	Problems []inspect.Problem `json:"problems"`
	Format   int               `json:"format"`
}
