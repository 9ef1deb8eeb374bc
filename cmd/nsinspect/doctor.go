package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"nsinspect/graph/doctor"
	"nsinspect/inspect"
	"nsinspect/render"
)

// doctorAlso are what findings show where it is known: who is in a namespace
// and what it is called.
const doctorAlso = inspect.FactThreads | inspect.FactLeads | inspect.FactContainers | inspect.FactNames |
	inspect.FactEngineNetworks

// doctorOptions are the flags of nsinspect doctor.
type doctorOptions struct {
	source
	output
	target string
	only   []string
	skip   []string
	list   bool

	checks []doctor.Check
}

const doctorLong = `Doctor looks for what breaks on hosts with containers: forwarding, bridges,
routes, published ports, tables that fill up, namespaces that leak. A finding
says what is wrong with what, how to see it, and the command that repairs it.
Nothing is changed. A healthy host has no findings but notes.

A TARGET narrows the findings to what concerns it.

The status is 0 when there is no fault, 1 when there is one, and 2 when there
is none but something could not be determined.`

const doctorExample = `  nsinspect doctor                              all checks
  nsinspect doctor web1                         what concerns a container
  nsinspect doctor --list                       the checks
  nsinspect doctor --check ip-forward,mtu       only these
  nsinspect doctor --from host.json -o json     of another host`

func newDoctor(a *app) *cobra.Command {
	o := doctorOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:               "doctor [TARGET]",
		Short:             "find what is broken on this host",
		Long:              doctorLong,
		Example:           doctorExample,
		Args:              argCount(0, 1, "one TARGET"),
		RunE:              onTarget(&o.target, o.parse, o.run),
		ValidArgsFunction: o.completeTargets(1),
	}
	o.source.flags(cmd)
	o.output.flags(cmd, render.ListKinds)
	f := cmd.Flags()
	f.StringSliceVar(&o.only, "check", nil, "run only these checks, by `ID`")
	f.StringSliceVar(&o.skip, "skip", nil, "leave out these checks, by `ID`")
	f.BoolVar(&o.list, "list", false, "list the checks")
	completeFlag(cmd, "check", checkWords)
	completeFlag(cmd, "skip", checkWords)
	return cmd
}

// checkWords completes the ids of checks.
func checkWords() (list []cobra.Completion) {
	for _, c := range doctor.Checks() {
		list = append(list, cobra.CompletionWithDesc(c.ID, c.Title))
	}
	return list
}

func (o *doctorOptions) parse() error {
	if o.list && o.target != "" {
		return usageError("nsinspect doctor --list", "--list takes no TARGET")
	}
	all := doctor.Checks()
	for _, id := range slices.Concat(o.only, o.skip) {
		if !slices.ContainsFunc(all, func(c doctor.Check) bool { return c.ID == id }) {
			return usageError("nsinspect doctor --list", "there is no check %q", id)
		}
	}
	o.checks = slices.DeleteFunc(all, func(c doctor.Check) bool {
		return o.only != nil && !slices.Contains(o.only, c.ID) || slices.Contains(o.skip, c.ID)
	})
	if len(o.checks) == 0 {
		return usageError("nsinspect doctor --list", "no check is left")
	}
	return o.output.parse()
}

func (o *doctorOptions) run(ctx context.Context) error {
	if o.list {
		return o.write(render.DoctorChecks{Checks: o.checks}, inspect.NewIndex(&inspect.Snapshot{}))
	}
	n := need{facts: inspect.FactTasks, also: doctor.Facts(o.checks) | doctorAlso}
	x, err := o.index(ctx, n)
	if err != nil {
		return err
	}
	if more := doctor.More(x, o.checks); more != 0 && o.from == "" {
		n.also |= more // of another capture: all findings must be of one
		if x, err = o.index(ctx, n); err != nil {
			return err
		}
	}
	r := doctor.Examine(x, o.checks)
	if o.target != "" {
		links, err := targetLinks(x, o.target)
		if err != nil {
			return err
		}
		r.Narrow(x, links)
	}
	if err := o.write(render.Doctor{Report: r}, x); err != nil {
		return err
	}
	switch {
	case r.Worst() == doctor.Fault:
		return exitStatus(exitFailed)
	case len(r.Undetermined) > 0:
		return exitStatus(exitUsage)
	}
	return nil
}

// doctorPage is docs/doctor.md: what the checks say of themselves.
func doctorPage() string {
	var b strings.Builder
	b.WriteString("# What doctor checks\n\n" +
		"`nsinspect doctor` runs these checks on the running host, or with `--from` on a snapshot. It changes nothing. A fault is something that does\n" +
		"not work, a warning something that works for now, a note only good to know. The severity here is the worst that a check reports.\n\n" +
		"This page is made from the checks' own texts: `go test ./cmd/nsinspect -run DoctorPage -update`.\n")
	for _, c := range doctor.Checks() {
		fmt.Fprintf(&b, "\n## %s\n\n%s: %s.\n\n%s\n\nReads %s. See %s.\n", c.ID, c.Severity, c.Title, c.About, strings.ReplaceAll(strings.Join(c.Needs.Names(), ", "), "_", " "), c.Reference)
	}
	return b.String()
}
