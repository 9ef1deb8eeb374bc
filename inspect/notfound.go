package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// notFound explains why there is nothing.
func (f *finder) notFound() error {
	e := &NotFoundError{Word: f.word, Reason: f.reason, Near: f.near}
	if e.Reason != "" {
		return e
	}
	digits := strings.TrimPrefix(f.word, "pid:")
	if pid, err := parsePID(digits); err == nil {
		e.Reason, e.Near = f.x.noProcess(pid)
		return e
	}
	_, name, ok := strings.Cut(f.word, ":")
	if !ok {
		name = f.word
	}
	e.Near = f.x.near(name)
	switch has := f.x.s.Scope.Has; {
	case strings.Contains(f.word, ":["):
		e.Reason = "no kind of namespace is called so"
	case !has(FactContainers) && !has(FactNames):
		e.Reason, e.hint = "neither containers nor names of namespaces were looked at", hintContainers
	case !has(FactContainers):
		e.Reason, e.hint = "containers were not looked at", hintContainers
	case f.x.silentEngine() != nil:
		p := f.x.silentEngine()
		e.Reason, e.hint = "the container engine at "+p.Path+" did not tell names: "+p.Err, p.Hint
	case !has(FactNames):
		e.Reason = "names of namespaces were not looked at"
	}
	return e
}

// silentEngine returns the problem of a container engine that did not answer,
// nil when all did.
func (x *Index) silentEngine() *Problem {
	for i := range x.s.Problems {
		if p := &x.s.Problems[i]; p.Op == OpAskEngine {
			return p
		}
	}
	return nil
}

const hintContainers = "leave out --no-containers, or name it by pid"

// noProcess says what a number is that is no pid here: mostly one of a
// container.
func (x *Index) noProcess(pid int) (reason string, near []string) {
	for i := range x.s.Processes {
		p := &x.s.Processes[i]
		if p.Info == nil || len(p.Info.NSpid) < 2 || !slices.Contains(p.Info.NSpid[1:], pid) {
			continue
		}
		if reason == "" {
			reason = fmt.Sprintf("no process has this pid here; inside of %s it is another's", x.describe(p))
		}
		if len(near) < 3 {
			near = append(near, "pid:"+strconv.Itoa(p.PID))
		}
	}
	if reason == "" {
		reason = fmt.Sprintf("there is no process %d", pid)
	}
	return reason, near
}

// describe names the container or pid namespace of a process.
func (x *Index) describe(p *Process) string {
	if c := x.ContainerOf(p.PID); c != nil {
		return c.DisplayName()
	}
	return linkText(PID, p.NS.Of(PID))
}

// near returns up to three names of the snapshot that a word may be a
// misspelling of, the nearest first.
func (x *Index) near(word string) []string {
	const longest = 64 // of a name that somebody types; it bounds the work
	if len(word) > longest {
		return nil
	}
	type match struct {
		name     string
		distance int
	}
	var matches []match
	try := func(name string) {
		if name == "" || len(name) > longest {
			return
		}
		if d := distance(word, name); d <= min(2, (len(word)+1)/3) {
			matches = append(matches, match{name, d})
		} else if len(word) >= 3 && len(name) > len(word) && name[:len(word)] == word {
			matches = append(matches, match{name, 3})
		}
	}
	for i := range x.s.Containers {
		try(x.s.Containers[i].Name)
		try(x.s.Containers[i].Service())
	}
	for i := range x.s.Refs {
		try(x.s.Refs[i].name())
	}
	try("self")
	slices.SortFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	matches = slices.Compact(matches)
	var names []string
	for _, m := range matches[:min(len(matches), 3)] {
		names = append(names, m.name)
	}
	return names
}

// distance is the number of bytes to insert, delete, replace or swap with the
// next one that makes b of a (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
