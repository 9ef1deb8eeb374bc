package render

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// memberships writes a table of the namespaces of a process. own is the name
// of its container, "" for none.
func (s *sheet) memberships(list []graph.Membership, own string) error {
	t := Table{Head: []Head{{Text: "KIND"}, {Text: "NS", Right: true}, {Text: "NPROCS", Right: true}, {Text: "SHARED WITH"}}}
	for _, m := range list {
		row := []string{m.Link, orUnknown(m.NS), orUnknown(m.NProcs), s.clean(sharingWords(&m, own))}
		t.Rows = append(t.Rows, row)
	}
	t.Style = func(row, column int) Style {
		if host := list[row].Host; column == 3 && host != nil && *host {
			return Faint
		}
		return Plain
	}
	return s.table(&t)
}

// orUnknown is a number or, where it is not known, "?".
func orUnknown[N ~int | ~uint32 | ~uint64](n *N) string {
	if n == nil {
		return "?"
	}
	return strconv.FormatUint(uint64(*n), 10)
}

// sharingWords says with whom a namespace is shared, and what it holds.
func sharingWords(m *graph.Membership, own string) string {
	words := ""
	switch {
	case m.NS == nil:
		return "not read"
	case m.Host != nil && *m.Host:
		words = "the host"
	case m.SharedWith == nil:
		words = "not looked at"
	case m.SharedWith.Alone() && own == "":
		words = "nobody"
	case m.SharedWith.Alone():
		words = "nobody outside " + own
	default:
		words = othersWords(m.SharedWith)
	}
	return strings.Join(append([]string{words}, holds(m.UTS, m.TimeOffsets, m.Names)...), "; ")
}

// othersWords names who is in a namespace.
func othersWords(s *graph.Sharing) string {
	var parts []string
	for _, c := range s.Containers {
		parts = append(parts, fmt.Sprintf("%s (%s)", c.Name, count(c.NProcs, "process", "processes")))
	}
	for _, p := range s.Processes {
		parts = append(parts, leadText(&p))
	}
	if more := s.Others - len(s.Processes); more > 0 {
		parts = append(parts, count(more, "more process", "more processes"))
	}
	if s.Unknown > 0 {
		parts = append(parts, count(s.Unknown, "process", "processes")+" not looked at")
	}
	return strings.Join(parts, ", ")
}

// leadText is "6000 tcpdump".
func leadText(p *graph.Lead) string {
	if p.Command == nil {
		return strconv.Itoa(p.PID)
	}
	return fmt.Sprintf("%d %s", p.PID, *p.Command)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// holds says what a namespace of a kind that has names, a hostname or clock
// offsets holds.
func holds(uts *inspect.UTSName, offsets *inspect.TimeOffsets, names []string) []string {
	var parts []string
	if len(names) > 0 {
		parts = append(parts, "named "+strings.Join(names, ", "))
	}
	if uts != nil {
		parts = append(parts, "hostname "+uts.Hostname)
	}
	if offsets != nil && *offsets != (inspect.TimeOffsets{}) {
		parts = append(parts, "monotonic "+graph.OffsetWords(offsets.Monotonic), "boottime "+graph.OffsetWords(offsets.Boottime))
	}
	return parts
}

func ageOf(seconds *int64) time.Duration {
	if seconds == nil {
		return 0
	}
	return time.Duration(*seconds) * time.Second
}
