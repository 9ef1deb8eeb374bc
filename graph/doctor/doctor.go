// Package doctor finds what is broken on a host: each check is a pure
// function of the facts of a snapshot, and says nothing of a healthy host.
//
// A wrong finding costs more than a missed one: a check speaks only when the
// facts leave no other way to read them, and says when they do not suffice.
package doctor

import (
	"cmp"
	"slices"

	"nsinspect/graph"
	"nsinspect/inspect"
)

// Severity says how bad a finding is.
type Severity string

// The severities, the worst first.
const (
	Fault   Severity = "fault"   // something does not work
	Warning Severity = "warning" // it works for now, or for some
	Note    Severity = "note"    // nothing is wrong, but good to know
)

// rank orders severities, the worst first.
func (s Severity) rank() int { return slices.Index([]Severity{Fault, Warning, Note}, s) }

// Evidence is a fact that a finding rests on.
type Evidence struct {
	Fact string `json:"fact"`
	// Command shows it; "" when none does. It changes nothing.
	Command string `json:"command,omitempty"`
}

// Fix is what repairs it.
type Fix struct {
	Text string `json:"text"`
	// Command can be typed as it is; "" when there is none for all cases.
	Command string `json:"command,omitempty"`
}

// Finding is one thing that a check found.
type Finding struct {
	Check    string     `json:"check"`
	Severity Severity   `json:"severity"`
	Object   string     `json:"object"` // what it is about: "bridge docker0"
	Cause    string     `json:"cause"`
	Evidence []Evidence `json:"evidence"`
	Fix      *Fix       `json:"fix"` // nil: nothing to be done, or nothing that is known
	// Reference is where to read more.
	Reference string `json:"reference"`
	// Namespaces are the inodes of the namespaces concerned.
	Namespaces []uint64 `json:"namespaces"`
}

// Unknown is something that could not be determined.
type Unknown struct {
	Checks []string `json:"checks"` // that cannot tell; empty: any may be concerned
	Object string   `json:"object"`
	Why    string   `json:"why"`
	Hint   string   `json:"hint,omitempty"` // what to do about it
	// Namespaces are the inodes of the namespaces concerned; empty: any.
	Namespaces []uint64 `json:"namespaces,omitempty"`
}

// Check is one check.
type Check struct {
	ID    string
	Title string // what it finds, one line
	About string // how it tells, and what it does not report
	// Severity is the worst that it reports.
	Severity  Severity
	Reference string
	// Needs are the facts without which it cannot tell.
	Needs inspect.Facts
	// Also are facts that it needs only where those of Needs raise a suspicion,
	// for they are costly to read: see [More].
	Also    inspect.Facts
	suspect func(*world) bool
	run     func(*exam)
}

// Report is what all checks found.
type Report struct {
	// Findings are by severity, then in the order of the checks.
	Findings []Finding `json:"findings"`
	// Undetermined is what could not be told, and why.
	Undetermined []Unknown         `json:"undetermined"`
	Checks       []string          `json:"checks"` // that were run
	Problems     []inspect.Problem `json:"problems"`
	Format       int               `json:"format"`
}

// Worst returns the severity of the worst finding, "" when there is none.
func (r *Report) Worst() Severity {
	if len(r.Findings) == 0 {
		return ""
	}
	return r.Findings[0].Severity
}

// exam is a check while it runs.
type exam struct {
	*world
	check  *Check
	report *Report
}

// find reports a finding. The check's id and reference are filled in, its
// severity too where the finding has none.
func (e *exam) find(f Finding) {
	f.Check, f.Reference, f.Severity = e.check.ID, e.check.Reference, cmp.Or(f.Severity, e.check.Severity)
	slices.Sort(f.Namespaces)
	f.Namespaces = slices.Compact(f.Namespaces)
	e.report.Findings = append(e.report.Findings, f)
}

// unknown reports that the check cannot tell of an object, and why.
func (e *exam) unknown(object, why string, in ...*space) {
	e.report.Undetermined = append(e.report.Undetermined, Unknown{Checks: []string{e.check.ID}, Object: object, Why: why, Namespaces: inodes(in...)})
}

// rulesRead reports whether the rules of nf_tables of a namespace are known,
// and says so where they are not: without them nothing is healthy.
func (e *exam) rulesRead(sp *space) bool {
	if sp.rules == nil {
		e.unknown("packet filter"+sp.of(), "its rules could not be read", sp)
	}
	return sp.rules != nil
}

// merge makes one of what several checks could not tell for the same reason.
func merge(list []Unknown) []Unknown {
	out := []Unknown{}
	for _, u := range list {
		i := slices.IndexFunc(out, func(o Unknown) bool {
			return o.Object == u.Object && o.Why == u.Why && slices.Equal(o.Namespaces, u.Namespaces)
		})
		switch {
		case i < 0:
			u.Checks = append([]string{}, u.Checks...)
			out = append(out, u)
		case len(u.Checks) > 0 && !slices.Contains(out[i].Checks, u.Checks[0]):
			out[i].Checks = append(out[i].Checks, u.Checks...)
		}
	}
	return out
}

// lacking are the checks that a snapshot has not the facts for.
type lacking struct {
	checks []string
	facts  inspect.Facts
}

func (l *lacking) add(check string, f inspect.Facts) {
	l.checks, l.facts = append(l.checks, check), l.facts|f
}

func (l *lacking) unknown() []Unknown {
	if l.facts == 0 {
		return nil
	}
	return []Unknown{{
		Checks: l.checks, Object: "snapshot", Why: "it was made without " + words(l.facts),
		Hint: "take another on the host: nsinspect snapshot > host.json",
	}}
}

// Facts are what the checks need together.
func Facts(checks []Check) inspect.Facts {
	f := inspect.FactTasks
	for i := range checks {
		f |= checks[i].Needs
	}
	return f
}

// More returns the facts that checks need beside [Facts] to judge what is in
// x; 0 where there is nothing to judge, as on a healthy host.
func More(x *inspect.Index, checks []Check) inspect.Facts {
	var w *world
	var f inspect.Facts
	have, _ := x.Snapshot().Scope.Set()
	for i := range checks {
		if c := &checks[i]; c.suspect != nil && !have.Has(c.Also) {
			if w == nil {
				w = newWorld(x)
			}
			if c.suspect(w) {
				f |= c.Also
			}
		}
	}
	return f
}

// Examine runs checks on a snapshot.
func Examine(x *inspect.Index, checks []Check) *Report {
	s := x.Snapshot()
	r := &Report{
		Findings: []Finding{}, Undetermined: []Unknown{}, Checks: []string{}, Format: inspect.Format,
		Problems: append([]inspect.Problem{}, s.Problems...),
	}
	w := newWorld(x)
	have, _ := s.Scope.Set()
	lacks := lacking{}
	for i := range checks {
		c := &checks[i]
		r.Checks = append(r.Checks, c.ID)
		missing := c.Needs &^ have
		if also := c.Also &^ have; missing == 0 && also != 0 {
			if !c.suspect(w) {
				continue
			}
			missing = also
		}
		if missing != 0 {
			lacks.add(c.ID, missing)
			continue
		}
		c.run(&exam{world: w, check: c, report: r})
	}
	r.Undetermined = merge(slices.Concat(r.Undetermined, lacks.unknown(), unread(w, Facts(checks))))
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(a.Severity.rank(), b.Severity.rank()) })
	return r
}

// Narrow keeps what concerns a target with these namespaces. Of a target that
// is not the host itself, what it shares with the host says nothing; of the
// namespaces that its network hangs on, what they do to its packets does.
func (r *Report) Narrow(x *inspect.Index, links inspect.Links) {
	own := links.Of(inspect.Net) == x.Own(inspect.Net)
	want := map[uint64]bool{}
	for _, t := range inspect.Types {
		if id := links.Of(t); !id.IsZero() && (own || !x.IsOwn(id)) {
			want[id.Ino] = true
		}
	}
	concerns := func(list []uint64) bool {
		return slices.ContainsFunc(list, func(ino uint64) bool { return want[ino] })
	}
	r.Findings = slices.DeleteFunc(r.Findings, func(f Finding) bool { return !concerns(f.Namespaces) })
	r.Undetermined = slices.DeleteFunc(r.Undetermined, func(u Unknown) bool { return len(u.Namespaces) > 0 && !concerns(u.Namespaces) })
}

// fact is an evidence, with the command that shows it.
func fact(command, text string) Evidence { return Evidence{Fact: text, Command: command} }

// word is a word of a shell.
func word(s string) string { return graph.ShellWord(s) }

// either is the word for one or for another number.
func either(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
