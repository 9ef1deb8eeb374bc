package render

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestTablePathsAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cols := rapid.IntRange(1, 6).Draw(t, "columns")
		word := rapid.OneOf(rapid.StringMatching(`[a-z0-9 ]{0,12}`), rapid.String(),
			rapid.SampledFrom([]string{"", " ", "日本語", "├─ x", "e\u0301", "👍🏽", "🇩🇪", "\x1b[31mred", "a\nb", "-"}))
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
