package mounts

import (
	"fmt"
	"strconv"
	"strings"

	"nsinspect/inspect"
)

// parseMountinfo parses proc_pid_mountinfo(5):
//
//	36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
//	(1)(2)(3)  (4)   (5)   (6)        (7)     (8) (9) (10)      (11)
//
// A line that is not like that is an error; the lines before it are returned.
func parseMountinfo(text string, ns inspect.ID) ([]inspect.Mount, error) {
	var list []inspect.Mount
	for line := range strings.Lines(text) {
		m, err := parseMountLine(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return list, err
		}
		m.NS = ns
		list = append(list, m)
	}
	return list, nil
}

func parseMountLine(line string) (inspect.Mount, error) {
	var m inspect.Mount
	left, right, ok := strings.Cut(line, " - ")
	f := strings.Split(left, " ")
	g := strings.Split(right, " ")
	if !ok || len(f) < 6 || len(g) < 3 {
		return m, fmt.Errorf("mountinfo line %q has too few fields", line)
	}
	var err error
	if m.MountID, err = strconv.ParseUint(f[0], 10, 64); err != nil {
		return m, fmt.Errorf("mountinfo line %q: mount id: %w", line, err)
	}
	if m.ParentID, err = strconv.ParseUint(f[1], 10, 64); err != nil {
		return m, fmt.Errorf("mountinfo line %q: parent id: %w", line, err)
	}
	m.Device, m.Root, m.Point, m.Options = f[2], unescape(f[3]), unescape(f[4]), f[5]
	m.FSType, m.Source, m.SuperOptions = unescape(g[0]), unescape(g[1]), g[2]
	if m.Source == "none" {
		m.Source = ""
	}
	for _, opt := range f[6:] {
		propagation(&m, opt)
	}
	return m, nil
}

// propagation parses an optional field: shared:X, master:X, propagate_from:X,
// unbindable.
func propagation(m *inspect.Mount, opt string) {
	key, value, _ := strings.Cut(opt, ":")
	n, _ := strconv.Atoi(value)
	switch key {
	case "shared":
		m.Shared = n
	case "master":
		m.Master = n
	case "propagate_from":
		m.PropagateFrom = n
	case "unbindable":
		m.Unbindable = true
	}
}

// unescape undoes \040 and the like.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(c))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
