package live

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"nsinspect/inspect"
)

// readTimeOffsets reads the clock offsets of the time namespaces in focus.
//
// A task's timens_offsets are those of the namespace its children will be in,
// not of its own. A namespace that no task makes children in keeps its secret.
func (c *capture) readTimeOffsets(context.Context) error {
	const op = "read time offsets"
	list := c.ns.wanted(inspect.Time)
	for _, e := range list {
		err := c.through(e, inspect.LinkTimeForChildren, func(dir string) error {
			b, err := readFile(c.root, dir+"/timens_offsets", nil)
			if err == nil {
				e.ns.TimeOffsets, err = parseTimeOffsets(b)
			}
			return err
		})
		if err != nil {
			c.p.add(op, c.where(e), 0, err)
		}
	}
	c.p.total(op, len(list))
	return nil
}

// parseTimeOffsets parses timens_offsets, see time_namespaces(7): a line for
// each of two clocks with
//
//	<clock-id> <offset-secs> <offset-nanosecs>
//
// The seconds may be negative, the nanoseconds count forward from there.
func parseTimeOffsets(file []byte) (*inspect.TimeOffsets, error) {
	var out inspect.TimeOffsets
	clocks := map[string]*time.Duration{"monotonic": &out.Monotonic, "boottime": &out.Boottime}
	for line := range bytes.Lines(file) {
		f := bytes.Fields(line)
		if len(f) != 3 || clocks[string(f[0])] == nil {
			return nil, fmt.Errorf("time offsets have the line %q", line)
		}
		secs, err := strconv.ParseInt(string(f[1]), 10, 64)
		nanos, ok := parseUint(f[2], 999_999_999)
		const limit = math.MaxInt64/int64(time.Second) - 1
		if err != nil || !ok || secs > limit || secs < -limit {
			return nil, fmt.Errorf("time offsets have the line %q", line)
		}
		*clocks[string(f[0])] = time.Duration(secs)*time.Second + time.Duration(nanos)
		delete(clocks, string(f[0]))
	}
	if len(clocks) > 0 {
		return nil, fmt.Errorf("time offsets lack a clock: %q", file)
	}
	return &out, nil
}
