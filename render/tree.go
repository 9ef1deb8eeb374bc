package render

// Branches draws the lines of a forest whose nodes come in preorder, parents
// before their children: for each node what stands before its label. depths
// are the nodes' depths, 0 for roots; a node may be at most one deeper than
// the one before it.
func Branches(depths []int, ascii bool) []string {
	tee, corner, bar := "├─", "└─", "│ "
	if ascii {
		tee, corner, bar = "|-", "`-", "| "
	}
	prefixes := make([]string, len(depths))
	var more []bool // for each depth whether a sibling follows further below
	for i := len(depths) - 1; i >= 0; i-- {
		d := depths[i]
		for len(more) <= d {
			more = append(more, false)
		}
		var b []byte
		for k := 1; k < d; k++ {
			if more[k] {
				b = append(b, bar...)
			} else {
				b = append(b, "  "...)
			}
		}
		if d > 0 && more[d] {
			b = append(b, tee...)
		} else if d > 0 {
			b = append(b, corner...)
		}
		prefixes[i] = string(b)
		more = append(more[:d], true)
	}
	return prefixes
}
