package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// NamespaceColumns returns the columns of a list of namespaces.
func NamespaceColumns() Columns[graph.Row] {
	const (
		tasks = inspect.FactTasks
		leads = tasks | inspect.FactLeads
		names = leads | inspect.FactContainers
	)
	type row = graph.Row
	with := func(c Column[row], needs inspect.Facts, show Show) Column[row] {
		c.Needs, c.Show = needs, show
		return c
	}
	return Columns[row]{
		with(Number("NS", "inode of the namespace", func(r *row) *uint64 { return &r.NS }), 0, ShowAlways),
		{Name: "TYPE", Help: "kind of namespace", Text: func(r *row) string { return r.Type.String() }},
		with(Number("NPROCS", "processes in it", func(r *row) *int { return r.NProcs }), tasks, ShowAlways),
		with(Number("PID", "oldest process in it", func(r *row) *int { return r.PID }), leads, ShowAlways),
		with(Number("PPID", "parent of PID", func(r *row) *int { return r.PPID }), leads, ShowWide),
		with(Number("UID", "effective user id of PID", func(r *row) *uint32 { return r.UID }), leads, ShowOnRequest),
		{Name: "USER", Help: "user of PID", Text: userText, Needs: leads},
		with(Number("OWNER", "user namespace that owns it", func(r *row) *uint64 { return r.Owner }), inspect.FactOwners, ShowWide),
		with(Number("OWNERUID", "user who owns a user namespace", func(r *row) *uint32 { return r.OwnerUID }), inspect.FactOwners, ShowOnRequest),
		with(Number("PARENT", "parent of a pid or user namespace", func(r *row) *uint64 { return r.Parent }), inspect.FactOwners, ShowWide),
		with(Number("NSID", "the kernel's 64-bit id", func(r *row) *uint64 { return r.Serial }), inspect.FactOwners, ShowOnRequest),
		{Name: "CONTAINER", Help: "container of PID", Text: containerText, Needs: names, Style: always[row](Name)},
		{Name: "ENGINE", Help: "what runs the container", Text: containerField(func(c *graph.RowContainer) string { return c.Engine }), Needs: names, Show: ShowOnRequest},
		{Name: "IMAGE", Help: "image of the container", Text: containerField(func(c *graph.RowContainer) string { return c.Image }), Needs: names, Show: ShowOnRequest},
		{Name: "PROJECT", Help: "compose project of the container", Text: containerField(func(c *graph.RowContainer) string { return c.Project }), Needs: names, Show: ShowOnRequest},
		{Name: "SERVICE", Help: "compose service of the container", Text: containerField(func(c *graph.RowContainer) string { return c.Service }), Needs: names, Show: ShowOnRequest},
		{Name: "NAMES", Help: "names under /run/netns, paths of bind mounts", Text: func(r *row) string { return strings.Join(r.Names, ",") }, Needs: inspect.FactNames, Show: ShowOnRequest},
		with(Number("HOLDERS", "what keeps it alive: processes, open files, mounts, namespaces below", func(r *row) *int { return r.NHolders }),
			tasks|inspect.FactsHolders|inspect.FactOwners, ShowWide),
		{Name: "NSFS", Help: "where it is mounted", Text: func(r *row) string { return strings.Join(r.NSFS, ",") }, Needs: inspect.FactBinds, Show: ShowOnRequest},
		with(Number("PNS", "parent, as lsns calls it", func(r *row) *uint64 { return r.PNS }), inspect.FactOwners, ShowOnRequest),
		with(Number("ONS", "owner, as lsns calls it", func(r *row) *uint64 { return r.ONS }), inspect.FactOwners, ShowOnRequest),
		{
			Name: "DETAIL", Help: "names, hostname, id map or clock offsets, by kind", Text: detailText, Show: ShowWide,
			Needs: inspect.FactNames | inspect.FactHostnames | inspect.FactIDMaps | inspect.FactTimeOffsets,
		},
		{Name: "COMMAND", Help: "name of PID, its command line with --cmdline; (what is known) without process", Text: commandText, Needs: leads},
	}
}

func always[R any](s Style) func(*R) Style { return func(*R) Style { return s } }

func userText(r *graph.Row) string { return nameOrUID(r.User, r.UID) }

// nameOrUID is a user's name, or the id of one without; "" when not known.
func nameOrUID(name *string, uid *uint32) string {
	switch {
	case name != nil:
		return *name
	case uid != nil:
		return strconv.FormatUint(uint64(*uid), 10)
	}
	return ""
}

func containerText(r *graph.Row) string {
	switch {
	case r.Container == nil:
		return ""
	case len(r.SharedBy) > 0:
		return fmt.Sprintf("%s+%d", r.Container.Name, len(r.SharedBy))
	}
	return r.Container.Name
}

func containerField(get func(*graph.RowContainer) string) func(*graph.Row) string {
	return func(r *graph.Row) string {
		if r.Container == nil {
			return ""
		}
		return get(r.Container)
	}
}

func commandText(r *graph.Row) string {
	switch {
	case len(r.Cmdline) > 0:
		return strings.Join(r.Cmdline, " ")
	case r.Command != nil:
		return *r.Command
	case r.NProcs != nil && *r.NProcs == 0:
		return absentText(r)
	}
	return ""
}

// absentText stands in parentheses where the command would be of a namespace
// that no process is in: by what it can be called, or that something holds it.
func absentText(r *graph.Row) string {
	switch {
	case len(r.Names) > 0:
		return "(" + r.Names[0] + ")"
	case r.NHolders != nil && *r.NHolders == 1:
		return "(1 holder)"
	case r.NHolders != nil:
		return fmt.Sprintf("(%d holders)", *r.NHolders)
	}
	return ""
}

// detailText says what is special about a namespace of its kind.
func detailText(r *graph.Row) string {
	var parts []string
	if len(r.Names) > 0 {
		parts = append(parts, strings.Join(r.Names, ","))
	}
	if r.Hostname != nil {
		parts = append(parts, *r.Hostname)
	}
	if r.IDMap != nil {
		parts = append(parts, idMapText(r.IDMap.UID))
	}
	if t := r.TimeOffsets; t != nil && *t != (inspect.TimeOffsets{}) {
		parts = append(parts, "monotonic "+graph.OffsetWords(t.Monotonic)+", boottime "+graph.OffsetWords(t.Boottime))
	}
	return strings.Join(parts, " ")
}

// idMapText is a uid map in the notation of podman-run(1), "0:100000:65536":
// inside, outside and how many; the first lines of a long one.
func idMapText(ranges []inspect.IDRange) string {
	switch {
	case len(ranges) == 0:
		return "nothing mapped"
	case len(ranges) == 1 && ranges[0] == inspect.IDRange{Count: math.MaxUint32}:
		return "all ids"
	}
	const most = 3
	texts := make([]string, min(len(ranges), most))
	for i, r := range ranges[:len(texts)] {
		texts[i] = fmt.Sprintf("%d:%d:%d", r.Inside, r.Outside, r.Count)
	}
	if more := len(ranges) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(texts, ",")
}
