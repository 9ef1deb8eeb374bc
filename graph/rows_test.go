package graph

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"nsinspect/inspect"
)

func rowsByInode(t *testing.T, x *inspect.Index) map[uint64]Row {
	t.Helper()
	rows := map[uint64]Row{}
	for _, r := range Rows(x) {
		rows[r.NS] = r
	}
	return rows
}

func TestRows(t *testing.T) {
	rows := rowsByInode(t, inspect.NewIndex(testHost()))
	web := rows[webNet]
	if web.NProcs == nil || *web.NProcs != 4 || web.PID == nil || *web.PID != 3037 {
		t.Errorf("net of web1: %s", rowJSON(web))
	}
	if web.Container == nil || web.Container.Name != "web1" || len(web.SharedBy) != 1 || web.SharedBy[0].Name != "db" {
		t.Errorf("containers of web1's net: %s", rowJSON(web))
	}
	if web.Owner == nil || *web.Owner != hostUser || web.Parent != nil {
		t.Errorf("owner of web1's net: %s", rowJSON(web))
	}
	host := rows[hostNet]
	if host.Container != nil || host.SharedBy != nil || host.Host == nil || !*host.Host {
		t.Errorf("net of the host, which mon shares: %s", rowJSON(host))
	}
	if nested := rows[webNested]; nested.Parent == nil || *nested.Parent != webPID {
		t.Errorf("nested pid namespace: %s", rowJSON(nested))
	}
}

// TestRowsUnknown holds that what was not looked at is null, not 0 or none.
func TestRowsUnknown(t *testing.T) {
	id := ns(webNet)
	for _, c := range []struct {
		facts inspect.Facts
		want  string
	}{
		{0, `"nprocs":null,"pid":null,"ppid":null,"command":null,"uid":null,"user":null,"container":null,"owner":null`},
		{inspect.FactTasks, `"nprocs":0,"pid":null`},
	} {
		x := inspect.NewIndex(&inspect.Snapshot{
			Scope:      inspect.NewScope(c.facts, nil),
			Namespaces: []inspect.Namespace{{ID: id, Type: inspect.Net}},
		})
		if got := rowJSON(Rows(x)[0]); !strings.Contains(got, c.want) {
			t.Errorf("facts %v: %s\nwant %s", c.facts.Names(), got, c.want)
		}
	}
}

func rowJSON(r Row) string {
	data, err := json.Marshal(r)
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func TestWithinAndFocus(t *testing.T) {
	x := inspect.NewIndex(testHost())
	links := x.Process(3037).NS
	rows := Within(Rows(x), links)
	if len(rows) != 8 {
		t.Errorf("%d namespaces of one process", len(rows))
	}
	for _, r := range rows {
		if links.Of(r.Type) != r.ID() {
			t.Errorf("%s is not one of process 3037", r.Word())
		}
	}
	focus := map[int]bool{}
	for _, pid := range RowFocus(x, links) {
		focus[pid] = true
	}
	for _, r := range rows { // the lead must be among them, else its row would be blank
		if r.PID != nil && !focus[*r.PID] {
			t.Errorf("focus %v lacks %d, the lead of %s", focus, *r.PID, r.Word())
		}
	}
}

func TestNest(t *testing.T) {
	x := inspect.NewIndex(testHost())
	all := Rows(x)
	for _, by := range []Nesting{ByOwner, ByParent} {
		rows, depths := Nest(x, all, by)
		if len(rows) != len(all) || len(depths) != len(all) {
			t.Fatalf("nesting %d: %d rows and %d depths of %d", by, len(rows), len(depths), len(all))
		}
		var path []Row
		for i, r := range rows {
			if depths[i] > len(path) {
				t.Fatalf("nesting %d: %s is %d deep below %d", by, r.Word(), depths[i], len(path))
			}
			path = append(path[:depths[i]], r)
			if depths[i] == 0 {
				continue
			}
			up, want := path[depths[i]-1], r.Parent
			if by == ByOwner && r.Type != inspect.User {
				want = r.Owner
			}
			if want == nil || up.NS != *want {
				t.Errorf("nesting %d: %s stands below %s", by, r.Word(), up.Word())
			}
		}
	}
}

// TestNestGapsAndCircles holds that a row whose upper one is left out stands
// below the next, and that facts that lead in a circle lose no row.
func TestNestGapsAndCircles(t *testing.T) {
	user := func(ino, parent uint64) inspect.Namespace {
		return inspect.Namespace{ID: ns(ino), Type: inspect.User, Parent: ns(parent), Owner: ns(parent)}
	}
	x := inspect.NewIndex(&inspect.Snapshot{Namespaces: []inspect.Namespace{
		{ID: ns(1), Type: inspect.User}, user(2, 1), user(3, 2), user(4, 5), user(5, 4), user(6, 6),
	}})
	var rows []Row
	for _, r := range Rows(x) {
		if r.NS != 2 {
			rows = append(rows, r)
		}
	}
	sorted, depths := Nest(x, rows, ByOwner)
	var got []string
	for i, r := range sorted {
		got = append(got, fmt.Sprintf("%d@%d", r.NS, depths[i]))
	}
	if s := strings.Join(got, " "); s != "1@0 3@1 6@0 4@0 5@1" {
		t.Errorf("nested %s", s)
	}
}

// TestRowDocumented holds that docs/json.md names every field.
func TestRowDocumented(t *testing.T) {
	doc, err := os.ReadFile("../docs/json.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[Row](), reflect.TypeFor[RowContainer]()} {
		for _, f := range reflect.VisibleFields(typ) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !strings.Contains(string(doc), "`"+name+"`") {
				t.Errorf("docs/json.md does not name %q of %s", name, typ.Name())
			}
		}
	}
}
