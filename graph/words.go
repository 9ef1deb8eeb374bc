package graph

import (
	"fmt"
	"math"
	"strings"
	"time"

	"nsinspect/inspect"
)

// unmappedID is what an id map shows for an id that has no meaning where the
// map is read, (uid_t) -1.
const unmappedID = math.MaxUint32

// RangeWords reads a line of an id map: "0–65535 inside are 100000–165535 on
// the host (65536 ids)". outside names where the other side is.
func RangeWords(r inspect.IDRange, outside string) string {
	verb, count := "are", fmt.Sprintf("%d ids", r.Count)
	if r.Count == 1 {
		verb, count = "is", "1 id"
	}
	in := span(r.Inside, r.Count)
	if r.Outside == unmappedID {
		return fmt.Sprintf("%s inside %s nothing on %s (%s)", in, verb, outside, count)
	}
	out := span(r.Outside, r.Count)
	if in == out {
		return fmt.Sprintf("%s inside %s the same on %s (%s)", in, verb, outside, count)
	}
	return fmt.Sprintf("%s inside %s %s on %s (%s)", in, verb, out, outside, count)
}

func span(first, count uint32) string {
	if count <= 1 {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d–%d", first, uint64(first)+uint64(count)-1)
}

// MapWords reads an id map, one sentence a line; outside names where the
// other side is.
func MapWords(ranges []inspect.IDRange, outside string) []string {
	if len(ranges) == 0 {
		return []string{"no ids are mapped: every id is shown as the overflow id"}
	}
	if identity(ranges) {
		return []string{"all ids, unchanged"}
	}
	lines := make([]string, 0, len(ranges))
	for _, r := range ranges {
		lines = append(lines, RangeWords(r, outside))
	}
	return lines
}

// identity reports whether ranges map every id to itself, as the initial user
// namespace and a container without remapping do: "0 0 4294967295".
func identity(ranges []inspect.IDRange) bool {
	return len(ranges) == 1 && ranges[0] == inspect.IDRange{Count: math.MaxUint32}
}

// OffsetWords reads the offset of a clock: "7d back (-604800s)".
func OffsetWords(d time.Duration) string {
	if d == 0 {
		return "none"
	}
	way, abs := "forward", d
	if d < 0 {
		way, abs = "back", -max(d, -math.MaxInt64)
	}
	seconds := fmt.Sprintf("%+ds", int64(d/time.Second))
	if d%time.Second != 0 {
		seconds = fmt.Sprintf("%+.9f", d.Seconds())
		seconds = strings.TrimRight(seconds, "0") + "s"
	}
	return fmt.Sprintf("%s %s (%s)", DurationWords(abs), way, seconds)
}

// DurationWords gives a duration in its two largest units: "7d", "2h 3m",
// "42s"; what is below a second in milliseconds or less.
func DurationWords(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}}
	if d < time.Second {
		if d == 0 {
			return "0s"
		}
		return d.String()
	}
	var words []string
	for i, u := range units {
		if d < u.size {
			continue
		}
		words = append(words, fmt.Sprintf("%d%s", d/u.size, u.name))
		if i+1 < len(units) {
			if n := d % u.size / units[i+1].size; n > 0 {
				words = append(words, fmt.Sprintf("%d%s", n, units[i+1].name))
			}
		}
		break
	}
	return strings.Join(words, " ")
}

// StateWords says a process state: "sleeping" for S. A letter that is not
// known stands for itself.
func StateWords(letter string) string {
	switch letter {
	case "R":
		return "running"
	case "S":
		return "sleeping"
	case "D":
		return "disk sleep"
	case "Z":
		return "zombie"
	case "T":
		return "stopped"
	case "t":
		return "traced"
	case "X", "x":
		return "dead"
	case "I":
		return "idle"
	}
	return letter
}

// SeccompWords says a seccomp mode of proc_pid_status(5).
func SeccompWords(mode int) string {
	switch mode {
	case 0:
		return "off"
	case 1:
		return "strict"
	case 2:
		return "filter"
	}
	return fmt.Sprintf("mode %d", mode)
}
