package render

import (
	"cmp"
	"strings"

	"nsinspect/inspect"
)

// Order returns the comparison that spec asks for: names of columns with
// commas between, each with "-" before it for descending order. It is nil for
// an empty spec. Rows in which a column is not known come last either way. The
// facts are those that the columns show.
func (cs Columns[R]) Order(spec string) (func(a, b R) int, inspect.Facts, error) {
	var needs inspect.Facts
	var steps []func(a, b *R) int
	for name := range strings.SplitSeq(spec, ",") {
		name, down := strings.CutPrefix(strings.TrimSpace(name), "-")
		if name == "" {
			continue
		}
		c, err := cs.find(name)
		if err != nil {
			return nil, 0, err
		}
		needs |= c.Needs
		steps = append(steps, c.order(down))
	}
	if steps == nil {
		return nil, 0, nil
	}
	return func(a, b R) int {
		for _, step := range steps {
			if d := step(&a, &b); d != 0 {
				return d
			}
		}
		return 0
	}, needs, nil
}

func (c *Column[R]) order(down bool) func(a, b *R) int {
	return func(a, b *R) int {
		s, t := c.Text(a), c.Text(b)
		d := 0
		switch {
		case s == "" || t == "":
			return cmp.Compare(len(t), 0) - cmp.Compare(len(s), 0) // the unknown last
		case c.Compare != nil:
			d = c.Compare(a, b)
		default:
			d = cmp.Compare(s, t)
		}
		if down {
			return -d
		}
		return d
	}
}
