package graph

import (
	"fmt"
	"strings"
	"testing"

	"nsinspect/inspect"
)

// mountHost has the mounts of one namespace, each a word "ID PARENT POINT".
func mountHost(words ...string) *inspect.Index {
	s := &inspect.Snapshot{Format: inspect.Format, Scope: inspect.NewScope(inspect.FactsAll, nil)}
	for _, w := range words {
		m := inspect.Mount{NS: inspect.ID{Dev: 4, Ino: 7}, Device: "0:1", Root: "/", FSType: "tmpfs"}
		if _, err := fmt.Sscan(w, &m.MountID, &m.ParentID, &m.Point); err != nil {
			panic(err)
		}
		s.Mounts = append(s.Mounts, m)
	}
	return inspect.NewIndex(s)
}

// TestHiddenMounts tells what another mount covers.
func TestHiddenMounts(t *testing.T) {
	for _, c := range []struct {
		name   string
		mounts []string
		want   string // the tree, dots for the depth, hidden ones in brackets
	}{
		{"none", []string{"1 0 /", "2 1 /a", "3 1 /b", "4 2 /a/x"}, "/ ./a ../a/x ./b"},
		{"on top", []string{"1 0 /", "2 1 /a", "3 2 /a"}, "/ .[/a] ../a"},
		{"twice on top", []string{"1 0 /", "2 1 /a", "3 2 /a", "4 3 /a"}, "/ .[/a] ..[/a] .../a"},
		{"below what is covered", []string{"1 0 /", "2 1 /a", "3 2 /a/x", "4 2 /a"}, "/ .[/a] ../a ..[/a/x]"},
		{"by a directory above", []string{"1 0 /", "2 1 /srv/data", "3 1 /srv"}, "/ ./srv .[/srv/data]"},
		{"and what is on it", []string{"1 0 /", "2 1 /srv/data", "3 1 /srv", "4 2 /srv/data/x"}, "/ ./srv .[/srv/data] ..[/srv/data/x]"},
		{"not by a like name", []string{"1 0 /", "2 1 /srv/data", "3 1 /srv/da"}, "/ ./srv/da ./srv/data"},
		{"the root itself", []string{"1 0 /", "2 1 /a", "3 1 /"}, "[/] ./ .[/a]"},
		{"in a circle", []string{"1 2 /a", "2 1 /b"}, "/a ./b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var words []string
			for _, m := range MountsOf(mountHost(c.mounts...), inspect.ID{Dev: 4, Ino: 7}).Mounts {
				point := m.Point
				if m.Hidden {
					point = "[" + point + "]"
				}
				words = append(words, strings.Repeat(".", m.Depth)+point)
			}
			if got := strings.Join(words, " "); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

// TestBusy finds who has a file system mounted by device, number and path.
func TestBusy(t *testing.T) {
	s := &inspect.Snapshot{Format: inspect.Format, Scope: inspect.NewScope(inspect.FactsAll, nil)}
	host, other := inspect.ID{Dev: 4, Ino: 7}, inspect.ID{Dev: 4, Ino: 8}
	s.Host.Observer.NS[inspect.LinkMnt] = host
	add := func(ns inspect.ID, id uint64, device, root, point, source string) {
		s.Mounts = append(s.Mounts, inspect.Mount{NS: ns, MountID: id, ParentID: 1, Device: device, Root: root, Point: point, Source: source, FSType: "ext4"})
	}
	add(host, 1, "8:1", "/", "/", "/dev/sda1")
	add(host, 2, "8:2", "/", "/data", "/dev/sdb1")
	add(other, 3, "8:1", "/var/lib/x", "/x", "/dev/sda1")
	add(other, 4, "8:2", "/", "/stale", "/dev/sdb1")
	add(other, 5, "0:50", "/", "/gone", "overlay")
	x := inspect.NewIndex(s)
	for word, want := range map[string]string{
		"/dev/sdb1":     "7:/data 8:/stale",
		"8:2":           "7:/data 8:/stale",
		"/data":         "7:/data 8:/stale",
		"/data/":        "7:/data 8:/stale",
		"/var/lib/x":    "8:/x",    // a directory of the host that is mounted elsewhere
		"/gone":         "8:/gone", // a mount point of another namespace only
		"/var/lib/none": "",
		"/dev/sdz":      "",
	} {
		var got []string
		if b := BusyOf(x, word); b != nil {
			for _, in := range b.In {
				for _, p := range in.Points {
					got = append(got, fmt.Sprintf("%d:%s", in.NS, p.Point))
				}
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", word, got, want)
		}
	}
	if BusyOf(x, "no/path") != nil {
		t.Error("a relative path was found")
	}
}
