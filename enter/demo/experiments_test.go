package demo_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nsinspect/enter/demo"
	"nsinspect/inspect/live/livetest"
)

// TestExperiments runs every experiment and its control as every user, in a
// sandbox where each trace would be seen.
func TestExperiments(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		before := trace(t)
		for _, u := range users(t) {
			for _, e := range demo.Experiments() {
				checkBoth(t, u, e.Name)
				traceless(t, e.Name+" as "+u.name, before)
			}
		}
	})
}

// TestOnThisHost runs them on the host itself.
func TestOnThisHost(t *testing.T) {
	for _, u := range users(t) {
		for _, e := range demo.Experiments() {
			t.Run(e.Name+" as "+u.name, func(t *testing.T) {
				if err := possible(t, u, e.Name); err != "" {
					livetest.Skip(t, err)
				}
				checkBoth(t, u, e.Name)
			})
		}
	}
}

// possible says why a user cannot run an experiment here, "" when he can.
func possible(t *testing.T, u user, name string) string {
	t.Helper()
	r := run(t, u, name)
	if r.status != 0 && strings.Contains(r.err, "not permitted") {
		return r.err
	}
	return ""
}

// checkBoth holds that the verdict of an experiment is what it should be, and
// that of its control the opposite.
func checkBoth(t *testing.T, u user, name string) {
	t.Helper()
	with, without := report(t, u, name), report(t, u, name, "--without")
	for _, r := range []*demo.Report{with, without} {
		if r.Verdict == r.Without || !r.Expected || r.Name != name {
			t.Errorf("%s as %s, without %v: %s, checks %+v", name, u.name, r.Without, r.Text(), r.Check)
		}
		for i, s := range r.Steps {
			if s.N != i+1 || s.Title == "" || s.Call == "" && s.View == "" || len(s.Seen) == 0 && s.Call == "" && s.View == "" {
				t.Errorf("%s: step %d says too little: %+v", name, i+1, s)
			}
		}
		for _, path := range cgroupsOf(r) {
			for _, root := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
				if _, err := os.Lstat(filepath.Join(root, path)); err == nil {
					t.Errorf("%s left cgroup %s", name, path)
				}
			}
		}
	}
	if len(with.Check) < 2 && name != "cgroup" || len(with.Steps) == 0 {
		t.Errorf("%s compares %d facts in %d steps", name, len(with.Check), len(with.Steps))
	}
}

// said returns what one side said in a report, "" when nothing.
func said(r *demo.Report, where, what string) string {
	value := ""
	for _, s := range r.Steps {
		for _, f := range s.Seen {
			if f.Where == where && f.What == what {
				value = f.Value
			}
		}
	}
	return value
}

// TestProofs holds what the classic texts promise, beside the verdicts.
func TestProofs(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		u := users(t)[0]
		for _, c := range []struct{ name, where, what, want string }{
			{"uts", "guest", "hostname", "blue"},
			{"uts", "left", "hostname", "green"},
			{"uts", "inside", "hostname", "blue"},
			{"pid", "inside", "getpid()", "1"},
			{"pid", "inside", "processes in /proc", "1"},
			{"mnt", "outside", "mountinfo of /mnt/jail/m", "tmpfs from nsinspect-demo"},
			{"net", "second", "interfaces", "1: lo DOWN, 2: pair1@if3 UP 10.67.0.2/24"},
			{"net", "inside", "ping 10.67.0.2", "answered"},
			{"bridge", "c1", "ping 192.0.2.1", "answered"},
			{"bridge", "host", "rule", "chain POSTROUTING, connections 1, masquerade"},
			{"container", "inside", "processes", "1 inside"},
		} {
			if got := said(report(t, u, c.name), c.where, c.what); got != c.want {
				t.Errorf("%s: %s of %s is %q, want %q", c.name, c.what, c.where, got, c.want)
			}
		}
	})
}

// TestViews holds that the other commands see an experiment as it is, as every
// user: the network before and after, and a container from outside.
func TestViews(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		for _, u := range users(t) {
			var views []string
			for _, name := range []string{"bridge", "container"} {
				for _, s := range report(t, u, name).Steps {
					if s.View != "" {
						views = append(views, s.View)
					}
				}
			}
			if len(views) != 4 {
				t.Fatalf("%s: %d views", u.name, len(views))
			}
			for i, want := range []string{
				`(?s)c1 \(pid \d+\) .*only a loopback`,
				`(?s)─uplink +↔ world \(pid \d+\):eth0 +UP .*─br0 +bridge +UP .*─veth1 +↔ c1 \(pid \d+\):eth0 +UP .*─veth2 +↔ c2 \(pid \d+\):eth0 +UP`,
				`^process \d+ +inside\n +pid +\d+ → 1 inside\n`,
				`─veth0 +↔ inside \(pid \d+\):eth0 +UP .*10\.68\.0\.2/24`,
			} {
				if !regexp.MustCompile(want).MatchString(views[i]) {
					t.Errorf("%s: view %d is not %s:\n%s", u.name, i, want, views[i])
				}
			}
			if u.uid == 0 && !strings.Contains(views[2], "hostname demo-container") { // others may not read it
				t.Errorf("the container's name is not shown:\n%s", views[2])
			}
			if strings.Contains(views[0], "br0") {
				t.Errorf("%s: there is a bridge before it is made:\n%s", u.name, views[0])
			}
		}
	})
}

// TestUserMaps holds what user_namespaces(7) says about who may write a map.
func TestUserMaps(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		want := map[string][]string{"root": {"yes", "yes", "yes", "yes", "no: EPERM"}, "plain user": {"no: EPERM", "yes", "yes", "no: EPERM", "no: EPERM"}}
		for _, u := range users(t) {
			r := report(t, u, "user")
			var got []string
			for _, s := range r.Steps {
				if s.Table != nil {
					for _, row := range s.Table.Rows {
						got = append(got, row[1])
					}
				}
			}
			w := want[u.name]
			if len(users(t)) == 1 {
				w[3] = "no: EPERM" // the sandbox has one id only
			}
			if strings.Join(got, ",") != strings.Join(w, ",") {
				t.Errorf("%s: %q, want %q", u.name, got, w)
			}
			if said(r, "inside", "uid") == said(r, "outside", "owner of the process") {
				t.Errorf("%s: the same uid on both sides", u.name)
			}
		}
	})
}

// TestRefused holds that a missing permission is one clear line and a hint.
func TestRefused(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		u := users(t)[len(users(t))-1]
		before := trace(t)
		if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
			t.Fatal(err)
		}
		names := []string{"user", "container"}
		if u.uid != 0 {
			names = append(names, "uts", "bridge")
		}
		for _, name := range names {
			r := run(t, u, name)
			lines := strings.Split(strings.TrimSpace(r.err), "\n")
			if r.status != 1 || len(lines) != 2 || !strings.HasPrefix(lines[0], "nsinspect: error: ") ||
				!strings.HasPrefix(lines[1], "nsinspect: hint: ") || !strings.Contains(lines[0], "make a user namespace: no space left on device") ||
				!strings.Contains(lines[1], "sysctl -w user.max_user_namespaces") {
				t.Errorf("demo %s: status %d, %s", name, r.status, r.err)
			}
		}
		r := run(t, u)
		for _, name := range names {
			if r.status != 0 || !regexp.MustCompile(`(?m)^`+name+` .* no +`).MatchString(r.out) {
				t.Errorf("the list does not say it of %s: status %d\n%s%s", name, r.status, r.out, r.err)
			}
		}
		traceless(t, "what was refused", before)
	})
}
