package enter

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"nsinspect/inspect"
)

var update = flag.Bool("update", false, "write the golden files anew")

// someLinks are namespaces whose inodes begin at base.
func someLinks(base uint64) (l inspect.Links) {
	for i, t := range inspect.Types {
		l[t.Link()] = inspect.ID{Dev: 4, Ino: base + uint64(i)}
	}
	return l
}

const allCaps = 1<<41 - 1

// hostFacts are those of root on a host, with a container as target that
// shares our user and time namespaces.
func hostFacts() *Facts {
	f := &Facts{Owner: map[inspect.ID]inspect.ID{}}
	f.Self = Subject{PID: 100, NS: someLinks(1000), Caps: inspect.Caps{Effective: allCaps, Permitted: allCaps}}
	f.Target = &Subject{PID: 7, NS: someLinks(2000), Caps: inspect.Caps{Bounding: 0xa80425fb}, Env: []string{"PATH=/app", "A=1"}}
	for _, t := range []inspect.Type{inspect.User, inspect.Time} {
		f.Target.NS[t.Link()] = f.Self.NS.Of(t)
	}
	for _, t := range inspect.Types {
		f.Owner[f.Target.NS.Of(t)] = f.Self.NS.Of(inspect.User)
	}
	return f
}

// rootlessFacts are those of a user, with a process of hers in a user
// namespace of her own.
func rootlessFacts() *Facts {
	f := hostFacts()
	f.Self.UID, f.Self.GID, f.Self.Caps = 1000, 1000, inspect.Caps{}
	f.Target.NS = someLinks(3000)
	f.Target.UIDMap = []inspect.IDRange{{Inside: 0, Outside: 1000, Count: 1}}
	f.Target.GIDMap = f.Target.UIDMap
	f.Target.Setgroups = "deny"
	for _, t := range inspect.Types {
		f.Owner[f.Target.NS.Of(t)] = f.Target.NS.Of(inspect.User)
	}
	return f
}

var web1 = Target{PID: 7, Name: "web1", Word: "web1", InContainer: true}

func hours(n int) *time.Duration {
	d := time.Duration(n) * time.Hour
	return &d
}

var plans = []struct {
	name  string
	facts func() *Facts
	tty   bool
	r     Request
}{
	{"all", hostFacts, false, Request{Target: web1, JoinAll: true, Command: []string{"ps", "ax"}}},
	{"shell-on-terminal", hostFacts, true, Request{Target: web1, JoinAll: true}},
	{"some", hostFacts, false, Request{Target: web1, Join: SetOf(inspect.Net, inspect.UTS), Command: []string{"ss", "-tlnp"}}},
	{"shared-already", hostFacts, false, Request{Target: web1, Join: SetOf(inspect.User, inspect.Net), Command: []string{"id"}}},
	{"rootless", rootlessFacts, false, Request{Target: web1, JoinAll: true, Command: []string{"id"}}},
	{"rootless-new-user", rootlessFacts, false, Request{Target: web1, JoinAll: true, New: SetOf(inspect.User), Command: []string{"id"}}},
	{"careful", hostFacts, false, Request{
		Target: web1, JoinAll: true, TargetCaps: true, JoinCgroup: true, EnvOfTarget: true, TargetDir: true,
		SetUID: &SetID{ID: 33}, SetGID: &SetID{ID: 33}, Command: []string{"sh", "-c", "echo $A \x1b[31m"},
	}},
	{"join-and-make", hostFacts, false, Request{
		Target: web1, Join: SetOf(inspect.Net), New: SetOf(inspect.UTS, inspect.Mnt), Hostname: "box", Command: []string{"true"},
	}},
	{"sandbox", rootlessFacts, false, Request{
		New: AllKinds, Hostname: "box", Monotonic: hours(24), Boottime: hours(-2), KillChild: true, Command: []string{"sh"},
	}},
	{"new-pid-only", hostFacts, false, Request{New: SetOf(inspect.PID), Command: []string{"sh"}}},
	{"ranges", hostFacts, false, Request{
		New:     SetOf(inspect.User),
		Map:     IDMaps{Users: []inspect.IDRange{{Inside: 0, Outside: 100000, Count: 65536}}},
		Command: []string{"id"},
	}},
	{"no-fork", hostFacts, false, Request{Target: web1, Join: SetOf(inspect.PID), NoFork: true, Command: []string{"ps"}}},
	{"persist", hostFacts, false, Request{
		New: SetOf(inspect.Net), Persist: []File{{Type: inspect.Net, Path: "/run/netns/blue"}}, Command: []string{"true"},
	}},
	{"resolv-conf", hostFacts, false, Request{Target: web1, Join: SetOf(inspect.Net), ResolvConf: true, Command: []string{"curl"}}},
}

// describe is a plan as --dry-run shows it, and a little more.
func describe(p *Plan) string {
	var b strings.Builder
	for i, s := range p.Steps {
		fmt.Fprintf(&b, "%2d. %s\n", i+1, s.Words())
		if s.Needs() != "" {
			fmt.Fprintf(&b, "    needs %s\n", s.Needs())
		}
		for _, h := range s.handles() {
			fmt.Fprintf(&b, "    opens %d %s %d\n", h.sort, h.path, h.pid)
		}
		if x, ok := s.(execStep); ok {
			fmt.Fprintf(&b, "    paths %q env %q\n", x.paths, x.env)
		}
	}
	fmt.Fprintf(&b, "pty: %v\nnotes: %q\nwarnings: %q\nequal: %s\n", p.Pty, p.Notes, p.Warnings, p.Equal)
	return b.String()
}

func TestPlanGolden(t *testing.T) {
	for _, c := range plans {
		t.Run(c.name, func(t *testing.T) {
			f, r := c.facts(), c.r
			f.TTY = [3]bool{c.tty, c.tty, c.tty}
			if r.JoinCgroup {
				f.CgroupProcs = []string{"/sys/fs/cgroup/web1/cgroup.procs"}
			}
			if r.ResolvConf {
				f.Binds = []Bind{{"/var/lib/docker/resolv.conf", "/etc/resolv.conf"}}
			}
			r.Env = []string{"PATH=/opt/bin:/bin", "SHELL=/bin/zsh", "TERM=xterm"}
			p, err := Make(&r, f)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, filepath.Join("testdata", "plan", c.name+".txt"), describe(p))
		})
	}
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("differs from %s (go test -run Golden -update writes it anew):\n%s", path, got)
	}
}

// What does not fit together is refused, with something to type.
func TestPlanRefuses(t *testing.T) {
	file := File{Type: inspect.PID, Path: "/run/pid"}
	for name, r := range map[string]Request{
		"--net needs a target":            {Join: SetOf(inspect.Net)},
		"--hostname needs a new uts":      {Target: web1, JoinAll: true, Hostname: "x"},
		"--monotonic and --boottime":      {Target: web1, Monotonic: hours(1)},
		"--mount-proc needs a new mnt":    {Target: web1, MountProc: Yes},
		"a map of ids needs a new user":   {Target: web1, Map: IDMaps{Current: true}},
		"--persist pid=FILE needs a new":  {Target: web1, Persist: []File{file}},
		"can be bound to a file when":     {New: SetOf(inspect.PID), Persist: []File{file}, NoFork: true},
		"--kill-child needs a child":      {Target: web1, KillChild: true, NoFork: true},
		"takes something from the target": {New: SetOf(inspect.UTS), JoinCgroup: true},
		"no target whose ids":             {New: SetOf(inspect.UTS), SetUID: &SetID{Follow: true}},
	} {
		f := hostFacts()
		if r.Target.PID == 0 {
			f.Target = nil
		}
		r.Command = []string{"true"}
		_, err := Make(&r, f)
		var hint *HintError
		if err == nil || !strings.Contains(err.Error(), name) || !errors.As(err, &hint) || hint.Hint() == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlanRefusesUnmapped(t *testing.T) {
	f := rootlessFacts()
	f.Target.UIDMap = nil
	if _, err := Make(&Request{Target: web1, JoinAll: true, New: SetOf(inspect.User), Command: []string{"true"}}, f); err == nil {
		t.Error("a new user namespace where 0 is not mapped was planned")
	}
}

func TestCheckSaysWhoOwns(t *testing.T) {
	f := hostFacts()
	f.Self.Caps, f.Self.UID = inspect.Caps{}, 1000
	p, err := Make(&Request{Target: web1, Join: SetOf(inspect.Net), Command: []string{"true"}}, f)
	if err != nil {
		t.Fatal(err)
	}
	h := &Hold{fds: map[handle]int{web1.ns(inspect.Net): -1}} // it is open, so nothing is read
	err = p.Check(h)
	for _, want := range []string{"net namespace of web1", "owned by user:[1006]", "no CAP_SYS_ADMIN"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

func TestOffsetsText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour:                "monotonic 3600 0\n",
		-1500 * time.Millisecond: "monotonic -2 500000000\n",
		-2 * time.Second:         "monotonic -2 0\n",
	} {
		if got := (offsetsStep{monotonic: &d}).text(); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"a-b/c.d": "a-b/c.d", "": "''", "a $b": "'a $b'", "it's": `'it'\''s'`, "\x1b]'\a": `$'\x1b]\'\a'`, "\xff": `$'\xff'`} {
		if got := quote(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}
