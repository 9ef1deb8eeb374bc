package graph

import "nsinspect/inspect"

// Nesting says below what a namespace stands in a tree of all kinds.
type Nesting uint8

// The nestings: below the user namespace that owns it, user namespaces below
// their parent; or, pid and user namespaces only, below the parent.
const (
	ByOwner Nesting = iota + 1
	ByParent
)

// Nest puts rows into preorder and returns the depth of each. Siblings keep
// the order of rows. A row whose upper one is not among rows stands below the
// next above that is; the facts may lead in a circle, which is cut.
func Nest(x *inspect.Index, rows []Row, by Nesting) ([]Row, []int) {
	at := make(map[inspect.ID]int, len(rows))
	for i := range rows {
		at[rows[i].ID()] = i
	}
	n := nester{rows: rows, below: make([][]int, len(rows)), placed: make([]bool, len(rows))}
	var roots []int
	for i := range rows {
		if up := upper(x, rows[i].ID(), by, at); up >= 0 {
			n.below[up] = append(n.below[up], i)
			continue
		}
		roots = append(roots, i)
	}
	for _, i := range roots {
		n.place(i, 0)
	}
	for i := range rows { // what is left goes in a circle
		n.place(i, 0)
	}
	return n.sorted, n.depths
}

// upper returns the index of the row that id stands below, -1 for none.
func upper(x *inspect.Index, id inspect.ID, by Nesting, at map[inspect.ID]int) int {
	for range maxDepth {
		n := x.Namespace(id)
		if n == nil {
			return -1
		}
		up := parentOf(n)
		if by == ByOwner && n.Type != inspect.User {
			up = n.Owner
		}
		if i, ok := at[up]; ok && up != n.ID {
			return i
		}
		id = up
	}
	return -1
}

type nester struct {
	rows   []Row
	below  [][]int
	placed []bool
	sorted []Row
	depths []int
}

func (n *nester) place(i, depth int) {
	if n.placed[i] {
		return
	}
	n.placed[i] = true
	n.sorted = append(n.sorted, n.rows[i])
	n.depths = append(n.depths, depth)
	for _, j := range n.below[i] {
		n.place(j, depth+1)
	}
}
