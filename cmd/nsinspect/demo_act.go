package main

import (
	"os"

	"github.com/spf13/cobra"

	"nsinspect/enter/demo"
)

// newDemoAct is what the processes of an experiment run.
func newDemoAct(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    "act NAME",
		Short:  "be a process of an experiment",
		Hidden: true,
		Args:   argCount(1, 1, "one NAME"),
		RunE: func(_ *cobra.Command, args []string) error {
			if demo.IsLaunch(args[0]) {
				return demo.Launch()
			}
			return demo.Act(args[0], a.stdin, os.Stdout, demo.Hooks{Collect: collectPIDs})
		},
	}
}
