package live_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live"
	"nsinspect/inspect/live/livetest"
)

// taskFacts are the facts about processes and their namespaces, but not what
// is in these.
const taskFacts = inspect.FactTasks | inspect.FactThreads | inspect.FactLeads | inspect.FactProcesses |
	inspect.FactOwners | inspect.FactIDMaps | inspect.FactTimeOffsets | inspect.FactHostnames |
	inspect.FactContainers | inspect.FactNames | inspect.FactLimits

func capture(t *testing.T, o live.Options) *inspect.Snapshot {
	t.Helper()
	if o.Facts == 0 {
		o.Facts = taskFacts
	}
	s, err := live.Collect(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// In a sandbox exactly two processes exist, so that everything is known.
func TestWholeSnapshot(t *testing.T) {
	livetest.Sandbox(t, func(t *testing.T) {
		idle := livetest.Start(t, "idle", nil)
		now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		got := capture(t, live.Options{Tool: "test 1", Now: func() time.Time { return now }})

		self := wantLinks(t, "/proc/self")
		want := &inspect.Snapshot{
			Format: inspect.Format, Tool: "test 1", Scope: inspect.NewScope(taskFacts, nil),
			Processes:  []inspect.Process{wantProcess(t, 1), wantProcess(t, idle.PID)},
			Namespaces: wantSandbox(t, self),
		}
		got.Host, want.Host = checkHost(t, got.Host, now, self), inspect.Host{}
		for i := range got.Namespaces {
			got.Namespaces[i].Serial = 0 // see TestSerials
		}
		if diff := cmp.Diff(want, got, settled); diff != "" {
			t.Errorf("snapshot of a sandbox (-want +got):\n%s", diff)
		}
	})
}

// wantSandbox are the eight namespaces of a sandbox. Those of its own belong
// to its user namespace, whose owner is out of sight.
func wantSandbox(t *testing.T, self inspect.Links) []inspect.Namespace {
	t.Helper()
	var list []inspect.Namespace
	for _, typ := range inspect.Types {
		ns := inspect.Namespace{ID: self.Of(typ), Type: typ}
		switch typ {
		case inspect.User:
			owner := uint32(0)
			ns.OwnerUID = &owner
			ns.IDMap = wantIDMap(t, 1)
		case inspect.Time:
			ns.TimeOffsets = &inspect.TimeOffsets{}
		case inspect.Cgroup: // not of its own
		case inspect.UTS:
			ns.Owner = self.Of(inspect.User)
			name, err := os.Hostname()
			if err != nil {
				t.Fatal(err)
			}
			ns.UTS = &inspect.UTSName{Hostname: name, Domainname: "(none)"}
		default:
			ns.Owner = self.Of(inspect.User)
		}
		list = append(list, ns)
	}
	return sortedNamespaces(list)
}

func wantIDMap(t *testing.T, pid int) *inspect.IDMap {
	t.Helper()
	var m inspect.IDMap
	for file, ranges := range map[string]*[]inspect.IDRange{"uid_map": &m.UID, "gid_map": &m.GID} {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
		if err != nil {
			t.Fatal(err)
		}
		var r inspect.IDRange
		if _, err := fmt.Sscan(string(b), &r.Inside, &r.Outside, &r.Count); err != nil {
			t.Fatal(err)
		}
		*ranges = []inspect.IDRange{r}
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/setgroups", pid))
	if err != nil {
		t.Fatal(err)
	}
	m.Setgroups = string(b[:len(b)-1])
	return &m
}

// checkHost compares with what other calls say of the host, and returns what
// is left over: nothing.
func checkHost(t *testing.T, h inspect.Host, now time.Time, self inspect.Links) inspect.Host {
	t.Helper()
	var uts unix.Utsname
	var info unix.Sysinfo_t
	if err := unix.Uname(&uts); err != nil {
		t.Fatal(err)
	}
	if err := unix.Sysinfo(&info); err != nil {
		t.Fatal(err)
	}
	if up := h.Uptime.Seconds() - float64(info.Uptime); up < -2 || up > 2 {
		t.Errorf("uptime %v, sysinfo says %ds", h.Uptime, info.Uptime)
	}
	if h.Users[0] != "root" || h.Groups[0] != "root" {
		t.Errorf("user 0 is called %q, group 0 %q", h.Users[0], h.Groups[0])
	}
	limit, err := os.ReadFile("/proc/sys/user/max_net_namespaces")
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintln(h.Limits["max_net_namespaces"]); got != string(limit) {
		t.Errorf("max_net_namespaces is %s, want %s", got, limit)
	}
	status, err := strconv.ParseUint(statusLine(t, 1, "CapEff"), 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	overflow := uint32(65534)
	want := inspect.Host{
		Hostname: unix.ByteSliceToString(uts.Nodename[:]), Kernel: unix.ByteSliceToString(uts.Release[:]),
		Machine: unix.ByteSliceToString(uts.Machine[:]), BootID: line(t, "/proc/sys/kernel/random/boot_id"),
		Taken: now, NSDev: nsDevice(t), ClockTicks: 100, OverflowUID: &overflow, OverflowGID: &overflow,
		Observer: inspect.Observer{PID: 1, Caps: status, NS: self},
	}
	if want.PIDMax, err = strconv.Atoi(line(t, "/proc/sys/kernel/pid_max")); err != nil {
		t.Fatal(err)
	}
	h.Uptime, h.Users, h.Groups, h.Limits = 0, nil, nil, nil
	if diff := cmp.Diff(want, h); diff != "" {
		t.Errorf("host (-want +got):\n%s", diff)
	}
	return inspect.Host{}
}

func line(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:len(b)-1])
}

// Names that other people choose.
func TestHostileNames(t *testing.T) {
	names := []struct{ bytes, want string }{
		{"a\nb", "a\nb"},
		{"\x1b]0;pwn\x07", "\x1b]0;pwn\x07"},
		{`"];x[`, `"];x[`},
		{") R 1 2 (", ") R 1 2 ("},
		{`a\nb\\`, `a\nb\\`},
		{"\xff\xfe\\xff", `\xff\xfe\x5cxff`},
		{"grüße", "grüße"},
		{" \t ", " \t "},
	}
	livetest.Sandbox(t, func(t *testing.T) {
		pids := map[int]string{}
		for _, n := range names {
			word := hex.EncodeToString([]byte(n.bytes))
			attr := &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUTS}
			pids[livetest.Start(t, "named", attr, word, word, word).PID] = n.want
		}
		x := inspect.NewIndex(capture(t, live.Options{}))
		for pid, want := range pids {
			p := x.Process(pid)
			if p == nil || p.Info == nil {
				t.Fatalf("process %d is missing", pid)
			}
			if p.Info.Comm != want {
				t.Errorf("command %q, want %q", p.Info.Comm, want)
			}
			uts := x.Namespace(p.NS.Of(inspect.UTS)).UTS
			if uts == nil || uts.Hostname != want || uts.Domainname != want {
				t.Errorf("UTS namespace %+v, want %q", uts, want)
			}
		}
		if len(x.Snapshot().Problems) != 0 {
			t.Errorf("problems: %+v", x.Snapshot().Problems)
		}
	})
}
