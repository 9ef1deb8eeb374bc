package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// newRoot returns the command line of nsinspect. One file a command: its
// constructor takes the app, binds its flags to a struct of its own and is
// added here.
func newRoot(a *app) *cobra.Command {
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
	addGroup(root, "Look at namespaces:",
		newLs(a), newTree(a), newShow(a), newPs(a), newID(a), newDiff(a),
	)
	addGroup(root, "Look at what holds them:",
		newWhy(a), newMounts(a), newCan(a),
	)
	addGroup(root, "Look at networks:",
		newLinks(a), newPorts(a), newGraph(a),
	)
	addGroup(root, "Act:",
		newEnter(a),
	)
	addGroup(root, "Other commands:",
		newFeatures(a), newSnapshot(a), newCompletion(a), newVersion(a),
	)
	root.SetHelpCommand(newHelp())
	root.SetHelpCommandGroupID("Other commands:")
	root.AddCommand(newTopics()...)
	return root
}

// addGroup adds commands that the help lists together, in this order.
func addGroup(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, c := range commands {
		c.GroupID = title
	}
	root.AddCommand(commands...)
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
