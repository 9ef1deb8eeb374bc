package render

import (
	"strconv"
	"strings"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// ProcessColumns returns the columns of a list of processes.
func ProcessColumns() Columns[graph.ProcessRow] {
	type row = graph.ProcessRow
	with := func(c Column[row], needs inspect.Facts, show Show) Column[row] {
		c.Needs, c.Show = needs, show
		return c
	}
	const (
		info = inspect.FactProcesses
		maps = info | inspect.FactOwners | inspect.FactIDMaps
	)
	return Columns[row]{
		with(Number("PID", "pid on the host", func(r *row) *int { return &r.PID }), 0, ShowAlways),
		with(Number("INSIDE PID", "pid inside the target", func(r *row) *int { return r.InsidePID }), info, ShowAlways),
		with(Number("PPID", "parent of PID", func(r *row) *int { return r.PPID }), info, ShowWide),
		{Name: "USER", Help: "effective user on the host", Text: processUser, Needs: info},
		with(Number("UID", "effective user id on the host", func(r *row) *uint32 { return r.UID }), info, ShowWide),
		{
			Name: "INSIDE UID", Help: "effective user id inside the target", Right: true, Needs: maps,
			Text: func(r *row) string { return insideID(r.InsideUID, r.UIDUnmapped) },
		},
		with(Number("GID", "effective group id on the host", func(r *row) *uint32 { return r.GID }), info, ShowWide),
		{
			Name: "INSIDE GID", Help: "effective group id inside the target", Right: true, Needs: maps, Show: ShowWide,
			Text: func(r *row) string { return insideID(r.InsideGID, r.GIDUnmapped) },
		},
		{
			Name: "STATE", Help: "R running, S sleeping, D disk sleep, Z zombie, T stopped, t traced, I idle", Needs: info,
			Text: func(r *row) string { return textOr(r.State) },
		},
		{Name: "STARTED", Help: "when it started, UTC", Needs: info, Show: ShowWide, Text: startedText, Compare: compareStarted},
		{Name: "AGE", Help: "how long it runs", Needs: info, Text: ageText, Compare: func(a, b *row) int { return compareStarted(b, a) }},
		{
			Name: "CONTAINER", Help: "container that it is in", Needs: info | inspect.FactContainers, Style: always[row](Name),
			Text: func(r *row) string {
				if r.Container == nil {
					return ""
				}
				return r.Container.Name
			},
		},
		{Name: "COMMAND", Help: "its name, its command line with --cmdline", Needs: info, Text: processCommand},
	}
}

func textOr(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func processUser(r *graph.ProcessRow) string { return nameOrUID(r.User, r.UID) }

// insideID is an id inside; one that is not mapped has no number there.
func insideID(id *uint32, unmapped bool) string {
	switch {
	case id != nil:
		return strconv.FormatUint(uint64(*id), 10)
	case unmapped:
		return "unmapped"
	}
	return ""
}

func startedText(r *graph.ProcessRow) string {
	if r.Started == nil {
		return ""
	}
	return r.Started.UTC().Format("2006-01-02 15:04:05")
}

func ageText(r *graph.ProcessRow) string {
	if r.Age == nil {
		return ""
	}
	return graph.DurationWords(ageOf(r.Age))
}

func compareStarted(a, b *graph.ProcessRow) int {
	if a.Started == nil || b.Started == nil {
		return 0
	}
	return a.Started.Compare(*b.Started)
}

func processCommand(r *graph.ProcessRow) string {
	if len(r.Cmdline) > 0 {
		return strings.Join(r.Cmdline, " ")
	}
	return textOr(r.Command)
}
