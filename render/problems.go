package render

import (
	"fmt"
	"strings"

	"nsinspect/inspect"
)

// ProblemLine says in one line what a view lacks because it could not be
// read; "" when it lacks nothing.
func ProblemLine(problems []inspect.Problem) string {
	if len(problems) == 0 {
		return ""
	}
	first, rest := problems[0], len(problems)-1
	var what string
	pids := map[int]bool{}
	total := 0
	for _, p := range problems {
		for _, pid := range p.PIDs {
			pids[pid] = true
		}
		if len(p.PIDs) > 0 {
			total = max(total, p.Total)
		}
	}
	switch {
	case len(pids) > 0 && total >= len(pids):
		what, rest = fmt.Sprintf("%d of %d processes could not be read", len(pids), total), 0
		for _, p := range problems {
			if len(p.PIDs) == 0 {
				rest++
			} else if first.Hint == "" || len(first.PIDs) == 0 {
				first = p
			}
		}
	case first.Path != "":
		what = fmt.Sprintf("%s: %s: %s", first.Op, first.Path, first.Err)
	default:
		what = fmt.Sprintf("%s: %s", first.Op, first.Err)
	}
	if first.Hint != "" {
		what += ": " + first.Hint
	}
	if rest > 0 {
		what += fmt.Sprintf(" (and %d more, listed by -o json)", rest)
	}
	return Sanitize(strings.TrimSpace(what))
}
