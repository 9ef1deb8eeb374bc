package main

import (
	"context"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// showOptions are the flags of nsinspect show.
type showOptions struct {
	source
	output
	target string
}

func newShow(a *app) *cobra.Command {
	o := showOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:   "show TARGET",
		Short: "show all about one process, container or namespace",
		Long: `Show says what is known of one process, container or namespace: who it is, its
eight namespaces and with whom it shares each, how its user namespace maps ids,
what it may do, and where its isolation from the host ends. "The host" is the
namespaces that nsinspect itself runs in.

See nsinspect help target for what TARGET can be.`,
		Args:              argCount(1, 1, "one TARGET"),
		RunE:              onTarget(&o.target, o.parse, o.run),
		ValidArgsFunction: o.completeTargets(1),
	}
	o.source.flags(cmd)
	o.cmdlineFlag(cmd)
	o.output.flags(cmd, render.DetailKinds)
	return cmd
}

// need is what the profile of a target says.
func (o *showOptions) need() need {
	return need{
		facts: inspect.FactTasks,
		also: inspect.FactThreads | inspect.FactProcesses | inspect.FactOwners | inspect.FactIDMaps |
			inspect.FactTimeOffsets | inspect.FactHostnames | inspect.FactContainers | inspect.FactNames | inspect.FactLimits,
		focus: o.focus,
	}
}

func (o *showOptions) run(ctx context.Context) error {
	x, err := o.index(ctx, o.need())
	if err != nil {
		return err
	}
	t, err := x.Resolve(o.target)
	if err != nil {
		return err
	}
	return o.write(render.Profile{Profile: graph.ProfileOf(x, t)}, x)
}

// focus narrows the capture to what is shown, where the target is known by
// then. Where it is not, a second look with everything tells.
func (o *showOptions) focus(x *inspect.Index) []int {
	t, err := x.Resolve(o.target)
	if err != nil {
		return nil
	}
	return graph.Focus(x, t)
}
