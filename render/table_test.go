package render

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func TestTablePathsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols := rapid.IntRange(1, 6).Draw(t, "columns")
		// Of the width of other characters the two may think differently.
		word := rapid.OneOf(rapid.StringMatching(`[a-z0-9 ]{0,12}`), rapid.StringMatching(`[\x00-\x7f]{0,12}`),
			rapid.SampledFrom([]string{"", " ", "\x1b[31mred", "a\nb", "-"}))
		table := Table{NoHeadings: rapid.Bool().Draw(t, "no headings")}
		for range cols {
			table.Head = append(table.Head, Head{word.Draw(t, "heading"), rapid.Bool().Draw(t, "right")})
		}
		for range rapid.IntRange(0, 8).Draw(t, "rows") {
			table.Rows = append(table.Rows, rapid.SliceOfN(word, 0, cols).Draw(t, "row"))
		}
		table.Style = func(r, c int) Style { return Style((r + c) % int(Bad+1)) }
		o := Options{Width: rapid.SampledFrom([]int{0, 10, 40, 80}).Draw(t, "width"), Color: rapid.Bool().Draw(t, "color")}
		var own, library bytes.Buffer
		if err := table.grid(o).write(&own); err != nil {
			t.Fatal(err)
		}
		if err := table.grid(o).writeLibrary(&library); err != nil {
			t.Fatal(err)
		}
		if own.String() != library.String() {
			t.Errorf("own path:\n%q\nlibrary:\n%q", own.String(), library.String())
		}
	})
}

func TestTableOnTerminal(t *testing.T) {
	table := Table{
		Head: []Head{{"NS", true}, {"NAME", false}, {"COMMAND", false}},
		Rows: [][]string{{"7", "日本", "a very long command line"}, {"4026531840", "x", "日本語日本語日本語"}, {"1"}},
	}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, "        NS  NAME  COMMAND\n         7  日本  a very long command line\n4026531840  x     日本語日本語日本語\n         1\n"},
		{Options{Width: 28}, "        NS  NAME  COMMAND\n         7  日本  a very lo…\n4026531840  x     日本語日…\n         1\n"},
		{Options{Width: 28, ASCII: true}, "        NS  NAME  COMMAND\n         7  日本  a very lo~\n4026531840  x     日本語日~\n         1\n"},
		{Options{Width: 5}, "        NS  NAME  COMMAND\n         7  日本  a very …\n4026531840  x     日本語…\n         1\n"},
	} {
		var b bytes.Buffer
		if err := table.Write(&b, c.o); err != nil {
			t.Fatal(err)
		}
		if b.String() != c.want {
			t.Errorf("%+v:\n%s\nwant\n%s", c.o, b.String(), c.want)
		}
	}
}

func TestTruncate(t *testing.T) {
	for _, c := range []struct {
		s     string
		width int
		want  string
	}{
		{"web1", 4, "web1"},
		{"web12", 4, "web…"},
		{"日本語", 5, "日本…"},
		{"日本語", 4, "日…"},
		{"abc", 1, "…"},
		{"abc", 0, ""},
		{"", 0, ""},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		if got := Truncate(c.s, c.width, false); got != c.want {
			t.Errorf("Truncate(%q, %d) = %q, want %q", c.s, c.width, got, c.want)
		}
	}
}

// TestTableFailingWriter holds that both paths report what cannot be written.
func TestTableFailingWriter(t *testing.T) {
	for _, rows := range []int{1, manyRows + 1} {
		table := Table{Head: []Head{{"A", false}}, Rows: make([][]string, rows)}
		if err := table.Write(failing{}, Options{}); err != io.ErrShortWrite {
			t.Errorf("%d rows: error %v", rows, err)
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

// BenchmarkTable compares the two ways to align a table.
func BenchmarkTable(b *testing.B) {
	for _, n := range []int{10, 100, 1000, 10000} {
		t := Table{Head: []Head{{"NS", true}, {"TYPE", false}, {"NPROCS", true}, {"PID", true}, {"USER", false}, {"CONTAINER", false}, {"COMMAND", false}}}
		for i := range n {
			t.Rows = append(t.Rows, []string{strconv.Itoa(4026532000 + i), "net", "3", strconv.Itoa(300 + i), "root", "shop-web-" + strconv.Itoa(i), "nginx: worker process"})
		}
		for name, write := range map[string]func(*grid, io.Writer) error{"own": (*grid).write, "library": (*grid).writeLibrary} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if err := write(t.grid(Options{}), io.Discard); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
