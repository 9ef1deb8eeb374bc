package render

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestBranches(t *testing.T) {
	depths := []int{0, 1, 2, 2, 1, 2, 0, 1}
	for ascii, want := range map[bool]string{
		false: "0\n├─1\n│ ├─2\n│ └─3\n└─4\n  └─5\n6\n└─7\n",
		true:  "0\n|-1\n| |-2\n| `-3\n`-4\n  `-5\n6\n`-7\n",
	} {
		var b strings.Builder
		for i, prefix := range Branches(depths, ascii) {
			b.WriteString(prefix + string(rune('0'+i)) + "\n")
		}
		if b.String() != want {
			t.Errorf("ascii %v: got\n%s\nwant\n%s", ascii, b.String(), want)
		}
	}
}

// TestBranchesConnect holds that every line meets what it is drawn to: above
// a vertical line or a corner stands one that goes down, or the parent.
func TestBranchesConnect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var depths []int
		for range rapid.IntRange(0, 30).Draw(t, "nodes") {
			most := 0
			if len(depths) > 0 {
				most = depths[len(depths)-1] + 1
			}
			depths = append(depths, rapid.IntRange(0, most).Draw(t, "depth"))
		}
		prefixes := Branches(depths, true)
		down := func(row, column int) bool {
			return row >= 0 && row < len(depths) && column < len(prefixes[row]) && strings.IndexByte("|", prefixes[row][column]) >= 0
		}
		for i, p := range prefixes {
			if len(p) != 2*depths[i] {
				t.Fatalf("row %d: %q at depth %d", i, p, depths[i])
			}
			for c := 0; c < len(p); c += 2 {
				parent := i > 0 && depths[i-1] == c/2
				if p[c] != ' ' && !down(i-1, c) && !parent {
					t.Errorf("row %d, column %d of %q hangs in the air:\n%s", i, c, p, strings.Join(prefixes, "\n"))
				}
				if p[c] == '|' && !down(i+1, c) && (i+1 == len(depths) || len(prefixes[i+1]) <= c || prefixes[i+1][c] != '`') {
					t.Errorf("row %d, column %d of %q ends in the air:\n%s", i, c, p, strings.Join(prefixes, "\n"))
				}
			}
		}
	})
}
