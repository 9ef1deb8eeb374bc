package live_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

// What root is said to lack, the kernel must be too old for; and what it is
// too old for, it cannot have.
func TestFeaturesAgreeWithTheKernel(t *testing.T) {
	livetest.Root(t)
	var uts unix.Utsname
	if err := unix.Uname(&uts); err != nil {
		t.Fatal(err)
	}
	kernel := release(t, unix.ByteSliceToString(uts.Release[:]))
	seen := map[string]bool{}
	for _, f := range live.Features(t.Context()) {
		t.Logf("%+v", f)
		if f.Name == "" || f.Use == "" || seen[f.Name] || f.Available == (f.Reason != "") && f.Name != "cgroup version 2" {
			t.Errorf("%+v", f)
		}
		seen[f.Name] = true
		if f.Since == "" || strings.Contains(f.Reason, "CONFIG_") || strings.HasPrefix(f.Reason, "not permitted") || strings.HasPrefix(f.Name, "cgroup") {
			continue
		}
		if since := release(t, f.Since); f.Available != (kernel >= since) {
			t.Errorf("%s of Linux %s on %s: available %t, %s", f.Name, f.Since, unix.ByteSliceToString(uts.Release[:]), f.Available, f.Reason)
		}
	}
	if len(seen) < 15 {
		t.Errorf("only %d features", len(seen))
	}
}

// release makes "6.18.44-x" comparable.
func release(t *testing.T, s string) int {
	t.Helper()
	var major, minor int
	if _, err := fmt.Sscanf(s, "%d.%d", &major, &minor); err != nil {
		t.Fatalf("release %q: %v", s, err)
	}
	return major*1000 + minor
}

// An unprivileged user learns what he lacks; trying leaves no trace.
func TestFeaturesOfAUser(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		user := asUser(t, 1000)
		out := string(livetest.Output(t, "features", user))
		for _, want := range []string{
			"enter namespaces: not permitted: needs CAP_SYS_ADMIN",
			"all mount namespaces: not permitted: needs CAP_SYS_ADMIN in the initial pid namespace",
			"links of all processes: permission denied for 1 of 2 processes",
			"BPF programs: not permitted: needs CAP_BPF and CAP_PERFMON",
		} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing in:\n%s", want, out)
			}
		}
		for _, name := range []string{"owners of namespaces", "pidfd_open", "rtnetlink"} {
			if !strings.Contains(out, name+": available") {
				t.Errorf("%s is not available:\n%s", name, out)
			}
		}
		self, files := wantLinks(t, "/proc/self"), openFiles(t)
		live.Features(t.Context())
		if now := openFiles(t); fmt.Sprint(now) != fmt.Sprint(files) {
			t.Errorf("open files %v, before %v", now, files)
		}
		awaitThreadsIn(t, self)
		if entries, err := os.ReadDir("/proc"); err != nil || countPIDs(entries) != 1 {
			t.Errorf("%d processes, %v", countPIDs(entries), err)
		}
	})
}

func countPIDs(entries []os.DirEntry) int {
	n := 0
	for _, e := range entries {
		if c := e.Name()[0]; c >= '0' && c <= '9' {
			n++
		}
	}
	return n
}

// features prints them.
func features([]string) error {
	for _, f := range live.Features(context.Background()) {
		state := f.Reason
		if f.Available {
			state = "available " + f.Reason
		}
		fmt.Printf("%s: %s\n", f.Name, state)
	}
	return nil
}
