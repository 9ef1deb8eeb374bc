package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"nsinspect/graph"
	"nsinspect/inspect"
)

func utc(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// changeTable writes a titled table of changes; kinds are those of its rows.
func (s *sheet) changeTable(title string, kinds []inspect.ChangeKind, heads []Head, rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	n := map[inspect.ChangeKind]int{}
	for i, kind := range kinds {
		n[kind]++
		rows[i] = append([]string{string(kind)}, rows[i]...)
	}
	var parts []string
	for _, kind := range []inspect.ChangeKind{inspect.Appeared, inspect.Went, inspect.Changed} {
		if n[kind] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[kind], kind))
		}
	}
	s.title(title, strings.Join(parts, ", "))
	return s.table(&Table{
		Head: append([]Head{{Text: "CHANGE"}}, heads...), Rows: rows,
		Style: func(row, column int) Style {
			if column > 0 {
				return Plain
			}
			return map[inspect.ChangeKind]Style{inspect.Appeared: Good, inspect.Went: Bad, inspect.Changed: Warning}[kinds[row]]
		},
	})
}

func (v Changes) containers(s *sheet) error {
	var rows [][]string
	var kinds []inspect.ChangeKind
	for _, c := range v.Containers {
		kinds = append(kinds, c.Change)
		rows = append(rows, []string{c.Name, c.ID[:min(len(c.ID), 12)], dash(s.clean(fieldWords(c.Fields)))})
	}
	return s.changeTable("containers", kinds, []Head{{Text: "CONTAINER"}, {Text: "ID"}, {Text: "WHAT"}}, rows)
}

func (v Changes) namespaces(s *sheet) error {
	var rows [][]string
	var kinds []inspect.ChangeKind
	for i := range v.Namespaces {
		n := &v.Namespaces[i]
		kinds = append(kinds, n.Change)
		who := whoText(&n.Row)
		if n.Host != nil && *n.Host {
			who = "the host"
		}
		rows = append(rows, []string{nsName(n.Type, n.NS), dash(who), dash(s.clean(namespaceWords(n)))})
	}
	return s.changeTable("namespaces", kinds, []Head{{Text: "NAMESPACE"}, {Text: "WHO"}, {Text: "WHAT"}}, rows)
}

// namespaceWords says what is different in a namespace.
func namespaceWords(n *graph.ChangedNamespace) string {
	var parts []string
	if words := fieldWords(n.Fields); words != "" {
		parts = append(parts, words)
	}
	joined, left := "joined by ", "left by "
	if n.Change != inspect.Changed {
		joined, left = "with ", "with "
	}
	if len(n.Joined) > 0 {
		parts = append(parts, joined+pidList(n.Joined))
	}
	if len(n.Left) > 0 {
		parts = append(parts, left+pidList(n.Left))
	}
	return strings.Join(parts, "; ")
}

// shownPids is how many pids a change names.
const shownPids = 3

// pidList names a few pids and counts many.
func pidList(pids []int) string {
	if len(pids) > shownPids {
		return fmt.Sprintf("%d processes", len(pids))
	}
	words := make([]string, len(pids))
	for i, pid := range pids {
		words[i] = strconv.Itoa(pid)
	}
	return strings.Join(words, ", ")
}

func fieldWords(fields []inspect.FieldChange) string {
	words := make([]string, len(fields))
	for i, f := range fields {
		words[i] = fmt.Sprintf("%s %s → %s", f.Field, dash(f.From), dash(f.To))
	}
	return strings.Join(words, "; ")
}

func (v Changes) processes(s *sheet) error {
	var rows [][]string
	var kinds []inspect.ChangeKind
	for i := range v.Processes {
		p := &v.Processes[i]
		kinds = append(kinds, p.Change)
		rows = append(rows, []string{strconv.Itoa(p.PID), containerName(p.Container), orDash(p.Command), dash(s.clean(fieldWords(p.Fields)))})
	}
	heads := []Head{{Text: "PID", Right: true}, {Text: "CONTAINER"}, {Text: "COMMAND"}, {Text: "WHAT"}}
	return s.changeTable("processes", kinds, heads, rows)
}
