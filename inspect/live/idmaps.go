package live

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"nsinspect/inspect"
)

// readIDMaps reads the id maps of the user namespaces in focus, each through
// one process in it. They are unknown where there is none.
func (c *capture) readIDMaps(context.Context) error {
	const op = "read id maps"
	list := c.ns.wanted(inspect.User)
	for _, e := range list {
		err := c.through(e, inspect.LinkUser, func(dir string) error {
			m, err := readIDMap(c.root, dir)
			e.ns.IDMap = m
			return err
		})
		if err != nil {
			c.p.add(op, c.where(e), 0, err)
		}
	}
	c.p.total(op, len(list))
	return nil
}

// readIDMap returns nil with the error.
func readIDMap(root int, dir string) (*inspect.IDMap, error) {
	var m inspect.IDMap
	for _, f := range []struct {
		name   string
		ranges *[]inspect.IDRange
	}{{"uid_map", &m.UID}, {"gid_map", &m.GID}} {
		b, err := readFile(root, dir+"/"+f.name, nil)
		if err != nil {
			return nil, err
		}
		if *f.ranges, err = parseIDMap(b); err != nil {
			return nil, err
		}
	}
	b, err := readFile(root, dir+"/setgroups", nil)
	if err != nil && !gone(err) { // it came with Linux 3.19
		return nil, err
	}
	m.Setgroups = strings.TrimSpace(text(b))
	return &m, nil
}

// parseIDMap parses uid_map or gid_map, see user_namespaces(7). Each line has
// three numbers:
//
//	(1) The start of the range of user IDs in the user namespace.
//	(2) The start of the range of user IDs to which they map.
//	(3) The length of the range of user IDs that is mapped.
//
// An empty file maps nothing, and gives an empty slice.
func parseIDMap(file []byte) ([]inspect.IDRange, error) {
	ranges := []inspect.IDRange{}
	for line := range bytes.Lines(file) {
		var n [3]uint64
		i := 0
		for field := range bytes.FieldsSeq(line) {
			v, ok := parseUint(field, 1<<32-1)
			if !ok || i == len(n) {
				return nil, fmt.Errorf("id map has the line %q", line)
			}
			n[i] = v
			i++
		}
		if i < len(n) {
			return nil, fmt.Errorf("id map has the line %q", line)
		}
		ranges = append(ranges, inspect.IDRange{Inside: uint32(n[0]), Outside: uint32(n[1]), Count: uint32(n[2])})
	}
	return ranges, nil
}
