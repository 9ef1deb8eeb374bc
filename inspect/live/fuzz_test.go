package live

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nsinspect/inspect"
)

// Text is valid UTF-8, and two different names never look the same.
func FuzzText(f *testing.F) {
	for _, s := range []string{"", "sh", "\xff", `\xff`, `\\xff`, `\x5cxff`, "a\xc3", "\\\xff", "\x1b]0;x\a", "grüße\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := text(b)
		if !utf8.ValidString(s) {
			t.Errorf("%q becomes %q", b, s)
		}
		if back := untext(s); !bytes.Equal(back, b) {
			t.Errorf("%q becomes %q, which was %q", b, s, back)
		}
		if utf8.Valid(b) && !bytes.Contains(b, []byte(`\x`)) && s != string(b) {
			t.Errorf("%q becomes %q for no reason", b, s)
		}
	})
}

// The parser of the hot path takes what inspect.ParseLink takes, no more and
// no less, up to 19 digits.
func FuzzParseInode(f *testing.F) {
	for _, s := range []string{"net:[4026531833]", "net:[0]", "net:[01]", "net:[+1]", "net:[1", "pid:[1]", "net:[9999999999999999999]", "mount:[1]"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		wantType, want, err := inspect.ParseLink(s)
		for l, prefix := range linkPrefixes {
			got, ok := parseInode([]byte(s), prefix)
			wantOK := err == nil && inspect.Link(l).Type() == wantType
			if wantOK && want > 9_999_999_999_999_999_999 {
				continue
			}
			if ok != wantOK || ok && got != want {
				t.Errorf("%q with prefix %q: %d %t, ParseLink: %d %v", s, prefix, got, ok, want, err)
			}
		}
	})
}

// Whatever the other lines say, those that are read are read alike wherever
// they stand.
func FuzzParseStatus(f *testing.F) {
	f.Add(statusOfShell, "x", uint32(7), uint64(0x1ff))
	f.Add("", "a\nb\\", uint32(1<<32-1), uint64(1))
	f.Fuzz(func(t *testing.T, noise, comm string, uid uint32, caps uint64) {
		escaped := strings.NewReplacer(`\`, `\\`, "\n", `\n`).Replace(comm)
		lines := fmt.Sprintf("Name:\t%s\nUid:\t1\t%d\t3\t4\nNSpid:\t%d\t1\nCapEff:\t%016x\n", escaped, uid, 1+uid/2, caps)
		var got inspect.Info
		parseStatus([]byte(noise+"\n"+lines), &got)
		switch {
		case got.Comm != text([]byte(comm)):
			t.Errorf("command %q, want %q", got.Comm, comm)
		case got.EUID() != uid:
			t.Errorf("uid %d, want %d", got.EUID(), uid)
		case got.Caps == nil || got.Caps.Effective != caps:
			t.Errorf("capabilities %+v, want %x", got.Caps, caps)
		case uid > 1 && uid < 1<<31 && !slices.Equal(got.NSpid, []int{int(1 + uid/2), 1}):
			t.Errorf("NSpid %d", got.NSpid)
		}
		var other inspect.Info
		parseStatus([]byte(noise), &other)
		if !utf8.ValidString(other.Comm) || other.Threads < 0 || other.Seccomp < 0 || slices.ContainsFunc(other.NSpid, func(p int) bool { return p <= 0 }) {
			t.Errorf("%q is %+v", noise, other)
		}
	})
}

// The fields are found behind any command.
func FuzzParseStat(f *testing.F) {
	f.Add([]byte("sh"), uint32(1), uint64(5))
	f.Add([]byte(") R 1 (\n"), uint32(0), uint64(1<<64-1))
	f.Fuzz(func(t *testing.T, comm []byte, ppid uint32, start uint64) {
		ppid &= 1<<31 - 1
		line := fmt.Sprintf("1 (%s) S %d 3 4 5 -1 2129984 1 1 1 1 0 0 0 0 20 0 9 0 %d 0 0\n", comm, ppid, start)
		var got inspect.Info
		if err := parseStat([]byte(line), &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if got.PPID != int(ppid) || got.Start != start || got.State != "S" || got.Threads != 9 || !got.Kernel {
			t.Errorf("%q is %+v", line, got)
		}
		_ = parseStat(comm, new(inspect.Info)) // an error or not, no panic
	})
}

// Every line that is taken can be written again as it was.
func FuzzParseCgroups(f *testing.F) {
	f.Add([]byte("12:cpu,cpuacct:/a:b\n0::/docker/x (deleted)\n"))
	f.Add([]byte("::\n0::/\n:\n4294967296::/\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var lines []string
		for line := range strings.Lines(string(file)) {
			line = strings.TrimSuffix(line, "\n")
			if id, rest, ok := strings.Cut(line, ":"); ok {
				if n, ok := parseUint([]byte(id), 1<<31-1); ok {
					line = strconv.FormatUint(n, 10) + ":" + rest // 007 is 7
				}
			}
			lines = append(lines, line)
		}
		for _, c := range parseCgroups(file) {
			line := fmt.Sprintf("%d:%s:%s", c.Hierarchy, untext(c.Controllers), untext(c.Path))
			i := slices.Index(lines, line)
			if i < 0 || strings.Contains(c.Controllers, ":") || !strings.HasPrefix(c.Path, "/") {
				t.Fatalf("%q is not, in order, a line of %q", line, file)
			}
			lines = lines[i+1:]
		}
	})
}

// What was parsed prints as the kernel does, and parses to the same.
func FuzzParseIDMap(f *testing.F) {
	f.Add([]byte("         0          0 4294967295\n"))
	f.Add([]byte("0 1 2\n3 4 5 6\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		ranges, err := parseIDMap(file)
		if err != nil {
			if ranges != nil {
				t.Errorf("%q gives %v and an error", file, ranges)
			}
			return
		}
		var again strings.Builder
		for _, r := range ranges {
			fmt.Fprintf(&again, "%10d %10d %10d\n", r.Inside, r.Outside, r.Count)
		}
		got, err := parseIDMap([]byte(again.String()))
		if err != nil || !slices.Equal(got, ranges) || len(ranges) != bytes.Count(append(bytes.TrimSuffix(file, []byte("\n")), '\n'), []byte("\n")) && len(file) > 0 {
			t.Errorf("%q is %v, again %v %v", file, ranges, got, err)
		}
	})
}

// What was parsed prints as the kernel does, and parses to the same.
func FuzzParseTimeOffsets(f *testing.F) {
	f.Add([]byte("monotonic           0         0\nboottime            0         0\n"))
	f.Add([]byte("monotonic -4611686018 999999999\nboottime 4611686018 1\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		o, err := parseTimeOffsets(file)
		if err != nil {
			return
		}
		again := fmt.Sprintf("%s%s", offsetLine("monotonic", o.Monotonic), offsetLine("boottime", o.Boottime))
		got, err := parseTimeOffsets([]byte(again))
		if err != nil || *got != *o {
			t.Errorf("%q is %+v, again %q: %+v %v", file, o, again, got, err)
		}
	})
}

// offsetLine prints an offset as show_offset of the kernel does: nanoseconds
// are never negative.
func offsetLine(clock string, d time.Duration) string {
	secs, nanos := d/time.Second, d%time.Second
	if nanos < 0 {
		secs, nanos = secs-1, nanos+time.Second
	}
	return fmt.Sprintf("%-10s %10d %9d\n", clock, secs, nanos)
}

// Entries of a directory come back whatever surrounds them, and a broken
// buffer does no harm.
func FuzzReadDir(f *testing.F) {
	f.Add([]byte{}, uint16(1), "self")
	f.Add([]byte{0, 1, 2, 3}, uint16(32768), "12a")
	f.Fuzz(func(t *testing.T, tail []byte, pid uint16, name string) {
		name, _, _ = strings.Cut(name, "\x00")
		b := appendEntry(nil, name)
		b = appendEntry(b, strconv.Itoa(int(pid)))
		got := appendPIDs(nil, b)
		want := []int{int(pid)}
		if n, err := strconv.ParseUint(name, 10, 32); err == nil && len(name) <= 10 && name[0] != '+' {
			want = []int{int(n), int(pid)}
		} else if err == nil || len(name) == 10 {
			return // beyond any pid
		}
		if len(name) < 200 && !slices.Equal(got, want) {
			t.Errorf("%q and %d: %d, want %d", name, pid, got, want)
		}
		for _, p := range appendPIDs(nil, append(b, tail...)) {
			if p < 0 {
				t.Errorf("pid %d", p)
			}
		}
	})
}

// appendEntry appends a struct linux_dirent64.
func appendEntry(b []byte, name string) []byte {
	size := (direntName + len(name) + 1 + 7) &^ 7
	entry := make([]byte, size)
	binary.NativeEndian.PutUint16(entry[direntLen:], uint16(size))
	copy(entry[direntName:], name)
	return append(b, entry...)
}

// Numbers are what strconv takes, without signs and underscores.
func FuzzParseUint(f *testing.F) {
	f.Add("18446744073709551615", uint64(1<<64-1))
	f.Add("18446744073709551616", uint64(1<<64-1))
	f.Add("007", uint64(7))
	f.Fuzz(func(t *testing.T, s string, limit uint64) {
		got, ok := parseUint([]byte(s), limit)
		want, err := strconv.ParseUint(s, 10, 64)
		if len(s) > 20 {
			return
		}
		if ok != (err == nil && want <= limit) || ok && cmp.Compare(got, want) != 0 {
			t.Errorf("%q up to %d: %d %t, want %d %v", s, limit, got, ok, want, err)
		}
	})
}

// Whatever stands around it, a line of its own with an address is found, and
// what is found stands in the file.
func FuzzParseNameservers(f *testing.F) {
	f.Add("# made by hand", "127.0.0.53", "options ndots:0")
	f.Add("nameserver", "fe80::1%eth0", " nameserver 1.1.1.1")
	f.Fuzz(func(t *testing.T, before, word, after string) {
		want, err := netip.ParseAddr(word)
		file := before + "\nnameserver\t" + word + " x\n" + after
		got := parseNameservers([]byte(file))
		if plain := len(strings.Fields(word)) == 1 && strings.Fields(word)[0] == word; err == nil && plain && !slices.Contains(got, want) {
			t.Errorf("%q gave %v, not %s", file, got, want)
		}
		for _, a := range got {
			if !strings.Contains(file, "nameserver") || !slices.ContainsFunc(strings.Fields(file), func(w string) bool { p, err := netip.ParseAddr(w); return err == nil && p == a }) {
				t.Errorf("%q gave %s, which is not there", file, a)
			}
		}
	})
}
