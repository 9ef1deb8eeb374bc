package main

import (
	"context"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// treeOptions are the flags of nsinspect tree.
type treeOptions struct {
	source
	output
	types      []string
	pids       bool
	noHeadings bool

	target string
	kinds  []inspect.Type
}

func newTree(a *app) *cobra.Command {
	o := treeOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:   "tree [TARGET]",
		Short: "show user namespaces with what they own, or nested pid namespaces",
		Long: `Tree shows the user namespaces by parent, each with the namespaces of other
kinds that it owns. With --pid it shows the pid namespaces by parent instead,
with their processes and the pid of each at every level: 3037 → 1.

With TARGET it shows the namespaces that the target is in, what its own user
namespace owns, and what lies above these. See nsinspect help target.`,
		Args:              argCount(0, 1, "one TARGET"),
		RunE:              onTarget(&o.target, o.parse, o.run),
		ValidArgsFunction: o.completeTargets(1),
	}
	o.source.flags(cmd)
	o.output.flags(cmd, treeKinds)
	f := cmd.Flags()
	f.StringSliceVarP(&o.types, "type", "t", nil, "show what is owned of this `TYPE` only; may be repeated")
	f.BoolVar(&o.pids, "pid", false, "show pid namespaces with their processes")
	completeListFlag(cmd, "type", typeWords)
	f.BoolVar(&o.noHeadings, "no-headings", false, "leave out the line of headings")
	return cmd
}

// treeKinds are the formats of nsinspect tree.
var treeKinds = []render.Kind{
	render.FormatTable, render.FormatWide, render.FormatJSON, render.FormatYAML, render.FormatName, render.FormatTemplate,
}

func (o *treeOptions) parse() error {
	if err := o.output.parse(); err != nil {
		return err
	}
	kinds, err := parseTypes(o.types)
	if err != nil {
		return err
	}
	o.kinds = kinds
	if o.pids && len(kinds) > 0 {
		return usageError("nsinspect tree --pid", "--pid shows pid namespaces: it does not go with --type")
	}
	return nil
}

// parseTypes parses the values of -t.
func parseTypes(names []string) ([]inspect.Type, error) {
	var kinds []inspect.Type
	for _, name := range names {
		t, err := inspect.ParseType(name)
		if err != nil {
			return nil, usageError("nsinspect tree -t net", "%w", err)
		}
		kinds = append(kinds, t)
	}
	return kinds, nil
}

func (o *treeOptions) need() need {
	n := need{
		facts: inspect.FactTasks | inspect.FactOwners,
		also:  inspect.FactThreads | inspect.FactLeads | inspect.FactContainers | inspect.FactNames,
	}
	if o.pids {
		n.also |= inspect.FactProcesses
	}
	if o.parsed.Kind == render.FormatWide || !o.parsed.Text() {
		n.also |= inspect.FactIDMaps | inspect.FactHostnames | inspect.FactTimeOffsets
	}
	return n
}

func (o *treeOptions) run(ctx context.Context) error {
	x, err := o.index(ctx, o.need())
	if err != nil {
		return err
	}
	var target *inspect.Target
	if o.target != "" {
		t, err := x.Resolve(o.target)
		if err != nil {
			return err
		}
		if _, err := x.NamespacesOf(t); err != nil {
			return err
		}
		target = &t
	}
	if o.pids {
		tree := graph.PIDHierarchy(x, target)
		if target != nil && len(tree.Roots) == 0 {
			return &graph.UnknownNamespaceError{Target: *target, Type: inspect.PID}
		}
		return o.write(render.PIDTree{PIDTree: tree, NoHeadings: o.noHeadings}, x)
	}
	tree := graph.UserHierarchy(x, graph.TreeOptions{Types: o.kinds, Target: target})
	return o.write(render.UserTree{UserTree: tree, NoHeadings: o.noHeadings}, x)
}
