package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// psOptions are the flags of nsinspect ps.
type psOptions struct {
	source
	output
	selection
	target string
	tree   bool

	list rowQuery[graph.ProcessRow] // what the flags of selection mean
}

const psLong = `List the processes inside a target: those in its pid namespace and in the ones
below, with their pids and user ids on the host and inside. A container in the
host's pid namespace has the processes in its cgroup instead, and a namespace
of another kind its members, each with its own inside.

An id that has no meaning inside is "unmapped"; inside it shows as 65534.`

const psExample = `  nsinspect ps web1                       the processes of a container
  nsinspect ps web1 --tree --cmdline      as a tree, with full command lines
  nsinspect ps net:[4026532299]           the members of a namespace
  nsinspect ps web1 -o json | jq '.processes[] | {pid, inside_pid}'
  nsinspect ps web1 --filter 'inside_uid == 0'`

func newPs(a *app) *cobra.Command {
	o := psOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:               "ps TARGET",
		Short:             "list the processes inside, with pids and uids of both sides",
		Long:              psLong,
		Example:           psExample,
		Args:              argCount(1, 1, "one TARGET"),
		RunE:              onTarget(&o.target, o.parse, o.run),
		ValidArgsFunction: o.completeTargets(1),
	}
	o.source.flags(cmd)
	o.cmdlineFlag(cmd)
	o.output.flags(cmd, render.ListKinds)
	o.selection.flags(cmd)
	cmd.Flags().BoolVar(&o.tree, "tree", false, "draw them below their parents")
	offerColumns(cmd, render.ProcessColumns)
	return cmd
}

func (o *psOptions) parse() (err error) {
	if err := o.output.parse(); err != nil {
		return err
	}
	if o.tree && o.sort != "" {
		return usageError("nsinspect ps --tree "+o.target, "--sort does not go with --tree")
	}
	o.list, err = parseRows(&o.selection, o.parsed, render.ProcessColumns())
	return err
}

func (o *psOptions) run(ctx context.Context) error {
	x, err := o.index(ctx, need{
		facts: inspect.FactTasks | o.list.must,
		also:  o.list.needs | inspect.FactProcesses | inspect.FactOwners | inspect.FactContainers | inspect.FactNames,
		focus: func(x *inspect.Index) []int {
			t, err := x.Resolve(o.target)
			if err != nil {
				return nil
			}
			return graph.InsideFocus(x, t)
		},
	})
	if err != nil {
		return err
	}
	t, err := x.Resolve(o.target)
	if err != nil {
		return err
	}
	if _, err := x.NamespacesOf(t); err != nil {
		return err
	}
	doc := graph.Inside(x, t)
	none := len(doc.Processes) == 0
	if doc.Processes, err = o.list.apply(doc.Processes); err != nil {
		return err
	}
	view := &render.List[graph.ProcessRow]{
		Rows: doc.Processes, Columns: o.list.columns, NoHeadings: o.noHeadings, Doc: doc,
		Target: func(r *graph.ProcessRow) string { return strconv.Itoa(r.PID) },
	}
	if o.tree {
		order, depths := graph.ProcessForest(doc.Processes)
		view.Depths = depths
		view.Rows = make([]graph.ProcessRow, len(order))
		for i, at := range order {
			view.Rows[i] = doc.Processes[at]
		}
	}
	if err := o.write(view, x); err != nil {
		return err
	}
	if none && len(o.output.app.notes) == 0 {
		o.output.app.notes = []string{fmt.Sprintf("no process is in %s", t)}
	}
	return nil
}
