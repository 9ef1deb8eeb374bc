package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/render"
)

// featuresOptions are the flags of nsinspect features.
type featuresOptions struct {
	output
}

const featuresLong = `Say what this kernel and this user can do, found out by trying, and what
nsinspect uses it for. Where something is missing the note says why: the Linux
release that it needs, a capability, or a setting. What is missing makes output
incomplete, not wrong.`

func newFeatures(a *app) *cobra.Command {
	o := featuresOptions{output: output{app: a}}
	cmd := &cobra.Command{
		Use:   "features",
		Short: "say what this kernel and this user can do",
		Long:  featuresLong,
		Args:  argCount(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.parse(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	o.output.flags(cmd, render.DetailKinds)
	return cmd
}

func (o *featuresOptions) run(ctx context.Context) error {
	snap, err := live.Collect(ctx, live.Options{Facts: inspect.FactTasks, Only: []int{os.Getpid()}, Now: o.app.now})
	if err != nil {
		return err
	}
	view := &render.Features{
		Kernel: snap.Host.Kernel, UID: snap.Host.Observer.EUID, Features: []render.Feature{}, Format: inspect.Format,
	}
	for _, f := range live.Features(ctx) {
		view.Features = append(view.Features, render.Feature(f))
	}
	return o.write(view, inspect.NewIndex(snap))
}
