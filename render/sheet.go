package render

import (
	"bytes"
	"io"
	"strings"
)

// labelWidth is the width of the labels of a sheet.
const labelWidth = 16

// sheet is a text of titled sections for one thing: lines of a label and
// what it says. All text passes [Sanitize].
type sheet struct {
	b bytes.Buffer
	o Options
}

func newSheet(o Options) *sheet { return &sheet{o: o} }

// title begins a section. note says more about it, in the same line.
func (s *sheet) title(text, note string) {
	if s.b.Len() > 0 {
		s.b.WriteByte('\n')
	}
	s.b.WriteString(s.o.Paint(Heading, s.clean(text)))
	if note != "" {
		s.b.WriteString("  " + s.clean(note))
	}
	s.b.WriteByte('\n')
}

// line writes values below each other beside a label; none where there are
// no values. Empty values are left out.
func (s *sheet) line(label string, values ...string) { s.styled(Plain, label, values...) }

func (s *sheet) styled(st Style, label string, values ...string) {
	label = s.clean(label)
	for _, v := range values {
		if v == "" {
			continue
		}
		s.b.WriteString("  " + s.o.Paint(Faint, label) + strings.Repeat(" ", max(labelWidth-2-Width(label), 1)))
		s.b.WriteString(s.o.Paint(st, s.clean(v)) + "\n")
		label = ""
	}
}

// words writes a list beside a label, broken into lines where the terminal
// ends.
func (s *sheet) words(label string, words []string) {
	room := s.o.Width - labelWidth
	var lines []string
	line := ""
	for i, w := range words {
		if i < len(words)-1 {
			w += ","
		}
		if s.o.Width > 0 && line != "" && Width(s.clean(line))+1+Width(s.clean(w)) > room {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+w, " ")
	}
	s.line(label, append(lines, line)...)
}

// table writes a table, indented as the lines are. It is not cut where the
// terminal ends: what is shown of one thing is shown in full.
func (s *sheet) table(t *Table) error {
	o := s.o
	o.Width = 0
	var b bytes.Buffer
	if err := t.Write(&b, o); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		s.b.WriteString("  " + line)
	}
	return nil
}

// clean makes text safe for the terminal, and plain for one without UTF-8.
func (s *sheet) clean(text string) string {
	text = Sanitize(text)
	if s.o.ASCII {
		return plainWords.Replace(text)
	}
	return text
}

// plainWords spells our own signs for terminals without UTF-8.
var plainWords = strings.NewReplacer("–", "-", "→", "->")

func (s *sheet) writeTo(w io.Writer) error {
	_, err := s.b.WriteTo(w)
	return err
}
