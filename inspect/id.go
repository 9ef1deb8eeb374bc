package inspect

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// ID names a namespace of a running kernel: the device and the inode of its
// nsfs file, as stat(2) of /proc/PID/ns/TYPE gives them. The kernel reuses
// inodes, so an ID is good only within one snapshot. The zero ID is none.
type ID struct {
	Dev uint64 // device of nsfs, the same for all namespaces of a kernel
	Ino uint64 // inode, the number in "net:[4026531833]"
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// Compare orders by inode, then by device.
func (id ID) Compare(o ID) int {
	return cmp.Or(cmp.Compare(id.Ino, o.Ino), cmp.Compare(id.Dev, o.Dev))
}

// String returns "dev:ino".
func (id ID) String() string { return string(id.append(nil)) }

func (id ID) append(b []byte) []byte {
	b = strconv.AppendUint(b, id.Dev, 10)
	return strconv.AppendUint(append(b, ':'), id.Ino, 10)
}

// MarshalText encodes id as "dev:ino".
func (id ID) MarshalText() ([]byte, error) { return id.append(nil), nil }

// UnmarshalText decodes "dev:ino".
func (id *ID) UnmarshalText(text []byte) error {
	dev, ino, ok := strings.Cut(string(text), ":")
	d, derr := strconv.ParseUint(dev, 10, 64)
	i, ierr := strconv.ParseUint(ino, 10, 64)
	if !ok || derr != nil || ierr != nil || i == 0 {
		return fmt.Errorf("namespace id %q is not DEV:INODE", text)
	}
	*id = ID{Dev: d, Ino: i}
	return nil
}

// ParseLink parses the text of a link in /proc/PID/ns, "net:[4026531833]",
// into its kind and inode (namespaces(7): "type:[inode]"). The text of a
// *_for_children link has the plain kind.
func ParseLink(text string) (Type, uint64, error) {
	name, rest, ok := strings.Cut(text, ":[")
	num, ok2 := strings.CutSuffix(rest, "]")
	if !ok || !ok2 {
		return 0, 0, fmt.Errorf("namespace link %q is not type:[inode]", text)
	}
	t, err := ParseType(name)
	if err != nil || name == "mount" {
		return 0, 0, fmt.Errorf("namespace link %q has an unknown type", text)
	}
	ino, err := parseInode(num)
	if err != nil {
		return 0, 0, fmt.Errorf("namespace link %q: %w", text, err)
	}
	return t, ino, nil
}

// parseInode takes decimal digits only: no sign, no blank, no leading zero.
func parseInode(s string) (uint64, error) {
	ino, err := strconv.ParseUint(s, 10, 64)
	if err != nil || ino == 0 || s[0] < '1' || s[0] > '9' {
		return 0, fmt.Errorf("inode %q is not a positive number", s)
	}
	return ino, nil
}
