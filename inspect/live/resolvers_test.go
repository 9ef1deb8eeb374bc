package live_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

// etc has an /etc of its own, in a mount namespace of its own. With "mount" the
// file is mounted as an engine does it, else it is plainly there.
func etc(args []string) error {
	how, file := args[0], args[1]
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	text := []byte("nameserver 192.0.2.1\n")
	if err := unix.Mount("etc", "/etc", "tmpfs", 0, ""); err != nil {
		return err
	}
	if err := os.WriteFile("/etc/resolv.conf", text, 0o644); err != nil {
		return err
	}
	if how == "mount" {
		if err := unix.Mount(file, "/etc/resolv.conf", "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	livetest.Ready()
	return nil
}

// The file that an engine mounted is read as a resolver reads it, and what
// only looks like one is not opened: a fifo would wait, a device may act.
func TestResolvers(t *testing.T) {
	livetest.Root(t)
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	device := filepath.Join(t.TempDir(), "null")
	if err := unix.Mknod(device, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, how, file string
		want            []netip.Addr // nil: not read
		problem         string
	}{
		{
			"mounted", "mount", file("a", "# x\nnameserver 127.0.0.53\n nameserver 1.1.1.1\nsearch shop\nnameserver fe80::1%eth0 # y\nnameserver x\n"),
			[]netip.Addr{netip.MustParseAddr("127.0.0.53"), netip.MustParseAddr("fe80::1%eth0")},
			"",
		},
		{"names none", "mount", file("b", "search shop\n"), []netip.Addr{}, ""},
		{"not mounted", "copy", file("c", "nameserver 127.0.0.53\n"), nil, ""},
		{"fifo", "mount", fifo, nil, "not a plain file"},
		{"device", "mount", device, nil, "not a plain file"},
		{"file system of the kernel", "mount", "/proc/version", nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			child := livetest.Start(t, "etc", &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}, c.how, c.file)
			s, err := live.Collect(t.Context(), live.Options{
				Facts: inspect.FactTasks | inspect.FactResolvers, Focus: func(*inspect.Index) []int { return []int{child.PID} },
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(s.Mounts) > 0 {
				t.Errorf("%d mounts that nobody asked for", len(s.Mounts))
			}
			if got := len(s.Resolvers) == 1; got != (c.want != nil) {
				t.Fatalf("resolvers %+v, want %v", s.Resolvers, c.want)
			} else if got && !slices.Equal(s.Resolvers[0].Nameservers, c.want) {
				t.Errorf("name servers %v, want %v", s.Resolvers[0].Nameservers, c.want)
			}
			if bad := slices.ContainsFunc(s.Problems, func(p inspect.Problem) bool { return p.Op == "read resolv.conf" && p.Err == c.problem }); bad != (c.problem != "") {
				t.Errorf("problems %+v, want %q", s.Problems, c.problem)
			}
		})
	}
}
