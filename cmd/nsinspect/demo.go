package main

import (
	"context"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nsinspect/enter/demo"
	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/render"
)

const demoLong = `Carry out a classic experiment with namespaces for real, show what is seen inside
and outside, and leave nothing behind. Without a name the experiments are listed,
and whether this machine can run them.

Each prints numbered steps: the system calls, command lines that do the same, what
the two sides see, and a verdict that is computed from what they see. --without
runs the control: the same without what isolates, where the verdict must be the
opposite. The status is 1 when the verdict is not what it should be.

What an experiment would change on this machine it changes in namespaces that stand
for it. Without root everything happens in a new user namespace.`

const demoExample = `  nsinspect demo                 list the experiments
  nsinspect demo uts             a hostname of one's own
  nsinspect demo uts --without   the same without a new namespace
  nsinspect demo bridge --shell  build Docker's network and look around in it
  nsinspect demo net -o json     for tests and teaching material`

// demoOptions are the flags of nsinspect demo.
type demoOptions struct {
	output
	name    string
	without bool
	shell   bool
	pause   bool
	keep    bool
}

func newDemo(a *app) *cobra.Command {
	o := &demoOptions{output: output{app: a}}
	cmd := &cobra.Command{
		Use:     "demo [EXPERIMENT]",
		Short:   "carry out an experiment with namespaces and show its proof",
		Long:    demoLong,
		Example: demoExample,
		Args:    argCount(0, 1, "one EXPERIMENT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				o.name = args[0]
			}
			if err := o.parse(cmd); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
		ValidArgsFunction: completeExperiments,
	}
	o.output.flags(cmd, render.DetailKinds)
	f := cmd.Flags()
	f.BoolVar(&o.without, "without", false, "run the control: the same without what isolates")
	f.BoolVar(&o.shell, "shell", false, "run a shell inside before everything is removed")
	f.BoolVar(&o.pause, "pause", false, "wait for the return key after each step")
	f.BoolVar(&o.keep, "keep", false, "leave the lab of bridge up and say how to remove it")
	cmd.AddCommand(newDemoAct(a))
	return cmd
}

func completeExperiments(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var words []cobra.Completion
	if len(args) == 0 {
		for _, e := range demo.Experiments() {
			words = append(words, cobra.CompletionWithDesc(e.Name, e.Title))
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// parse checks all flags before anything is done.
func (o *demoOptions) parse(cmd *cobra.Command) error {
	if err := o.output.parse(); err != nil {
		return err
	}
	for _, name := range []string{"without", "shell", "pause", "keep"} {
		if o.name == "" && cmd.Flags().Changed(name) {
			return usageError("nsinspect demo uts --"+name, "--%s needs an experiment", name)
		}
	}
	switch {
	case o.keep && o.name != "bridge":
		return usageError("nsinspect demo bridge --keep", "--keep is for the experiment bridge")
	case o.keep && o.without:
		return usageError("nsinspect demo bridge --keep", "--keep and --without exclude each other")
	case (o.shell || o.pause) && !o.parsed.Text():
		return usageError("nsinspect demo "+o.name+" --shell", "--shell and --pause are for people, -o %s is not", o.parsed.Kind)
	}
	return nil
}

func (o *demoOptions) run(ctx context.Context) error {
	if o.name == "" {
		return o.list(ctx)
	}
	e, ok := demo.ByName(o.name)
	if !ok {
		return usageError("nsinspect demo", "there is no experiment %q", o.name)
	}
	do, err := o.options()
	if err != nil {
		return err
	}
	sig := catchSignals(ctx)
	defer sig.stop()
	t := demoText{out: o.app.stdout, o: o.renderOptions()}
	if o.parsed.Text() {
		if err := t.head(e, o.without); err != nil {
			return err
		}
		do.OnStep = func(s demo.Step) error { return o.showStep(sig, t, s) }
	}
	if o.shell {
		do.Shell = func(ctx context.Context, pid int) error { return o.runShell(ctx, sig, do.Self[0], pid) }
	}
	r, err := demo.Run(sig.ctx, e, do)
	if s := sig.status(); s != 0 {
		o.app.say("note", "interrupted: all that the experiment made is removed")
		return exitStatus(s)
	}
	if err != nil {
		return err
	}
	return o.finish(t, r)
}

// renderOptions are those of the app with --color.
func (o *demoOptions) renderOptions() render.Options {
	opts := o.app.renderOptions()
	opts.Color = o.color == "always" || o.color == "auto" && opts.Color
	return opts
}

// options are what package demo needs of the rest of nsinspect.
func (o *demoOptions) options() (demo.Options, error) {
	self, err := os.Executable()
	if err != nil {
		return demo.Options{}, err
	}
	return demo.Options{
		Self: []string{self, "demo", "act"}, Env: os.Environ(), Collect: collectPIDs,
		Draw: drawText, Show: o.showText, Without: o.without, Keep: o.keep,
	}, nil
}

// collectPIDs reads facts about some processes of this host.
func collectPIDs(ctx context.Context, f inspect.Facts, pids []int) (*inspect.Snapshot, error) {
	return live.Collect(ctx, live.Options{Facts: f, Only: pids, Tool: "nsinspect " + buildVersion()})
}

// drawText is nsinspect graph as text.
func drawText(s *inspect.Snapshot) (string, error) {
	var b strings.Builder
	err := render.Drawing{Net: graph.NewTopology(inspect.NewIndex(s))}.Text(&b, false, render.Options{})
	return b.String(), err
}

// showText is nsinspect show as text.
func (o *demoOptions) showText(ctx context.Context, pid int) (string, error) {
	s := showOptions{source: source{app: o.app, noContainers: true}, target: strconv.Itoa(pid)}
	x, err := s.index(ctx, s.need())
	if err != nil {
		return "", err
	}
	t, err := x.Resolve(s.target)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	err = render.Profile{Profile: graph.ProfileOf(x, t)}.Text(&b, false, render.Options{Now: o.app.now()})
	return b.String(), err
}

// finish shows the verdict, or all of it as a document.
func (o *demoOptions) finish(t demoText, r *demo.Report) error {
	if o.parsed.Text() {
		if err := t.verdict(r); err != nil {
			return err
		}
	} else if err := render.Write(o.app.stdout, demoView{r}, o.parsed, t.o); err != nil {
		return err
	}
	if !r.Expected {
		return exitStatus(exitFailed)
	}
	return nil
}
