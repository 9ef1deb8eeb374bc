package render

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"nsinspect/graph/doctor"
)

// Doctor is the view of what is broken on a host.
type Doctor struct{ *doctor.Report }

// Document returns the report.
func (v Doctor) Document() any { return v.Report }

// Targets returns the ids of the checks that found something.
func (v Doctor) Targets() []string {
	var ids []string
	for i := range v.Findings {
		if id := v.Findings[i].Check; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Text writes each finding with cause, evidence and fix, then what could not
// be determined.
func (v Doctor) Text(w io.Writer, _ bool, o Options) error {
	s := newSheet(o)
	for i := range v.Findings {
		s.finding(&v.Findings[i])
	}
	if len(v.Undetermined) > 0 {
		s.title("could not be determined", "")
		for _, u := range v.Undetermined {
			s.unknown(&u)
		}
	}
	if s.b.Len() > 0 {
		s.b.WriteByte('\n')
	}
	s.b.WriteString(v.sum() + "\n")
	return s.writeTo(w)
}

// unknown writes what could not be told, which checks it concerns, and what
// to do about it.
func (s *sheet) unknown(u *doctor.Unknown) {
	text := u.Object + ": " + u.Why
	switch n := len(u.Checks); {
	case n > 3:
		text += fmt.Sprintf(" (%d checks)", n)
	case n > 0:
		text += " (" + strings.Join(u.Checks, ", ") + ")"
	}
	s.b.WriteString("  " + s.clean(text) + "\n")
	if u.Hint != "" {
		s.b.WriteString("    " + s.o.Paint(Faint, s.clean(u.Hint)) + "\n")
	}
}

// sum says in one line what the checks came to.
func (v Doctor) sum() string {
	n := map[doctor.Severity]int{}
	for i := range v.Findings {
		n[v.Findings[i].Severity]++
	}
	text := count(len(v.Checks), "check", "checks") + ": "
	if len(v.Findings) == 0 {
		text += "nothing found"
	} else {
		text += fmt.Sprintf("%s, %s, %s", count(n[doctor.Fault], "fault", "faults"), count(n[doctor.Warning], "warning", "warnings"), count(n[doctor.Note], "note", "notes"))
	}
	if len(v.Undetermined) > 0 {
		text += "; not all could be determined"
	}
	return text
}

// finding writes one finding.
func (s *sheet) finding(f *doctor.Finding) {
	style := map[doctor.Severity]Style{doctor.Fault: Bad, doctor.Warning: Warning, doctor.Note: Faint}[f.Severity]
	if s.b.Len() > 0 {
		s.b.WriteByte('\n')
	}
	s.b.WriteString(s.o.Paint(style, string(f.Severity)) + "  " + s.o.Paint(Heading, s.clean(f.Object)) + "  " + s.o.Paint(Faint, f.Check) + "\n")
	s.line("cause", f.Cause)
	label := "evidence"
	for _, e := range f.Evidence {
		s.line(label, e.Fact)
		s.styled(Name, "", indented(e.Command))
		label = ""
	}
	if f.Fix != nil {
		s.line("fix", f.Fix.Text)
		s.styled(Name, "", indented(f.Fix.Command))
	}
	s.styled(Faint, "see", f.Reference)
}

// DoctorChecks is the list of checks.
type DoctorChecks struct{ Checks []doctor.Check }

// doctorCheck is a check in JSON.
type doctorCheck struct {
	ID        string          `json:"id"`
	Severity  doctor.Severity `json:"severity"`
	Title     string          `json:"title"`
	About     string          `json:"about"`
	Reference string          `json:"reference"`
}

// Document returns the checks under the key checks.
func (v DoctorChecks) Document() any {
	list := []doctorCheck{}
	for i := range v.Checks {
		c := &v.Checks[i]
		list = append(list, doctorCheck{c.ID, c.Severity, c.Title, c.About, c.Reference})
	}
	return map[string]any{"checks": list, "format": 1}
}

// Text writes one check a line.
func (v DoctorChecks) Text(w io.Writer, _ bool, o Options) error {
	t := Table{Head: []Head{{Text: "CHECK"}, {Text: "SEVERITY"}, {Text: "FINDS THAT"}}}
	for i := range v.Checks {
		t.Rows = append(t.Rows, []string{v.Checks[i].ID, string(v.Checks[i].Severity), v.Checks[i].Title})
	}
	return t.Write(w, o)
}

// Targets returns the ids of the checks.
func (v DoctorChecks) Targets() []string {
	var ids []string
	for i := range v.Checks {
		ids = append(ids, v.Checks[i].ID)
	}
	return ids
}

// indented sets a command apart from what it is about.
func indented(command string) string {
	if command == "" {
		return ""
	}
	return "  " + command
}
