package render

import (
	"bufio"
	"bytes"
	"io"
	"strings"
)

// gap is the number of blanks between two columns.
const gap = 2

// manyRows is the number of rows above which a table is aligned here instead
// of by the table library, which takes 15 µs and more a row, 0.4 s for 10,000
// of them; see BenchmarkTable. Both give the same bytes.
const manyRows = 32

// minLast is the width to which the last column is cut at most: on a terminal
// narrower than that a line rather wraps than lose its sense.
const minLast = 8

// Table is rows of cells under headings. Its columns are aligned by the width
// that text has on a terminal. Every cell passes [Sanitize].
type Table struct {
	Head []Head
	// Rows have one cell for each heading; missing ones are blank.
	Rows [][]string
	// Style gives a cell its style; nil: all plain.
	Style func(row, column int) Style
	// NoHeadings leaves the line of headings out.
	NoHeadings bool
}

// Head is the head of a column.
type Head struct {
	Text  string
	Right bool // align right, for numbers
}

// Write writes the table. On a terminal the last column is cut to its width.
func (t *Table) Write(w io.Writer, o Options) error {
	if len(t.Head) == 0 {
		return nil
	}
	g := t.grid(o)
	if len(g.rows) > manyRows || g.beyondASCII {
		return g.write(w)
	}
	return g.writeLibrary(w)
}

// grid is a table with nothing left to decide but where the blanks go.
type grid struct {
	right  []bool
	widths []int // of the columns
	rows   [][]cell
	color  bool
	// beyondASCII says that cells have characters of whose width opinions
	// differ; the library's also depends on the locale.
	beyondASCII bool
}

type cell struct {
	text  string // with colour
	width int    // of what shows of it
}

func (t *Table) grid(o Options) *grid {
	g := &grid{right: make([]bool, len(t.Head)), widths: make([]int, len(t.Head)), color: o.Color}
	g.rows = make([][]cell, 0, len(t.Rows)+1)
	for i, h := range t.Head {
		g.right[i] = h.Right
		g.widths[i] = 1 // as the library has it for a column without text
	}
	if !t.NoHeadings {
		row := make([]string, len(t.Head))
		for i, h := range t.Head {
			row[i] = h.Text
		}
		g.add(row)
	}
	for _, row := range t.Rows {
		g.add(row)
	}
	g.cutLast(o)
	if o.Color {
		t.paint(g, o)
	}
	return g
}

// add appends a row of sanitised cells and widens the columns to hold it.
func (g *grid) add(texts []string) {
	row := make([]cell, len(g.widths))
	for i := range row {
		if i < len(texts) {
			row[i].text = Sanitize(texts[i])
			row[i].width = Width(row[i].text)
			g.widths[i] = max(g.widths[i], row[i].width)
			g.beyondASCII = g.beyondASCII || row[i].width != len(row[i].text)
		}
	}
	g.rows = append(g.rows, row)
}

// cutLast cuts the last column to what a terminal has room for.
func (g *grid) cutLast(o Options) {
	last := len(g.widths) - 1
	room := o.Width
	for _, w := range g.widths[:last] {
		room -= w + gap
	}
	room = max(room, minLast)
	if o.Width == 0 || g.widths[last] <= room {
		return
	}
	g.widths[last] = 0
	for _, row := range g.rows {
		c := &row[last]
		c.text = Truncate(c.text, room, o.ASCII)
		c.width = Width(c.text)
		g.widths[last] = max(g.widths[last], c.width)
	}
}

func (t *Table) paint(g *grid, o Options) {
	rows := g.rows
	if !t.NoHeadings {
		for i := range rows[0] {
			rows[0][i].text = o.Paint(Heading, rows[0][i].text)
		}
		rows = rows[1:]
	}
	if t.Style == nil {
		return
	}
	for r, row := range rows {
		for c := range row {
			row[c].text = o.Paint(t.Style(r, c), row[c].text)
		}
	}
}

// write aligns the cells itself.
func (g *grid) write(w io.Writer) error {
	out := bufio.NewWriterSize(w, 1<<15)
	blanks := []byte(strings.Repeat(" ", 64))
	pad := func(b []byte, n int) []byte {
		for ; n > len(blanks); n -= len(blanks) {
			b = append(b, blanks...)
		}
		return append(b, blanks[:max(n, 0)]...)
	}
	var line []byte
	for _, row := range g.rows {
		line = line[:0]
		for i, c := range row {
			fill := g.widths[i] - c.width
			if g.right[i] {
				line = append(pad(line, fill), c.text...)
				fill = 0
			} else {
				line = append(line, c.text...)
			}
			if i < len(row)-1 {
				line = pad(line, fill+gap)
			}
		}
		line = append(bytes.TrimRight(line, " "), '\n')
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return out.Flush()
}
