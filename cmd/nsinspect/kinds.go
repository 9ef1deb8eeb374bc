package main

import (
	"context"

	"github.com/spf13/cobra"

	"nsinspect/enter/demo"
	"nsinspect/inspect"
	"nsinspect/render"
)

// kindsOptions are the flags of nsinspect kinds.
type kindsOptions struct {
	source
	output
}

func newKinds(a *app) *cobra.Command {
	o := kindsOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:   "kinds",
		Short: "list the kinds of namespaces and what each isolates",
		Long: `List the kinds of namespaces: the flag of clone(2), unshare(2) and setns(2), the
Linux release that brought each, what it isolates, the manual page about it, and
how many there are on this host.

Nsinspect demo shows each of them at work.`,
		Args: argCount(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.parse(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	o.source.flags(cmd)
	cmd.Flags().Lookup("no-containers").Hidden = true // none are asked
	o.output.flags(cmd, render.DetailKinds)
	return cmd
}

func (o *kindsOptions) run(ctx context.Context) error {
	o.noContainers = true
	x, err := o.index(ctx, need{
		facts: inspect.FactTasks, also: inspect.FactThreads | inspect.FactOwners | inspect.FactNames | inspect.FactsHolders,
	})
	if err != nil {
		return err
	}
	count := map[inspect.Type]int{}
	for _, n := range x.Snapshot().Namespaces {
		count[n.Type]++
	}
	v := &render.Kinds{Problems: append([]inspect.Problem{}, x.Snapshot().Problems...), Format: inspect.Format}
	for _, k := range demo.Kinds() {
		v.Kinds = append(v.Kinds, render.KindRow{
			Type: k.Type.String(), Flag: k.Flag, Since: k.Since, Isolates: k.Isolates, Manual: k.Manual, Here: count[k.Type],
		})
	}
	return o.write(v, x)
}
