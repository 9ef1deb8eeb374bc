package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// canOptions are the flags of nsinspect can.
type canOptions struct {
	source
	output
	process string
	cap     string
	target  string

	asked int // number of the capability, -1 for none
}

const canLong = `Say which capabilities a process has in a namespace, by the rules of
user_namespaces(7), and why. A capability counts in the user namespace that
owns the target: for a member and for whoever is above it by the effective set,
for the user who made it fully.

With --cap the status is 0 for yes, 1 for no, and 2 where that is not known.`

const canExample = `  nsinspect can -p 3037 net:[4026531840]                  what may it do there
  nsinspect can -p web1 --cap net_admin blue              may it configure blue
  nsinspect can -p web1 --cap sys_admin user:[4026531837]`

func newCan(a *app) *cobra.Command {
	o := canOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:               "can -p PROCESS TARGET",
		Short:             "say which capabilities a process has in a namespace, and why",
		Long:              canLong,
		Example:           canExample,
		Args:              argCount(1, 1, "one TARGET, a namespace"),
		RunE:              onTarget(&o.target, o.parse, o.run),
		ValidArgsFunction: o.completeTargets(1),
	}
	o.source.flags(cmd)
	o.output.flags(cmd, render.DetailKinds)
	f := cmd.Flags()
	f.StringVarP(&o.process, "process", "p", "self", "the `PROCESS`, or a container for its first one")
	f.StringVar(&o.cap, "cap", "", "only this capability, as in net_admin; the status is the answer")
	complete(cmd, "process", o.completeTarget)
	return cmd
}

func (o *canOptions) parse() error {
	o.asked = -1
	if o.cap != "" {
		n, ok := graph.ParseCap(o.cap)
		if !ok {
			return usageError("man 7 capabilities", "unknown capability %q", o.cap)
		}
		o.asked = n
	}
	return o.output.parse()
}

func (o *canOptions) run(ctx context.Context) error {
	x, err := o.index(ctx, need{
		facts: inspect.FactTasks | inspect.FactOwners,
		also:  inspect.FactThreads | inspect.FactProcesses | inspect.FactContainers | inspect.FactNames | inspect.FactBinds | inspect.FactFDs,
		focus: o.focus,
	})
	if err != nil {
		return err
	}
	p, n, err := o.pair(x)
	if err != nil {
		return err
	}
	c := graph.CanOf(x, p, n, o.asked)
	if err := o.write(render.Can{Can: c}, x); err != nil || o.asked < 0 {
		return err
	}
	switch {
	case c.Has == nil:
		return exitStatus(exitUsage)
	case !*c.Has:
		return exitStatus(exitFailed)
	}
	return nil
}

// focus narrows the capture to the process and those in the namespace.
func (o *canOptions) focus(x *inspect.Index) []int {
	p, n, err := o.pair(x)
	if err != nil {
		return nil
	}
	if n.Type == inspect.User || len(x.Members(n.ID)) == 0 {
		return nil // owners lead there, from wherever
	}
	pids := []int{p.PID, x.Members(n.ID)[0]}
	return pids
}

// pair returns the process and the namespace that the user means.
func (o *canOptions) pair(x *inspect.Index) (*inspect.Process, *inspect.Namespace, error) {
	t, err := x.Resolve(o.process)
	if err != nil {
		return nil, nil, err
	}
	p := x.Process(t.PID)
	if p == nil {
		return nil, nil, usageError("nsinspect can -p self "+o.target, "%q is not a process, or none that runs", o.process)
	}
	to, err := x.Resolve(o.target)
	if err != nil {
		return nil, nil, err
	}
	if to.Kind != inspect.TargetNamespace {
		return o.userOf(x, p, to)
	}
	n := x.Namespace(to.NS)
	if n == nil {
		return nil, nil, withHint(fmt.Errorf("%s is not in sight", to), "nsinspect ls")
	}
	return p, n, nil
}

// userOf takes the user namespace of a process or container as the target.
func (o *canOptions) userOf(x *inspect.Index, p *inspect.Process, to inspect.Target) (*inspect.Process, *inspect.Namespace, error) {
	links, err := x.NamespacesOf(to)
	if err != nil {
		return nil, nil, err
	}
	if n := x.Namespace(links.Of(inspect.User)); n != nil {
		return p, n, nil
	}
	return nil, nil, withHint(fmt.Errorf("the user namespace of %s is not known", to), "nsinspect show %s", to)
}
