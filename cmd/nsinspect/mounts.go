package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// mountsOptions are the flags of nsinspect mounts.
type mountsOptions struct {
	source
	output
	target     string
	busy       string
	noHeadings bool
}

const mountsLong = `Show what is mounted in a mount namespace, each mount below the one that it is
mounted on, with propagation and what is hidden by another mount.

With --busy, say in which mount namespaces a file system is mounted and who
holds these: what to do about "device or resource busy".`

const mountsExample = `  nsinspect mounts web1                               the mounts of a container
  nsinspect mounts mnt:[4026532296]                   also without a process in it
  nsinspect mounts --busy /dev/vg0/data               who has the device mounted
  nsinspect mounts --busy /var/lib/docker/overlay2/3f1e9b7a/merged`

func newMounts(a *app) *cobra.Command {
	o := &mountsOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:     "mounts [TARGET]",
		Short:   "show the mounts of a namespace, or who keeps a file system busy",
		Long:    mountsLong,
		Example: mountsExample,
		Args:    argCount(0, 1, "one TARGET"),
		RunE:    onTarget(&o.target, o.parse, o.run),

		ValidArgsFunction: o.completeTargets(1),
	}
	o.source.flags(cmd)
	o.output.flags(cmd, render.ListKinds)
	f := cmd.Flags()
	f.StringVar(&o.busy, "busy", "", "say who has `PATH|DEVICE` mounted")
	f.BoolVar(&o.noHeadings, "no-headings", false, "leave out the line of headings")
	return cmd
}

func (o *mountsOptions) parse() error {
	switch {
	case o.target != "" && o.busy != "":
		return usageError("nsinspect mounts --busy "+o.busy, "--busy takes no TARGET")
	case o.target == "" && o.busy == "":
		return usageError("nsinspect mounts self", "nsinspect mounts needs a TARGET or --busy")
	}
	return o.output.parse()
}

func (o *mountsOptions) run(ctx context.Context) error {
	n := need{
		facts: inspect.FactTasks | inspect.FactMounts,
		also:  inspect.FactThreads | inspect.FactLeads | inspect.FactContainers | inspect.FactBinds | inspect.FactNames,
	}
	if o.busy != "" {
		n.also |= inspect.FactFDs // what holds a mount namespace without process
	}
	x, err := o.index(ctx, n)
	if err != nil {
		return err
	}
	if o.busy != "" {
		return o.writeBusy(x)
	}
	links, err := targetLinks(x, o.target)
	if err != nil {
		return err
	}
	id := links.Of(inspect.Mnt)
	if id.IsZero() {
		return withHint(fmt.Errorf("the mount namespace of %s is not known", o.target), "nsinspect ls -t mnt")
	}
	tree := graph.MountsOf(x, id)
	if tree == nil {
		return withHint(fmt.Errorf("the mounts of mnt:[%d] could not be read", id.Ino), "sudo nsinspect mounts mnt:%d", id.Ino)
	}
	return o.write(render.Mounts{MountTree: tree, NoHeadings: o.noHeadings}, x)
}

func (o *mountsOptions) writeBusy(x *inspect.Index) error {
	b := graph.BusyOf(x, o.busy)
	if b == nil {
		return withHint(fmt.Errorf("nothing that can be seen is mounted from or at %q", o.busy), "nsinspect mounts self")
	}
	return o.write(render.Busy{Busy: b}, x)
}
