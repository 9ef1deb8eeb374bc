package main

import (
	"context"

	"github.com/spf13/cobra"

	"nsinspect/inspect"
)

// snapshotFacts are all facts but those that are read only on request.
const snapshotFacts = inspect.FactsAll &^ inspect.FactsDeep

func newSnapshot(a *app) *cobra.Command {
	s := source{app: a}
	deep := false
	cmd := &cobra.Command{
		Use:   "snapshot",
		Short: "write all that is known of this host, for --from",
		Long: `Write all that is known of this host's namespaces to stdout, as JSON that every
other command reads with --from, here or on another host.

The file names processes, containers, addresses and mounts of this host. Full
command lines, which can hold secrets, are in it only with --cmdline.`,
		Example: `  nsinspect snapshot > host.json
  nsinspect ls --from host.json
  ssh docker1 sudo nsinspect snapshot | nsinspect tree --from -`,
		Args: argCount(0, 0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return s.writeSnapshot(cmd.Context(), deep) },
	}
	f := cmd.Flags()
	f.BoolVar(&s.noContainers, "no-containers", false, "do not ask container engines for names")
	f.BoolVar(&s.cmdline, "cmdline", false, "take full command lines, which can hold secrets")
	f.BoolVar(&deep, "deep", false, "also look for what no file shows; see nsinspect why --help for what that does")
	return cmd
}

func (s *source) writeSnapshot(ctx context.Context, deep bool) error {
	n := need{facts: snapshotFacts}
	if deep {
		n.facts |= inspect.FactsDeep
	}
	x, err := s.index(ctx, n)
	if err != nil {
		return err
	}
	s.app.notePartial(x)
	return inspect.Encode(s.app.stdout, x.Snapshot())
}
