package enter

import (
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"

	"nsinspect/inspect"
)

// What is taken from a map is printed as it was read.
func FuzzParseMap(f *testing.F) {
	f.Add("         0       1000          1\n")
	f.Add("0 100000 65536\n65536 0 1\n")
	f.Add("0 4294967295 4294967295\nx y z\n")
	f.Fuzz(func(t *testing.T, text string) {
		m := parseMap([]byte(text))
		if len(m) > strings.Count(text, "\n")+1 {
			t.Fatalf("%d ranges in %q", len(m), text)
		}
		var again strings.Builder
		for _, r := range m {
			again.WriteString(mapLine(r))
			if in, ok := inside(m, r.Outside); ok && r.Count > 0 && !maps(m, in) {
				t.Errorf("%d is inside of %v as %d, which is not mapped", r.Outside, m, in)
			}
		}
		second := parseMap([]byte(again.String()))
		if mapWords(second) != mapWords(m) {
			t.Errorf("%v is read as %v", m, second)
		}
	})
}

// A status is taken as a whole or refused.
func FuzzParseStatus(f *testing.F) {
	f.Add("Name:\tsh\nUid:\t0\t1\t2\t3\nGid:\t4\t5\t6\t7\nCapBnd:\t000001ffffffffff\n")
	f.Add("Uid:\t0\nGid:\t4\t5\t6\t7\nCapBnd:\tzz\n")
	f.Fuzz(func(t *testing.T, text string) {
		var s Subject
		if err := parseStatus([]byte(text), &s); err == nil {
			for _, line := range []string{"Uid:", "Gid:", "CapBnd:"} {
				if !strings.Contains(text, line) {
					t.Errorf("%q has no %s", text, line)
				}
			}
		}
	})
}

// No cgroup line leads out of the mount of its hierarchy.
func FuzzCgroupDir(f *testing.F) {
	f.Add("0::/system.slice/docker-1.scope", "/", "")
	f.Add("5:cpu,cpuacct:/../x", "/a", "cpu,cpuacct")
	f.Add("1:name=systemd:/a/../..", "/", "name=systemd")
	f.Fuzz(func(t *testing.T, line, root, options string) {
		mounts := []*mountinfo.Info{
			{FSType: "cgroup2", Mountpoint: "/sys/fs/cgroup", Root: root},
			{FSType: "cgroup", Mountpoint: "/sys/fs/cgroup/v1", Root: root, VFSOptions: options},
		}
		dir, ok, err := cgroupDir(line, mounts)
		if ok && err == nil && dir != "/sys/fs/cgroup" && !strings.HasPrefix(dir, "/sys/fs/cgroup/") {
			t.Errorf("%q is %q", line, dir)
		}
	})
}

// Of subuid(5) only the user's own lines are taken.
func TestParseSubIDs(t *testing.T) {
	const file = "root:100000:65536\n# a comment\nann:200000:10\n1000:300000:5\nann:bad:1\nann:1:0\n\n"
	want := "0:200000:10,0:300000:5"
	if got := mapWords(parseSubIDs([]byte(file), []string{"1000", "ann"})); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	m := autoMap(1000, []inspect.IDRange{{Outside: 200000, Count: 10}, {Outside: 300000, Count: 5}})
	if got, want := mapWords(m), "0:1000:1,1:200000:10,11:300000:5"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
