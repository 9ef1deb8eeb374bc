package render

import (
	"fmt"
	"strings"

	"nsinspect/inspect"
)

// ProblemLine says in one line what a view lacks because it could not be
// read; "" when it lacks nothing. Processes are counted, one other problem is
// told in full, more are counted too.
func ProblemLine(problems []inspect.Problem) string {
	what, others := countProcesses(problems)
	if what == "" && len(others) > 0 {
		what, others = problemText(others[0]), others[1:]
	} else if len(others) == 1 {
		what, others = what+"; "+problemText(others[0]), nil
	}
	if len(others) > 0 {
		what += fmt.Sprintf(" (and %d more, listed by -o json)", len(others))
	}
	return Sanitize(strings.TrimSpace(what))
}

// countProcesses says how many processes the problems are about and returns
// the problems that are about none. It is "" where that is not known.
func countProcesses(problems []inspect.Problem) (string, []inspect.Problem) {
	pids := map[int]bool{}
	total := 0
	hint := ""
	var others []inspect.Problem
	for _, p := range problems {
		if len(p.PIDs) == 0 {
			others = append(others, p)
			continue
		}
		for _, pid := range p.PIDs {
			pids[pid] = true
		}
		total = max(total, p.Total)
		if hint == "" {
			hint = p.Hint
		}
	}
	if len(pids) == 0 || total < len(pids) {
		return "", problems
	}
	what := fmt.Sprintf("%d of %d processes could not be read", len(pids), total)
	return withHint(what, hint), others
}

func problemText(p inspect.Problem) string {
	what := p.Op
	if p.Path != "" {
		what += ": " + p.Path
	}
	return withHint(what+": "+p.Err, p.Hint)
}

func withHint(what, hint string) string {
	if hint == "" {
		return what
	}
	return what + ": " + hint
}
