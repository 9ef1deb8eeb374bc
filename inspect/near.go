package inspect

import (
	"cmp"
	"slices"
)

// near returns up to three names of the snapshot that a word may be a
// misspelling of, the nearest first.
func (x *Index) near(word string) []string {
	const longest = 64 // of a name that somebody types; it bounds the work
	if len(word) > longest {
		return nil
	}
	type match struct {
		name     string
		distance int
	}
	var matches []match
	try := func(name string) {
		if name == "" || len(name) > longest {
			return
		}
		if d := distance(word, name); d <= min(2, (len(word)+1)/3) {
			matches = append(matches, match{name, d})
		} else if len(word) >= 3 && len(name) > len(word) && name[:len(word)] == word {
			matches = append(matches, match{name, 3})
		}
	}
	for i := range x.s.Containers {
		try(x.s.Containers[i].Name)
		try(x.s.Containers[i].Service())
	}
	for i := range x.s.Refs {
		try(x.s.Refs[i].name())
	}
	try("self")
	slices.SortFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	matches = slices.Compact(matches)
	var names []string
	for _, m := range matches[:min(len(matches), 3)] {
		names = append(names, m.name)
	}
	return names
}

// distance is the number of bytes to insert, delete, replace or swap with the
// next one that makes b of a (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		last[j] = j
	}
	for i := range len(a) {
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j]+cost, last[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
