package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// graphFacts are what a drawing of the network needs, and graphAlso what it
// shows where it is known.
const (
	graphFacts = inspect.FactTasks | inspect.FactNetwork
	graphAlso  = inspect.FactThreads | inspect.FactLeads | inspect.FactContainers | inspect.FactNames |
		inspect.FactGateways | inspect.FactNetfilter | inspect.FactServers | inspect.FactEngineNetworks
)

// graphOptions are the flags of nsinspect graph.
type graphOptions struct {
	source
	output
	target  string
	typ     string
	dot     bool
	mermaid bool
	svg     string
	png     string
}

func newGraph(a *app) *cobra.Command {
	o := graphOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:   "graph [TARGET]",
		Short: "draw how network namespaces are wired",
		Long: `Graph draws the network namespaces of the host, their interfaces and what these
lead to: which container is at the other end of a veth, what bridge it is plugged
into, and through which interface packets leave the host.

A TARGET, or the name of an interface, narrows the drawing to what touches it.`,
		Example: `  nsinspect graph
  nsinspect graph web1
  nsinspect graph --svg wiring.svg
  nsinspect graph --dot | dot -Tpng > wiring.png
  nsinspect graph --from host.json --mermaid`,
		Args: argCount(0, 1, "one TARGET"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.target = args[0]
			}
			if err := o.parse(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
		ValidArgsFunction: o.completeTargets(1),
	}
	o.source.flags(cmd)
	o.output.flags(cmd, render.ListKinds)
	f := cmd.Flags()
	f.StringVar(&o.typ, "type", "net", "draw this `TYPE` of namespaces: net, user, pid, all")
	f.BoolVar(&o.dot, "dot", false, "write the language of Graphviz")
	f.BoolVar(&o.mermaid, "mermaid", false, "write a flowchart of Mermaid")
	f.StringVar(&o.svg, "svg", "", "draw to `FILE` as SVG, with Graphviz' dot (- is stdout)")
	f.StringVar(&o.png, "png", "", "draw to `FILE` as PNG, with Graphviz' dot (- is stdout)")
	completeFlag(cmd, "type", fixedWords("net", "user", "pid", "all"))
	return cmd
}

// parse checks all flags before anything is read.
func (o *graphOptions) parse(cmd *cobra.Command) error {
	switch o.typ {
	case "net", "user", "pid", "all":
	default:
		return usageError("nsinspect graph --type net", "--type is net, user, pid or all, not %q", o.typ)
	}
	if o.typ != "net" && o.target != "" {
		return usageError("nsinspect tree "+o.target, "graph takes a TARGET with --type net only")
	}
	var formats []string
	for _, name := range []string{"dot", "mermaid", "svg", "png", "output"} {
		if cmd.Flags().Changed(name) {
			formats = append(formats, "--"+name)
		}
	}
	if len(formats) > 1 {
		return usageError("nsinspect graph "+formats[0], "one format at a time: %s", strings.Join(formats, " or "))
	}
	return o.output.parse()
}

func (o *graphOptions) run(ctx context.Context) error {
	x, err := o.index(ctx, o.need())
	if err != nil {
		return err
	}
	v := render.Drawing{}
	if o.typ == "net" || o.typ == "all" {
		t := graph.NewTopology(x)
		if o.target != "" {
			if t, err = narrowed(x, t, o.target); err != nil {
				return err
			}
		}
		v.Net = t
	}
	if o.typ == "user" || o.typ == "all" {
		v.Users = graph.UserHierarchy(x, graph.TreeOptions{})
	}
	if o.typ == "pid" || o.typ == "all" {
		v.PIDs = graph.PIDHierarchy(x, nil)
	}
	return o.draw(ctx, v, x)
}

func (o *graphOptions) need() need {
	const trees = inspect.FactTasks | inspect.FactOwners
	n := need{also: graphAlso}
	if o.typ != "user" && o.typ != "pid" {
		n.facts |= graphFacts
	} else {
		n.also &^= inspect.FactGateways | inspect.FactNetfilter
	}
	if o.typ != "net" {
		n.facts |= trees
		n.also |= inspect.FactIDMaps | inspect.FactProcesses
	}
	return n
}

// narrowed narrows t to what a word of the user means: a TARGET, else the
// name of an interface.
func narrowed(x *inspect.Index, t *graph.Topology, word string) (*graph.Topology, error) {
	keys, err := topologyKeys(x, t, word)
	if err != nil {
		return nil, err
	}
	return t.Narrow(keys...), nil
}

// topologyKeys returns what a word of the user means in a topology.
func topologyKeys(x *inspect.Index, t *graph.Topology, word string) ([]string, error) {
	target, err := x.Resolve(word)
	var missing *inspect.NotFoundError
	if errors.As(err, &missing) {
		if keys := t.Named(word); keys != nil {
			return keys, nil
		}
		if ns := t.Netns(word); ns != nil {
			return []string{word}, nil
		}
		return nil, withHint(fmt.Errorf("no target and no interface %q found", word), "nsinspect links")
	}
	if err != nil {
		return nil, err
	}
	links, err := x.NamespacesOf(target)
	if err != nil {
		return nil, err
	}
	id := links.Of(inspect.Net)
	key := fmt.Sprintf("net:[%d]", id.Ino)
	if t.Netns(key) == nil {
		return nil, withHint(fmt.Errorf("the network namespace of %s is not known", word), "nsinspect show %s", word)
	}
	return []string{key}, nil
}

// draw writes the drawing in the format that was asked for.
func (o *graphOptions) draw(ctx context.Context, v render.Drawing, x *inspect.Index) error {
	var err error
	switch {
	case o.dot:
		err = render.DOT(o.output.app.stdout, v)
	case o.mermaid:
		err = render.Mermaid(o.output.app.stdout, v)
	case o.svg != "":
		err = o.picture(ctx, v, "svg", o.svg)
	case o.png != "":
		err = o.picture(ctx, v, "png", o.png)
	default:
		return o.write(v, x)
	}
	if err != nil {
		return err
	}
	o.output.app.notePartial(x)
	return nil
}

// picture has Graphviz draw to a file.
func (o *graphOptions) picture(ctx context.Context, v render.Drawing, format, file string) error {
	return graphviz(ctx, format, file, o.output.app.stdout, func(w io.Writer) error { return render.DOT(w, v) })
}
