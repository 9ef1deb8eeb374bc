package main

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/render"
)

// lsOptions are the flags of nsinspect ls.
type lsOptions struct {
	source
	output
	selection
	types  []string
	target string
	tree   string
	fast   bool
	deep   bool
	// targeted says that there is a target, be it an empty one, which is not
	// taken for all: a script may not know what it asks for.
	targeted bool

	list  rowQuery[graph.Row] // what the flags of selection mean
	kinds []inspect.Type
	nest  graph.Nesting // 0: no tree
}

const lsLong = `List the namespaces of this host, one a line, by inode as lsns(8) does.

PID is the oldest process in the namespace, and USER, CONTAINER and COMMAND
are about it. The host's namespaces belong to no container, also where one
shares them; "web1+2" is web1's, and two more containers are in it. A
namespace with 0 processes is held by something else, such as a bind mount,
a child or an open file: nsinspect why tells. To find these takes a look at
all open files and mounts; --fast leaves them out.`

const lsExample = `  nsinspect ls -t net                        network namespaces
  nsinspect ls -p web1                       the namespaces of a container
  nsinspect ls -o wide --tree                all columns, below their owners
  nsinspect ls --filter 'nprocs == 0'        those without a process
  nsinspect ls --columns ns,type,image       only these columns
  nsinspect ls --columns +uid --sort -nprocs one more column, largest first
  nsinspect ls -o json | jq '.namespaces[] | select(.container.name == "web1")'`

func newLs(a *app) *cobra.Command {
	o := lsOptions{source: source{app: a}, output: output{app: a}}
	cmd := &cobra.Command{
		Use:     "ls",
		Short:   "list namespaces, one a line",
		Long:    lsLong,
		Example: lsExample,
		Args:    lsArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.targeted = cmd.Flags().Changed("target")
			if err := o.parse(); err != nil {
				return err
			}
			return o.run(cmd.Context())
		},
	}
	o.source.flags(cmd)
	o.cmdlineFlag(cmd)
	o.output.flags(cmd, render.ListKinds)
	o.selection.flags(cmd)
	f := cmd.Flags()
	f.StringSliceVarP(&o.types, "type", "t", nil, "only namespaces of this `TYPE`; may be repeated, as in -t net,pid")
	f.StringVarP(&o.target, "target", "p", "", "only the namespaces of `TARGET`")
	f.StringVar(&o.tree, "tree", "", "draw them `BY` owner, each below its owner, or by parent")
	f.Lookup("tree").NoOptDefVal = "owner"
	f.BoolVar(&o.fast, "fast", false, "read what processes are in, not what else holds a namespace")
	f.BoolVar(&o.deep, "deep", false, "also find what no file shows; see nsinspect why --help for what that does")
	complete(cmd, "target", o.completeTarget)
	completeListFlag(cmd, "type", typeWords)
	completeFlag(cmd, "tree", fixedWords("owner", "parent"))
	offerColumns(cmd, render.NamespaceColumns)
	return cmd
}

// lsArgs refuses arguments; who types a target means -p.
func lsArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 1 {
		return usageError("nsinspect ls -p "+args[0], "nsinspect ls takes no arguments, got %q", args[0])
	}
	return argCount(0, 0, "")(cmd, args)
}

// parse checks all flags before anything is read.
func (o *lsOptions) parse() (err error) {
	if err := o.output.parse(); err != nil {
		return err
	}
	if o.fast && o.deep {
		return usageError("nsinspect ls --deep", "--fast and --deep exclude each other")
	}
	for _, name := range o.types {
		t, err := inspect.ParseType(name)
		if err != nil {
			return usageError("nsinspect ls -t net", "%w", err)
		}
		o.kinds = append(o.kinds, t)
	}
	switch o.tree {
	case "":
	case "owner":
		o.nest = graph.ByOwner
	case "parent":
		o.nest = graph.ByParent
	default:
		return usageError("nsinspect ls --tree=owner", "--tree is owner or parent, not %q", o.tree)
	}
	o.list, err = parseRows(&o.selection, o.parsed, render.NamespaceColumns())
	return err
}

func (o *lsOptions) run(ctx context.Context) error {
	x, err := o.index(ctx, o.need())
	if err != nil {
		return err
	}
	rows := graph.Rows(x)
	if o.kinds != nil {
		rows = slices.DeleteFunc(rows, func(r graph.Row) bool { return !slices.Contains(o.kinds, r.Type) })
	}
	if o.targeted {
		links, err := targetLinks(x, o.target)
		if err != nil {
			return err
		}
		rows = graph.Within(rows, links)
	}
	if rows, err = o.list.apply(rows); err != nil {
		return err
	}
	view := &render.List[graph.Row]{
		Columns: o.list.columns, NoHeadings: o.noHeadings,
		Target: func(r *graph.Row) string { return r.Word() },
	}
	if o.nest != 0 {
		rows, view.Depths = graph.Nest(x, rows, o.nest)
	}
	if !o.parsed.Text() {
		graph.WithHolders(x, rows)
	}
	view.Rows, view.Doc = rows, newLsDocument(rows, x)
	if err := o.write(view, x); err != nil {
		return err
	}
	if c := x.Snapshot().Census; c != nil && o.deep {
		o.source.app.say("note", "census "+render.CensusWords(c))
	}
	return nil
}

// targetLinks returns the namespaces of what the user's word means.
func targetLinks(x *inspect.Index, word string) (inspect.Links, error) {
	t, err := x.Resolve(word)
	if err != nil {
		return inspect.Links{}, err
	}
	return x.NamespacesOf(t)
}

// need says which facts the rows show. Namespaces without process are found
// by FactOwners.
func (o *lsOptions) need() need {
	shown := o.list.needs &^ (inspect.FactsHolders &^ o.list.must)
	if o.nest != 0 {
		shown |= inspect.FactOwners
	}
	if o.fast {
		shown &^= inspect.FactsHolders | inspect.FactOwners
		return need{facts: inspect.FactTasks | o.list.must, also: shown | inspect.FactThreads}
	}
	if o.deep {
		shown |= inspect.FactsDeep
	}
	if !o.targeted || o.deep {
		shown |= inspect.FactsHolders
		return need{facts: inspect.FactTasks | o.list.must, also: shown | inspect.FactThreads | inspect.FactOwners}
	}
	pid := pidWord(o.target)
	if pid != 0 && !shown.Has(inspect.FactTasks) {
		return need{facts: inspect.FactTasks | o.list.must, also: shown, only: []int{pid}}
	}
	if pid == 0 {
		shown |= inspect.FactContainers | inspect.FactNames
	}
	return need{
		facts: inspect.FactTasks | o.list.must, also: shown | inspect.FactThreads | inspect.FactOwners,
		focus: func(x *inspect.Index) []int {
			links, err := targetLinks(x, o.target)
			if err != nil {
				return []int{} // nothing to look at: the error comes again
			}
			return graph.RowFocus(x, links)
		},
	}
}

// pidWord returns the pid that a TARGET is without a look at the host, 0 for
// other words.
func pidWord(word string) int {
	pid, err := strconv.Atoi(strings.TrimPrefix(word, "pid:"))
	if err != nil || pid < 0 {
		return 0
	}
	return pid
}

// lsDocument is the JSON of nsinspect ls.
type lsDocument struct {
	Namespaces []graph.Row       `json:"namespaces"`
	Census     *inspect.Census   `json:"census,omitempty"` // with --deep
	Problems   []inspect.Problem `json:"problems"`
	Format     int               `json:"format"`
}

func newLsDocument(rows []graph.Row, x *inspect.Index) lsDocument {
	return lsDocument{
		Namespaces: append([]graph.Row{}, rows...),
		Census:     x.Snapshot().Census,
		Problems:   append([]inspect.Problem{}, x.Snapshot().Problems...),
		Format:     1,
	}
}
