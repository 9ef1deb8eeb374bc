package mounts

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest/hold"
)

func TestMain(m *testing.M) { hold.Main(m) }

var mountinfoLines = []struct {
	line string
	want inspect.Mount
}{
	{
		"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue",
		inspect.Mount{MountID: 36, ParentID: 35, Device: "98:0", Root: "/mnt1", Point: "/mnt2", FSType: "ext3", Source: "/dev/root", Options: "rw,noatime", SuperOptions: "rw,errors=continue", Master: 1},
	},
	{
		`47 20 0:4 net:[4026532299] /run/netns/a\040b rw shared:25 - nsfs nsfs rw`,
		inspect.Mount{MountID: 47, ParentID: 20, Device: "0:4", Root: "net:[4026532299]", Point: "/run/netns/a b", FSType: "nsfs", Source: "nsfs", Options: "rw", SuperOptions: "rw", Shared: 25},
	},
	{
		`99 27 0:41 / /x\134y ro,nosuid shared:7 master:3 propagate_from:2 unbindable - fuse.sshfs me@host:/\011 ro`,
		inspect.Mount{MountID: 99, ParentID: 27, Device: "0:41", Root: "/", Point: `/x\y`, FSType: "fuse.sshfs", Source: "me@host:/\t", Options: "ro,nosuid", SuperOptions: "ro", Shared: 7, Master: 3, PropagateFrom: 2, Unbindable: true},
	},
}

func TestParseMountinfo(t *testing.T) {
	for _, c := range mountinfoLines {
		got, err := parseMountinfo(c.line+"\n", inspect.ID{})
		if err != nil || len(got) != 1 {
			t.Fatalf("%q: %d mounts, %v", c.line, len(got), err)
		}
		if diff := cmp.Diff(c.want, got[0]); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.line, diff)
		}
	}
	for _, bad := range []string{"36", "x 35 98:0 / / rw - ext3 a rw", "36 y 98:0 / / rw - ext3 a rw", "36 35 98:0 / / rw ext3 a rw"} {
		if got, err := parseMountinfo(mountinfoLines[0].line+"\n"+bad+"\n", inspect.ID{}); err == nil || len(got) != 1 {
			t.Errorf("%q: %d mounts, %v", bad, len(got), err)
		}
	}
}

// FuzzUnescape holds that undoing is the inverse of what the kernel does.
func FuzzUnescape(f *testing.F) {
	f.Add("/mnt/a b")
	f.Add("/x\\y\n\t#")
	escape := strings.NewReplacer(" ", `\040`, "\t", `\011`, "\n", `\012`, `\`, `\134`, "#", `\043`)
	f.Fuzz(func(t *testing.T, s string) {
		if got := unescape(escape.Replace(s)); got != s {
			t.Errorf("%q became %q", s, got)
		}
	})
}

// FuzzParseMountinfo holds that each line is a mount or an error.
func FuzzParseMountinfo(f *testing.F) {
	for _, c := range mountinfoLines {
		f.Add(c.line)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := parseMountinfo(text, inspect.ID{})
		if lines := len(slices.Collect(strings.Lines(text))); err == nil && len(list) != lines {
			t.Errorf("%d mounts in %d lines", len(list), lines)
		}
	})
}

// TestStatmountIsMountinfo compares what statmount says of our own mounts with
// what mountinfo does.
func TestStatmountIsMountinfo(t *testing.T) {
	own := ownNamespace(t)
	proc := openProc(t)
	walked := Scan(t.Context(), Options{Proc: proc, NSDev: own.Dev, All: true, NoWalk: false})
	if !walked.Read[own] {
		t.Skip("this kernel or user has no listmount(2)")
	}
	read := Scan(t.Context(), Options{Proc: proc, NSDev: own.Dev, All: true, NoWalk: true, Processes: []inspect.Process{self(own)}})
	byID := map[uint64]inspect.Mount{}
	for _, m := range walked.Mounts {
		if m.NS == own {
			byID[m.MountID] = m
		}
	}
	if len(read.Mounts) == 0 {
		t.Fatal("mountinfo has no mounts")
	}
	for _, want := range read.Mounts {
		got := byID[want.MountID]
		// The two have options in different orders, and not all of them.
		got.Options, got.SuperOptions, want.Options, want.SuperOptions = "", "", "", ""
		if want.Source == "none" && got.Source == "" {
			got.Source = "none" // statmount says nothing for a mount without source
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-mountinfo +statmount):\n%s", diff)
		}
	}
}

// TestEnter reads a mount namespace without process as older kernels need it,
// and finds the namespace that is mounted there.
func TestEnter(t *testing.T) {
	for _, w := range hold.Ways() {
		if w.Name != "net bind mount in a mount namespace without process" {
			continue
		}
		h := hold.Start(t, w)
		own := ownNamespace(t)
		walked := Scan(t.Context(), Options{Proc: openProc(t), NSDev: own.Dev, Keep: 64})
		fd, ok := walked.Files[h.Also]
		for _, f := range walked.Files {
			defer unix.Close(f)
		}
		if !ok {
			t.Skip("this kernel does not list mount namespaces: nothing to compare with")
		}
		res, err := Enter(openProc(t), fd, Options{NSDev: own.Dev})
		if err != nil {
			t.Fatal(err)
		}
		found := func(refs []inspect.Ref) bool {
			return slices.ContainsFunc(refs, func(r inspect.Ref) bool { return r.NS == h.NS && r.MountNS == h.Also && r.Path == "/dev/shm/ns" })
		}
		if !found(walked.Refs) || !found(res.Refs) {
			t.Errorf("mount of %s in %s: listed %v, entered %v", h.NS, h.Also, found(walked.Refs), found(res.Refs))
		}
		if now := ownNamespace(t); now != own {
			t.Errorf("this process is in %s now", now)
		}
		return
	}
	t.Error("there is no such way to hold a namespace")
}

// TestCancelled stops early.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	own := ownNamespace(t)
	res := Scan(ctx, Options{Proc: openProc(t), NSDev: own.Dev, NoWalk: true, Processes: []inspect.Process{self(own)}, All: true})
	if len(res.Mounts) != 0 {
		t.Errorf("%d mounts were read", len(res.Mounts))
	}
}

func self(mnt inspect.ID) inspect.Process {
	p := inspect.Process{PID: os.Getpid()}
	p.NS[inspect.LinkMnt] = mnt
	return p
}

func ownNamespace(t *testing.T) inspect.ID {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat("/proc/self/ns/mnt", &st); err != nil {
		t.Fatal(err)
	}
	return inspect.ID{Dev: uint64(st.Dev), Ino: st.Ino}
}

func openProc(t *testing.T) int {
	t.Helper()
	fd, err := unix.Open("/proc", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}
