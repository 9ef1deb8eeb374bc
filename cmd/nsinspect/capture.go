package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"nsinspect/inspect"
	"nsinspect/inspect/container"
	"nsinspect/inspect/live"
	"nsinspect/render"
)

// source says where the facts of a view come from. Every viewing command has
// its flags and gets its facts from [source.index].
type source struct {
	app          *app
	from         string
	noContainers bool
	cmdline      bool
}

// flags adds --from and --no-containers to cmd.
func (s *source) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.from, "from", "", "read `FILE`, made by nsinspect snapshot, instead of this host (- is stdin)")
	f.BoolVar(&s.noContainers, "no-containers", false, "do not ask container engines for names")
}

// cmdlineFlag adds --cmdline, for commands that show commands.
func (s *source) cmdlineFlag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&s.cmdline, "cmdline", false, "show full command lines, which can hold secrets")
}

// need is what a view wants to know.
type need struct {
	facts inspect.Facts // without which there is no view
	also  inspect.Facts // what it shows where it is known
	// only and focus narrow the capture of a running host, see live.Options.
	only  []int
	focus func(*inspect.Index) []int
	// sockets says, when the links are known, whether sockets matter; nil: yes.
	sockets func(*inspect.Index) bool
}

// index returns the facts that a view needs, from the running host or from
// the file. It fails when the file was made without them.
func (s *source) index(ctx context.Context, n need) (*inspect.Index, error) {
	collectLater()
	if s.from != "" {
		return s.read(n.facts)
	}
	o := live.Options{
		Facts: n.facts | n.also, Only: n.only, Focus: n.focus, Sockets: n.sockets, Cmdline: s.cmdline,
		Tool: "nsinspect " + buildVersion(), Now: s.app.now,
	}
	if s.noContainers {
		o.Facts &^= inspect.FactContainers | inspect.FactEngineNetworks
	} else {
		o.Engines = container.Engines(s.app.getenv)
	}
	snap, err := live.Collect(ctx, o)
	if err != nil {
		return nil, err
	}
	return inspect.NewIndex(snap), nil
}

// read reads the snapshot named by --from.
func (s *source) read(facts inspect.Facts) (*inspect.Index, error) {
	in, name := s.app.stdin, "stdin"
	if s.from != "-" {
		f, err := os.Open(s.from)
		if err != nil {
			return nil, withHint(err, "nsinspect snapshot > %s", s.from)
		}
		defer f.Close()
		in, name = io.Reader(f), s.from
	}
	snap, err := inspect.Decode(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	have, _ := snap.Scope.Set() // facts of a newer version are a Problem of the snapshot
	if missing := facts &^ (have | inspect.FactContainers); missing != 0 {
		words := strings.ReplaceAll(strings.Join(missing.Names(), ", "), "_", " ")
		return nil, withHint(fmt.Errorf("%s: this snapshot has no %s", name, words), "nsinspect snapshot > host.json")
	}
	if err := s.checkCmdlines(snap); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return inspect.NewIndex(snap), nil
}

// checkCmdlines drops the command lines that a file has and that were not
// asked for, and misses those that were.
func (s *source) checkCmdlines(snap *inspect.Snapshot) error {
	found := false
	for i := range snap.Processes {
		if info := snap.Processes[i].Info; info != nil {
			found = found || info.Cmdline != nil
			if !s.cmdline {
				info.Cmdline = nil
			}
		}
	}
	if s.cmdline && !found {
		return withHint(errors.New("this snapshot has no command lines"), "nsinspect snapshot --cmdline > host.json")
	}
	return nil
}

// notePartial has the output followed by what could not be read.
func (a *app) notePartial(x *inspect.Index) {
	a.notes = render.ProblemLines(x.Snapshot().Problems)
}
