package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsinspect/graph"
	"nsinspect/inspect"
	"nsinspect/inspect/container/dockertest"
	"nsinspect/inspect/live/livetest"
)

// listing is the JSON of nsinspect ls.
type listing struct {
	Namespaces []graph.Row
	Problems   []inspect.Problem
	Format     int
}

func (l *listing) row(ino uint64) *graph.Row {
	for i := range l.Namespaces {
		if l.Namespaces[i].NS == ino {
			return &l.Namespaces[i]
		}
	}
	return nil
}

// Every namespace of every container carries its name, and says who else is
// in it; those of the host carry none.
func checkLs(t *testing.T, s scene) {
	var l listing
	viewJSON(t, &l, "ls")
	for _, name := range []string{"web1", "web2", "side", "agent"} {
		for typ, ino := range s[name].private(t) {
			checkRow(t, l.row(ino), s, name, typ, ino)
		}
	}
	for typ, ino := range links(t, os.Getpid()) {
		if r := l.row(ino); r == nil || r.Container != nil || r.Type != typ || r.Host == nil || !*r.Host {
			t.Errorf("the host's %s namespace %d = %+v", typ, ino, r)
		}
	}
	if l.Format != 1 {
		t.Errorf("format = %d, want 1", l.Format)
	}
}

func checkRow(t *testing.T, r *graph.Row, s scene, name string, typ inspect.Type, ino uint64) {
	t.Helper()
	if r == nil {
		t.Errorf("%s of %s, %d, is not listed", typ, name, ino)
		return
	}
	owner, shared := name, ""
	if typ == inspect.Net && (name == "web1" || name == "side") {
		owner, shared = "web1", "side" // who was there first
	}
	a := s[owner]
	want := &graph.RowContainer{ID: a.ID, Name: owner, Engine: "docker", Image: dockertest.Image}
	if owner == "web1" || owner == "web2" {
		want.Project, want.Service = "shop", "web"
	}
	if diff := cmp.Diff(want, r.Container); diff != "" || r.Type != typ {
		t.Errorf("%s of %s is a %s; container -want +got:\n%s", typ, name, r.Type, diff)
	}
	if got := rowNames(r.SharedBy); got != shared {
		t.Errorf("%s of %s is shared by %q, want %q", typ, name, got, shared)
	}
	if r.PID == nil || *r.PID != a.State.Pid || r.Command == nil || *r.Command != "sleep" {
		t.Errorf("%s of %s: lead %v, want process %d", typ, name, deref(r.PID), a.State.Pid)
	}
}

func rowNames(list []graph.RowContainer) string {
	var names []string
	for _, c := range list {
		names = append(names, c.Name)
	}
	return strings.Join(names, " ")
}

func deref(p *int) int {
	if p == nil {
		return -1
	}
	return *p
}

// lsns(8) counts the same processes in the containers' namespaces.
func checkLsns(t *testing.T, s scene) {
	if _, err := exec.LookPath("lsns"); err != nil {
		livetest.Skip(t, "lsns (apt-get install util-linux)")
	}
	out, err := exec.Command("lsns", "-J", "-o", "NS,TYPE,NPROCS").Output()
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		NS     uint64
		Type   string
		NProcs int
	}
	var theirs struct{ Namespaces []row }
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatalf("lsns: %v in %s", err, out)
	}
	var ours listing
	viewJSON(t, &ours, "ls")
	compared := 0
	for name, a := range s {
		private := a.private(t)
		for _, r := range theirs.Namespaces {
			typ, err := inspect.ParseType(r.Type)
			if err != nil || private[typ] != r.NS {
				continue
			}
			compared++
			got := ours.row(r.NS)
			if got == nil || got.Type != typ || deref(got.NProcs) != r.NProcs {
				t.Errorf("%s of %s: lsns says %+v, ls %+v", typ, name, r, got)
			}
		}
	}
	want := 0
	for _, a := range s {
		want += len(a.private(t))
	}
	if compared != want {
		t.Errorf("lsns knows %d namespaces of containers, want %d", compared, want)
	}
}

// The table has a line for each namespace, with the container's name in its
// column; -p narrows it to what a target is in, and a name, an id's beginning,
// a pid and a namespace are all targets.
func checkLsTarget(t *testing.T, s scene) {
	web := s["web1"]
	want := tableOf(t, view(t, "ls", "--no-headings", "--columns=NS,CONTAINER", "-p", "web1"))
	if len(want) != len(web.ns) {
		t.Errorf("ls -p web1 has %d lines, want %d:\n%v", len(want), len(web.ns), want)
	}
	for typ, ino := range web.private(t) {
		name := "web1"
		if typ == inspect.Net {
			name = "web1+1" // side is in it too
		}
		if got := want[itoa(ino)]; got != name {
			t.Errorf("%s of web1 is said to be of %q, want %q", typ, got, name)
		}
	}
	for _, target := range []string{web.ID, web.short(), "docker:web1", itoa(uint64(web.State.Pid))} {
		got := tableOf(t, view(t, "ls", "--no-headings", "--columns=NS,CONTAINER", "-p", target))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ls -p %s is not ls -p web1:\n%s", target, diff)
		}
	}
	r := answered(t, docker.Host(), "ls", "-p", "web")
	if r.status != 2 || r.stdout != "" || !strings.Contains(r.stderr, `nsinspect: error: target "web" is ambiguous`) ||
		!strings.Contains(r.stderr, "web1") || !strings.Contains(r.stderr, "web2") {
		t.Errorf("ls -p web, which is the service of two containers: %+v", r)
	}
}

// tableOf reads a table of two columns.
func tableOf(t *testing.T, text string) map[string]string {
	t.Helper()
	rows := map[string]string{}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) != 2 {
			t.Fatalf("line %q has not two columns", line)
		}
		rows[f[0]] = f[1]
	}
	return rows
}

// A filter finds the containers of a compose project.
func checkLsFilter(t *testing.T, s scene) {
	var l listing
	viewJSON(t, &l, "ls", "--filter", `container.project == "shop"`, "-t", "pid", "-t", "net")
	var got []uint64
	for _, r := range l.Namespaces {
		got = append(got, r.NS)
	}
	want := []uint64{s["web1"].ns[inspect.Net], s["web1"].ns[inspect.PID], s["web2"].ns[inspect.Net], s["web2"].ns[inspect.PID]}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("namespaces of the project: %v, want %v", got, want)
	}
}

// The shell completes a target to the containers' names. A file does not run
// into the time limit of completion on a machine under load.
func checkCompletion(t *testing.T, _ scene) {
	out := view(t, "__complete", "show", "--from", snapshotFile(t), "web")
	for _, name := range []string{"web1", "web2"} {
		if !strings.Contains(out, name) {
			t.Errorf("nsinspect show web<TAB> does not offer %s:\n%s", name, out)
		}
	}
}
