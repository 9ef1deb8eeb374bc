package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"
)

// group is commands that the help lists together.
type group struct {
	title    string
	commands []command
}

// command makes one command. Each has a file of its own: its constructor takes
// the app and binds its flags to a struct of its own.
type command struct {
	name string
	make func(*app) *cobra.Command
}

const otherCommands = "Other commands:"

// groups are all commands.
func groups() []group {
	return []group{
		{"Look at namespaces:", []command{
			{"ls", newLs}, {"tree", newTree}, {"show", newShow}, {"ps", newPs}, {"id", newID}, {"diff", newDiff},
		}},
		{"Look at what holds them:", []command{
			{"why", newWhy}, {"mounts", newMounts}, {"can", newCan},
		}},
		{"Look at networks:", []command{
			{"links", newLinks}, {"ports", newPorts}, {"graph", newGraph}, {"trace", newTrace}, {"doctor", newDoctor},
		}},
		{"Act:", []command{
			{"enter", newEnter}, {"demo", newDemo},
		}},
		{otherCommands, []command{
			{"kinds", newKinds}, {"features", newFeatures}, {"snapshot", newSnapshot}, {"completion", newCompletion}, {"version", newVersion},
		}},
	}
}

// newRoot returns the command line of nsinspect with all commands.
func newRoot(a *app) *cobra.Command {
	root := newRootWith(a, func(string) bool { return true })
	root.AddCommand(newTopics()...)
	return root
}

// newRootFor returns the command line for args: with nothing but the command
// that they begin with, since making all takes a tenth of the time that
// `nsinspect version` does, or with all where they begin with none.
func newRootFor(a *app, args []string) *cobra.Command {
	if len(args) > 0 {
		for _, g := range groups() {
			for _, c := range g.commands {
				if c.name == args[0] {
					return newRootWith(a, func(name string) bool { return name == c.name })
				}
			}
		}
	}
	return newRoot(a)
}

// newRootWith returns the command line with the commands that want chooses.
func newRootWith(a *app, want func(name string) bool) *cobra.Command {
	root := &cobra.Command{
		Use:   "nsinspect",
		Short: "inspect and debug the namespaces of a Linux host",
		Long: `Nsinspect shows the namespaces of a Linux host: what there is, who is in them,
what they are for each other, and which container they belong to.`,
		Args:          rootArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(flagError)
	root.CompletionOptions.DisableDefaultCmd = true
	for _, g := range groups() {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, c := range g.commands {
			if want(c.name) {
				cmd := c.make(a)
				cmd.GroupID = g.title
				root.AddCommand(cmd)
			}
		}
	}
	root.SetHelpCommand(newHelp())
	root.SetHelpCommandGroupID(otherCommands)
	return root
}

// rootArgs refuses a command that does not exist and names the nearest.
func rootArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := "nsinspect --help"
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "nsinspect " + near[0]
	}
	return usageError(hint, "unknown command %q", args[0])
}

// flagError turns a wrong flag into a usage error.
func flagError(cmd *cobra.Command, err error) error {
	return usageError(cmd.CommandPath()+" --help", "%s", err)
}

// argCount returns a check that a command gets from least to most arguments,
// called what in the message.
func argCount(least, most int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		help := cmd.CommandPath() + " --help"
		switch {
		case len(args) < least:
			return usageError(help, "%s needs %s", cmd.CommandPath(), what)
		case len(args) > most && most == 0:
			return usageError(help, "%s takes no arguments, got %q", cmd.CommandPath(), strings.Join(args, " "))
		case len(args) > most:
			return usageError(help, "%s takes only %s, got %q too", cmd.CommandPath(), what, args[most])
		}
		return nil
	}
}

// onTarget returns what a command with at most one argument does: it puts the
// argument where target points, checks the flags and runs.
func onTarget(target *string, parse func() error, run func(context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			*target = args[0]
		}
		if err := parse(); err != nil {
			return err
		}
		return run(cmd.Context())
	}
}
