package main

import (
	"context"
	"strconv"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// idOptions are the flags of nsinspect id.
type idOptions struct {
	source
	output
	target   string
	to       string
	fromHost bool
	gid, pid bool
	quiet    bool

	ids []uint32
}

const idLong = `Translate ids between a target and the host. A user id of the target is that
of its user namespace, through however many maps; a pid that of its pid
namespace. An id that is not mapped is "unmapped", and shown as 65534 there.

Without an id it reads the id maps of the target in words. It exits with 1 when
an id cannot be told.`

const idExample = `  nsinspect id -p web1 1000                which host uid is 1000 in web1
  nsinspect id -p web1 --from-host 101000  and back
  nsinspect id -p web1 --gid 0 33          group ids
  nsinspect id -p web1 --pid 7             which process of the host is pid 7
  nsinspect id -p web1 --to db 1000        from one container to another
  nsinspect id -p web1                     the maps in words
  chown $(nsinspect id -p web1 -q 1000) /srv/data`

func newID(a *app) *cobra.Command {
	o := idOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:     "id -p TARGET [ID…]",
		Short:   "translate user, group and process ids between a target and the host",
		Long:    idLong,
		Example: idExample,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.parse(args); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	o.source.flags(cmd)
	o.output.flags(cmd, render.DetailKinds)
	f := cmd.Flags()
	f.StringVarP(&o.target, "target", "p", "", "translate ids of `TARGET`")
	f.BoolVar(&o.fromHost, "from-host", false, "ids are the host's, translate them to the target's")
	f.StringVar(&o.to, "to", "", "translate to the ids of this `TARGET` instead of the host's")
	f.BoolVar(&o.gid, "gid", false, "ids are group ids")
	f.BoolVar(&o.pid, "pid", false, "ids are process ids")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "print the resulting ids alone")
	complete(cmd, "target", o.completeTarget)
	complete(cmd, "to", o.completeTarget)
	return cmd
}

func (o *idOptions) parse(args []string) error {
	const hint = "nsinspect id -p web1 1000"
	if err := o.output.parse(); err != nil {
		return err
	}
	switch {
	case o.target == "":
		return usageError(hint, "nsinspect id needs -p TARGET")
	case o.gid && o.pid:
		return usageError(hint, "--gid does not go with --pid")
	case o.fromHost && o.to != "":
		return usageError("nsinspect id -p "+o.to+" --from-host 1000", "--from-host does not go with --to")
	case len(args) == 0 && o.pid:
		return usageError("nsinspect ps "+o.target, "--pid needs a process id")
	case len(args) == 0 && (o.fromHost || o.to != "" || o.quiet):
		return usageError(hint, "nsinspect id needs an id to translate")
	}
	for _, arg := range args {
		id, err := strconv.ParseUint(arg, 10, 32)
		if err != nil {
			return usageError(hint, "%q is not an id: ids are numbers from 0 to 4294967295", arg)
		}
		o.ids = append(o.ids, uint32(id))
	}
	return nil
}

func (o *idOptions) run(ctx context.Context) error {
	x, err := o.index(ctx, o.need())
	if err != nil {
		return err
	}
	from, to, err := o.sides(x)
	if err != nil {
		return err
	}
	switch {
	case len(o.ids) == 0:
		return o.showMap(x, *from.Target)
	case o.pid:
		return o.translatePIDs(x, from, to)
	}
	return o.translateIDs(x, from, to)
}

func (o *idOptions) need() need {
	n := need{
		facts: inspect.FactTasks | inspect.FactOwners,
		also:  inspect.FactThreads | inspect.FactLeads | inspect.FactContainers | inspect.FactNames,
	}
	if o.pid {
		n.facts |= inspect.FactProcesses
		return n
	}
	n.facts |= inspect.FactIDMaps
	n.focus = func(x *inspect.Index) []int {
		from, to, err := o.sides(x)
		if err != nil {
			return nil
		}
		return graph.UserFocus(x, from, to)
	}
	return n
}

// sides resolves the targets.
func (o *idOptions) sides(x *inspect.Index) (from, to graph.Side, err error) {
	t, err := x.Resolve(o.target)
	if err != nil {
		return from, to, err
	}
	from.Target = &t
	if o.fromHost {
		return to, from, nil
	}
	if o.to != "" {
		t, err := x.Resolve(o.to)
		if err != nil {
			return from, to, err
		}
		to.Target = &t
	}
	return from, to, nil
}

func (o *idOptions) showMap(x *inspect.Index, t inspect.Target) error {
	m, err := graph.MapOf(x, t)
	if err != nil {
		return err
	}
	kinds := []inspect.IDKind{inspect.UID, inspect.GID}
	if o.gid {
		kinds = kinds[1:]
	}
	return o.write(render.IDMap{MapView: m, Kinds: kinds}, x)
}

func (o *idOptions) translateIDs(x *inspect.Index, from, to graph.Side) error {
	kind := inspect.UID
	if o.gid {
		kind = inspect.GID
	}
	list, err := graph.TranslateIDs(x, kind, from, to, o.ids)
	if err != nil {
		return err
	}
	if err := o.write(render.IDs{IDList: list, Quiet: o.quiet}, x); err != nil {
		return err
	}
	for _, id := range list.IDs {
		if id.State == inspect.Unknown {
			return exitStatus(exitFailed)
		}
	}
	return nil
}

func (o *idOptions) translatePIDs(x *inspect.Index, from, to graph.Side) error {
	pids := make([]int, len(o.ids))
	for i, id := range o.ids {
		pids[i] = int(id)
	}
	list, err := graph.TranslatePIDs(x, from, to, pids)
	if err != nil {
		return err
	}
	if err := o.write(render.PIDs{PIDList: list, Quiet: o.quiet}, x); err != nil {
		return err
	}
	for _, p := range list.IDs {
		if p.Process == nil {
			return exitStatus(exitFailed)
		}
	}
	return nil
}
