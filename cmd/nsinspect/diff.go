package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// diffOptions are the flags of nsinspect diff.
type diffOptions struct {
	source
	output
	a, b string
}

const diffLong = `Say which of the eight namespaces two targets share.

Or say what is different in a later snapshot: an argument that ends in .json, or
is -, is a file made by nsinspect snapshot. With one file it is compared with
this host as it is now. A target that ends in .json can be given as
docker:NAME.

The exit status is 0 either way.`

const diffExample = `  nsinspect diff web1 web2              which namespaces two containers share
  nsinspect diff self net:[4026532299]  is this one mine
  nsinspect snapshot > before.json      keep how it is now
  nsinspect diff before.json            what appeared, went and changed since
  nsinspect diff before.json after.json the same between two files`

func newDiff(a *app) *cobra.Command {
	o := diffOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:     "diff A B | diff FILE.json [FILE.json]",
		Short:   "say which namespaces two targets share, or what changed between two snapshots",
		Long:    diffLong,
		Example: diffExample,
		Args:    argCount(1, 2, "two targets, or one or two files of nsinspect snapshot"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.output.parse(); err != nil {
				return err
			}
			return o.run(cmd.Context(), args)
		},
		ValidArgsFunction: o.complete,
	}
	o.source.flags(cmd)
	o.output.flags(cmd, render.DetailKinds)
	return cmd
}

// complete offers targets, and files where they can come.
func (o *diffOptions) complete(cmd *cobra.Command, args []string, prefix string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) == 1 && isSnapshotFile(args[0]) || len(args) > 1 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	words, directive := o.completeTarget(cmd, args, prefix)
	if len(args) == 0 && len(words) == 0 {
		directive = cobra.ShellCompDirectiveDefault
	}
	return words, directive
}

// isSnapshotFile reports whether an argument is a file rather than a target.
func isSnapshotFile(arg string) bool { return arg == "-" || strings.HasSuffix(arg, ".json") }

func (o *diffOptions) run(ctx context.Context, args []string) error {
	files := 0
	for _, arg := range args {
		if isSnapshotFile(arg) {
			files++
		}
	}
	switch {
	case files == 0 && len(args) == 1:
		return usageError("nsinspect diff "+args[0]+" self", "nsinspect diff needs a second target")
	case files == 0:
		o.a, o.b = args[0], args[1]
		return o.targets(ctx)
	case files != len(args):
		return usageError("nsinspect diff --from host.json web1 web2", "%s: a file is compared with a file, a target with a target", strings.Join(args, " "))
	case o.from != "":
		return usageError("nsinspect diff "+o.from+" "+args[0], "--from does not go with files to compare")
	case len(args) == 2 && args[0] == "-" && args[1] == "-":
		return usageError("nsinspect diff before.json -", "only one of the files can be stdin")
	}
	return o.files(ctx, args)
}

// targets compares two targets of one host.
func (o *diffOptions) targets(ctx context.Context) error {
	x, err := o.index(ctx, need{
		facts: inspect.FactTasks,
		also:  inspect.FactThreads | inspect.FactLeads | inspect.FactOwners | inspect.FactContainers | inspect.FactNames,
		focus: func(x *inspect.Index) []int {
			a, err := x.Resolve(o.a)
			b, err2 := x.Resolve(o.b)
			if err != nil || err2 != nil || a.PID == 0 || b.PID == 0 {
				return nil
			}
			return []int{a.PID, b.PID}
		},
	})
	if err != nil {
		return err
	}
	a, err := x.Resolve(o.a)
	if err != nil {
		return err
	}
	b, err := x.Resolve(o.b)
	if err != nil {
		return err
	}
	c, err := graph.Compare(x, a, b)
	if err != nil {
		return err
	}
	if len(c.Namespaces) == 0 {
		return withHint(&graph.NothingInCommonError{A: a, B: b}, "nsinspect show %s", a)
	}
	return o.write(render.Comparison{Comparison: c}, x)
}

// files compares two snapshots, or one with the host as it is now.
func (o *diffOptions) files(ctx context.Context, names []string) error {
	first := source{app: o.source.app, from: names[0]}
	a, err := first.index(ctx, need{facts: inspect.FactTasks})
	if err != nil {
		return err
	}
	second := source{app: o.source.app, noContainers: o.noContainers}
	if len(names) == 2 {
		second.from = names[1]
	}
	have, err := a.Snapshot().Scope.Set()
	if err != nil {
		return err
	}
	b, err := second.index(ctx, need{facts: inspect.FactTasks, also: have &^ inspect.FactsDeep})
	if err != nil {
		return err
	}
	return o.write(render.Changes{Changes: graph.ChangesOf(a, b)}, b)
}
