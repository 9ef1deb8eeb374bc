package main

import (
	"context"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// whyOptions are the flags of nsinspect why.
type whyOptions struct {
	source
	output
	target     string
	leaked     bool
	deep       bool
	noHeadings bool
}

const whyLong = `Say what keeps a namespace alive: the processes and threads in it, files and
sockets that are open somewhere, mounts and who has these, namespaces below it
or owned by it; then what would free it.

With --leaked, list the namespaces that no process is in, and names under
/run/netns and /run/docker/netns that have no namespace any more.

--deep also finds what no file of /proc shows. It asks the kernel's own lists
through a BPF program, and accounts for all inodes of namespaces, for which it
makes short-lived uts namespaces of its own. It looks at the first message that
waits in a unix socket, without taking it.`

const whyExample = `  nsinspect why web1                  what holds the namespaces of a container
  nsinspect why net:[4026532299]      what holds this one
  nsinspect why blue                  what holds the network namespace "blue"
  nsinspect why --leaked              namespaces without a process
  nsinspect why --leaked --deep       also those that nothing shows`

func newWhy(a *app) *cobra.Command {
	o := &whyOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:     "why [TARGET]",
		Short:   "show what keeps a namespace alive, and what would free it",
		Long:    whyLong,
		Example: whyExample,
		Args:    argCount(0, 1, "one TARGET"),
		RunE:    onTarget(&o.target, o.parse, o.run),

		ValidArgsFunction: o.completeTargets(1),
	}
	o.source.flags(cmd)
	o.output.flags(cmd, render.ListKinds)
	f := cmd.Flags()
	f.BoolVar(&o.leaked, "leaked", false, "list the namespaces that no process is in")
	f.BoolVar(&o.deep, "deep", false, "look for what no file shows; see above what that does")
	f.BoolVar(&o.noHeadings, "no-headings", false, "leave out the line of headings")
	return cmd
}

func (o *whyOptions) parse() error {
	switch {
	case o.target != "" && o.leaked:
		return usageError("nsinspect why --leaked", "--leaked takes no TARGET")
	case o.target == "" && !o.leaked:
		return usageError("nsinspect why --leaked", "nsinspect why needs a TARGET or --leaked")
	}
	return o.output.parse()
}

// holderFacts tell what holds a namespace.
const holderFacts = inspect.FactThreads | inspect.FactsHolders | inspect.FactOwners | inspect.FactNames

func (o *whyOptions) run(ctx context.Context) error {
	n := need{facts: inspect.FactTasks, also: holderFacts | inspect.FactLeads | inspect.FactContainers}
	if o.deep {
		n.also |= inspect.FactsDeep
	}
	if o.leaked {
		return o.runLeaked(ctx, n)
	}
	n.also |= inspect.FactProcesses
	n.focus = func(x *inspect.Index) []int {
		links, err := targetLinks(x, o.target)
		if err != nil {
			return []int{} // nothing to look at: the error comes again
		}
		return graph.WhyFocus(x, links)
	}
	n.sockets = func(x *inspect.Index) bool {
		t, err := x.Resolve(o.target)
		return err != nil || t.Kind != inspect.TargetNamespace || graph.SocketsHold(t.Type)
	}
	x, err := o.index(ctx, n)
	if err != nil {
		return err
	}
	t, err := x.Resolve(o.target)
	if err != nil {
		return err
	}
	links, err := x.NamespacesOf(t)
	if err != nil {
		return err
	}
	return o.write(render.Why{Doc: &render.WhyDocument{
		Target: t.String(), Namespaces: graph.Whys(x, links), Census: x.Snapshot().Census,
		Problems: append([]inspect.Problem{}, x.Snapshot().Problems...), Format: 1,
	}}, x)
}

func (o *whyOptions) runLeaked(ctx context.Context, n need) error {
	n.facts |= inspect.FactOwners
	x, err := o.index(ctx, n)
	if err != nil {
		return err
	}
	return o.write(render.Leaks{Leaks: graph.LeaksOf(x), NoHeadings: o.noHeadings}, x)
}
