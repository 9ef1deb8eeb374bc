package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"nsinspect/enter"
	"nsinspect/render"
)

// exitEnter is the status of enter for failures of its own: all others are
// the command's.
const exitEnter = 125

const enterLong = `Run a command, or a shell, in namespaces of a process or a container and in
new ones.

TARGET is a container's name, a pid or any other target (nsinspect help target).
Without a kind all namespaces of the target that differ from ours are joined;
with kinds only these. --KIND=FILE joins the namespace of a file, --new-KIND
makes a new one. Namespaces that are joined and new ones can be mixed.

Without a COMMAND a shell is run: $SHELL if it exists inside, else /bin/sh.
A container without a shell still has namespaces: join its network alone and
use the tools of the host.

The command's exit status is passed on. 125: nsinspect failed, 126: the command
cannot be executed, 127: there is no such command, 128+n: killed by signal n.

A command in a joined container has the capabilities of nsinspect's user, not
those of the container: see --target-caps.`

const enterExample = `  nsinspect enter web1                             a shell in the container
  nsinspect enter web1 --net -- ss -tlnp           its network, the tools of the host
  nsinspect enter -p 3037 --uts --net              some namespaces of a process
  nsinspect enter --net=/run/netns/blue -- ip addr a namespace by its file
  nsinspect enter --new-user --new-pid --new-mnt   a sandbox, as any user
  nsinspect enter web1 --net --new-mnt --resolv-conf -- curl http://db
  nsinspect enter --dry-run web1                   only say what would be done`

func newEnter(a *app) *cobra.Command {
	o := &enterOptions{app: a}
	cmd := &cobra.Command{
		Use:     "enter [TARGET] [flags] [-- COMMAND [ARG...]]",
		Short:   "run a command in namespaces of a target and in new ones",
		Long:    enterLong,
		Example: enterExample,
		Args:    o.takeArgs,

		ValidArgsFunction: (&source{app: a}).completeTargets(1),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return enterFailed(o.run(cmd.Context(), cmd))
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return enterFailed(flagError(cmd, err)) })
	o.flags(cmd.Flags())
	return cmd
}

// takeArgs splits the words into the target and the command.
func (o *enterOptions) takeArgs(cmd *cobra.Command, args []string) error {
	dash := cmd.ArgsLenAtDash()
	if dash < 0 {
		dash = len(args)
	}
	o.command = args[dash:]
	words := args[:dash]
	const help = "nsinspect enter TARGET [flags] -- COMMAND"
	switch {
	case len(words) > 1:
		return enterFailed(usageError(help, "a command follows --, got %q", strings.Join(words[1:], " ")))
	case len(words) == 1 && cmd.Flags().Changed("target"):
		return enterFailed(usageError(help, "there are two targets: %q and -p %s", words[0], o.pid))
	case len(words) == 1:
		o.word, o.given = words[0], true
	}
	return nil
}

// enterFailed has err end with the status for failures of enter itself.
func enterFailed(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := err.(exitStatus); ok {
		return err
	}
	e := explain(err)
	hinted := &enter.HintError{Err: e.err, Text: asTyped(e.hint)} // hides that of e.err
	return &cliError{err: hinted, detail: e.detail, hint: hinted.Text, status: exitEnter}
}

// asTyped completes a hint to do the same as root, unless that is too long to
// be read.
func asTyped(hint string) string {
	words := []string{"sudo"}
	for _, w := range os.Args {
		words = append(words, enter.Quote(w))
	}
	if line := strings.Join(words, " "); len(line) < 200 {
		return strings.ReplaceAll(hint, "sudo nsinspect enter …", line)
	}
	return hint
}

func (o *enterOptions) run(ctx context.Context, cmd *cobra.Command) error {
	r, err := o.request(ctx, cmd)
	if err != nil {
		return err
	}
	if err := o.lookSelf(); err != nil {
		return err
	}
	r.Owners = o.dryRun
	hold, err := enter.Look(r, o.facts)
	if err != nil {
		return err
	}
	defer hold.Close()
	plan, err := enter.Make(r, o.facts)
	if err != nil {
		return err
	}
	if o.dryRun {
		return o.print(plan, plan.Check(hold))
	}
	for _, w := range plan.Warnings {
		o.app.say("warning", w)
	}
	if err := plan.Check(hold); err != nil {
		return err
	}
	status, err := enter.Run(plan, hold)
	if err != nil {
		return err
	}
	return exitStatus(status)
}

// lookSelf reads our own facts, once.
func (o *enterOptions) lookSelf() (err error) {
	if o.facts == nil {
		o.facts, err = enter.LookSelf()
	}
	return err
}

// print tells what would be done, in order.
func (o *enterOptions) print(p *enter.Plan, refused error) error {
	var b strings.Builder
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%2d. %s\n", i+1, s.Words())
		if needs := s.Needs(); needs != "" {
			fmt.Fprintf(&b, "    needs %s\n", needs)
		}
	}
	if p.Pty {
		fmt.Fprintln(&b, "all of it behind a pseudo-terminal of its own")
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "note: %s\n", n)
	}
	for _, w := range p.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w)
	}
	if p.Equal != "" {
		fmt.Fprintf(&b, "same as: %s\n", p.Equal)
	}
	if refused != nil {
		e := explain(refused)
		fmt.Fprintf(&b, "would fail: %s\n", e.Error())
		if e.hint != "" {
			fmt.Fprintf(&b, "hint: %s\n", asTyped(e.hint))
		}
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(o.app.stdout, render.Sanitize(strings.TrimSuffix(line, "\n"))); err != nil {
			return err
		}
	}
	return nil
}
