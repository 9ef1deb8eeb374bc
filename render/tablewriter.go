package render

import (
	"bytes"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/pkg/twwidth"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// writeLibrary has tablewriter align the cells. It stays at v1.1.1, whose
// package initialisation is a tenth of the later ones'.
func (g *grid) writeLibrary(w io.Writer) error {
	if len(g.rows) == 0 {
		return nil
	}
	twwidth.SetEastAsian(false) // else the locale decides how wide a line character is
	trim := &lineTrimmer{w: w}
	table := tablewriter.NewTable(trim, libraryOptions()...)
	for _, row := range g.rows {
		texts := make([]string, len(row))
		for i, c := range row {
			texts[i] = c.text
			if g.right[i] { // the library aligns right only with padding, which widens the column
				texts[i] = strings.Repeat(" ", g.widths[i]-c.width) + c.text
			}
		}
		if err := table.Append(texts); err != nil {
			return err
		}
	}
	if err := table.Render(); err != nil {
		return err
	}
	return trim.flush()
}

// libraryOptions ask for no borders, no lines, no wrapping and no changes of
// the text; the gap between columns is a separator.
func libraryOptions() []tablewriter.Option {
	return []tablewriter.Option{
		tablewriter.WithRenderer(renderer.NewBlueprint(tw.Rendition{
			Borders:  tw.BorderNone,
			Symbols:  tw.NewSymbolCustom("gap").WithColumn(strings.Repeat(" ", gap)),
			Settings: tw.Settings{Lines: tw.LinesNone, Separators: tw.Separators{BetweenColumns: tw.On}},
		})),
		tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithRowAutoFormat(tw.Off),
		tablewriter.WithTrimSpace(tw.Off),
		tablewriter.WithRowAlignment(tw.AlignLeft),
		tablewriter.WithPadding(tw.PaddingNone),
	}
}

// lineTrimmer drops the blanks at the end of each line.
type lineTrimmer struct {
	w   io.Writer
	buf bytes.Buffer
}

func (t *lineTrimmer) Write(p []byte) (int, error) { return t.buf.Write(p) }

func (t *lineTrimmer) flush() error {
	var out []byte
	for line := range bytes.Lines(t.buf.Bytes()) {
		line = bytes.TrimRight(bytes.TrimSuffix(line, []byte("\n")), " ")
		out = append(append(out, line...), '\n')
	}
	_, err := t.w.Write(out)
	return err
}
