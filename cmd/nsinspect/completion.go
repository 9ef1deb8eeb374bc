package main

import (
	"github.com/spf13/cobra"
)

const completionLong = `Write a script that completes commands, flags and targets in a shell. TARGET
completes to the containers, namespaces and processes that there are.

  bash  nsinspect completion bash > /etc/bash_completion.d/nsinspect
        (needs the package bash-completion)
  zsh   nsinspect completion zsh > "${fpath[1]}/_nsinspect"
  fish  nsinspect completion fish > ~/.config/fish/completions/nsinspect.fish

Or for this shell only: source <(nsinspect completion bash)`

func newCompletion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:                   "completion bash|zsh|fish",
		Short:                 "write the completion script for a shell",
		Long:                  completionLong,
		Args:                  argCount(1, 1, "the name of a shell: bash, zsh or fish"),
		ValidArgs:             []string{"bash", "zsh", "fish"},
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			case "fish":
				return root.GenFishCompletion(a.stdout, true)
			}
			return usageError("nsinspect completion bash", "unknown shell %q (one of bash, zsh, fish)", args[0])
		},
	}
}
