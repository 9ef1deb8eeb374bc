package doctor

import (
	"fmt"
	"strings"

	"nsinspect/inspect"
)

// unread says what could not be read, so that nothing was found there. What
// the snapshot reports as a problem is in its words; a network namespace that
// is in it without its network was not read either.
func unread(w *world, needs inspect.Facts) []Unknown {
	var out []Unknown
	s := w.x.Snapshot()
	for i := range s.Problems {
		p := &s.Problems[i]
		if p.Op == inspect.OpAskEngine {
			continue // names of containers: the checks that need more say so
		}
		out = append(out, Unknown{Object: objectOf(p), Why: p.Op + ": " + p.Err + consequence(p.Op), Hint: p.Hint})
	}
	if !needs.Has(inspect.FactNetwork) || !s.Scope.Has(inspect.FactNetwork) || len(out) > 0 {
		return out
	}
	for i := range s.Namespaces {
		n := &s.Namespaces[i]
		if n.Type == inspect.Net && w.byKey[fmt.Sprintf("net:[%d]", n.ID.Ino)] == nil {
			out = append(out, Unknown{
				Object: fmt.Sprintf("net:[%d]", n.ID.Ino), Why: "nothing is known of its interfaces", Namespaces: []uint64{n.ID.Ino},
			})
		}
	}
	return out
}

// consequence says what may be missing because something could not be read.
func consequence(op string) string {
	switch {
	case strings.HasPrefix(op, "read namespace links"):
		return "; namespaces and containers that no other process is in were not looked at"
	case strings.HasPrefix(op, "read open files"), op == "read fdinfo":
		return "; what these hold, and on which ports they listen, is not known"
	case strings.HasPrefix(op, "read netfilter"):
		return "; what its rules do to packets is not known"
	case strings.Contains(op, "network namespace"):
		return "; what is wrong in it is not known"
	}
	return ""
}

func objectOf(p *inspect.Problem) string {
	switch {
	case len(p.PIDs) == 1 && p.Count <= 1:
		return fmt.Sprintf("process %d", p.PIDs[0])
	case len(p.PIDs) > 0 && p.Total >= p.Count && p.Count > 0:
		return fmt.Sprintf("%d of %d processes, such as pid %d", p.Count, p.Total, p.PIDs[0])
	case p.Count > 1 && p.Path == "" && strings.HasSuffix(p.Op, "of processes"):
		return fmt.Sprintf("%d processes", p.Count)
	case p.Count > 1 && p.Total >= p.Count:
		return fmt.Sprintf("%d of %d, such as %s", p.Count, p.Total, p.Path)
	case p.Count > 1:
		return strings.TrimSpace(fmt.Sprintf("%d, such as %s", p.Count, p.Path))
	case p.Path == "":
		return "host"
	}
	return p.Path
}
