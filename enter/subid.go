package enter

import (
	"bytes"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"nsinspect/inspect"
)

// lookSubIDs reads the caller's ranges of subordinate ids.
func lookSubIDs(f *Facts) error {
	uid := strconv.Itoa(int(f.Self.UID))
	names := []string{uid}
	if u, err := user.LookupId(uid); err == nil {
		names = append(names, u.Username)
	}
	for _, file := range []struct {
		path string
		to   *[]inspect.IDRange
	}{{"/etc/subuid", &f.SubUID}, {"/etc/subgid", &f.SubGID}} {
		b, err := os.ReadFile(file.path)
		if err == nil {
			*file.to = parseSubIDs(b, names)
		}
		if len(*file.to) == 0 {
			return &HintError{
				fmt.Errorf("%s has no ids for %s", file.path, names[len(names)-1]),
				fmt.Sprintf("sudo usermod --add-sub%ss 100000-165535 %s", file.path[len("/etc/sub"):], names[len(names)-1]),
			}
		}
	}
	return nil
}

// parseSubIDs takes the lines "name:first:count" of subuid(5) for a user, who
// is given by name or number. Outside is the first, Inside is not set.
func parseSubIDs(b []byte, names []string) []inspect.IDRange {
	var list []inspect.IDRange
	for line := range bytes.Lines(b) {
		parts := strings.Split(strings.TrimSpace(string(line)), ":")
		if len(parts) != 3 {
			continue
		}
		first, err1 := parseID(parts[1])
		count, err2 := parseID(parts[2])
		if err1 != nil || err2 != nil || count == 0 {
			continue
		}
		for _, name := range names {
			if parts[0] == name {
				list = append(list, inspect.IDRange{Outside: first, Count: count})
				break
			}
		}
	}
	return list
}
