package render

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"nsinspect/inspect"
)

// ProblemLines says what a view lacks because it could not be read; nil when
// it lacks nothing. Processes are counted in one line, another problem is told
// in a second one, and more of them are counted there.
func ProblemLines(problems []inspect.Problem) []string {
	var lines []string
	what, others := countProcesses(problems)
	if what != "" {
		lines = append(lines, Sanitize(what))
	}
	if len(others) == 0 {
		return lines
	}
	other := problemText(others[0])
	if n := len(others) - 1; n > 0 {
		other += fmt.Sprintf(" (and %s more, see problems in -o json)", count(n, "problem", "problems"))
	}
	return append(lines, Sanitize(other))
}

// countProcesses says how many processes the problems are about and returns
// the problems that are about none. It is "" where that is not known.
func countProcesses(problems []inspect.Problem) (string, []inspect.Problem) {
	pids := map[int]bool{}
	var first *inspect.Problem
	total := 0
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
		if first == nil || first.Hint == "" && p.Hint != "" {
			first = &p
		}
	}
	if len(pids) == 0 || total < len(pids) {
		return "", problems
	}
	what := fmt.Sprintf("%d of %d processes could not be read%s: %s", len(pids), total, few(pids), first.Err)
	return withHint(what, first.Hint), others
}

// few names the processes where they are not many.
func few(pids map[int]bool) string {
	if len(pids) > 3 {
		return ""
	}
	var words []string
	for _, pid := range slices.Sorted(maps.Keys(pids)) {
		words = append(words, strconv.Itoa(pid))
	}
	if len(words) == 1 {
		return " (pid " + words[0] + ")"
	}
	return " (pids " + strings.Join(words, ", ") + ")"
}

func problemText(p inspect.Problem) string {
	what := "cannot " + p.Op
	if p.Path != "" {
		what += " (" + p.Path + ")"
	}
	return withHint(what+": "+p.Err, p.Hint)
}

func withHint(what, hint string) string {
	if hint == "" {
		return what
	}
	return what + "; " + hint
}
