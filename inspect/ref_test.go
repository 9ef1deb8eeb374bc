package inspect

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// Names that are no mounts: a symbolic link names its namespace, a stale file
// names none, and neither keeps one alive.
func TestNamesThatHoldNothing(t *testing.T) {
	ns := ID{Dev: 4, Ino: 4026532299}
	s := &Snapshot{
		Format: Format, Scope: NewScope(FactTasks|FactNames, nil), Host: Host{NSDev: ns.Dev},
		Namespaces: []Namespace{{ID: ns, Type: Net}},
		Refs: SortRefs([]Ref{
			{Kind: RefStale, Path: "/run/netns/old", Name: "old"},
			{NS: ns, Kind: RefSymlink, Path: "/run/netns/web", Name: "web"},
		}),
	}
	var b bytes.Buffer
	if err := Encode(&b, s); err != nil {
		t.Fatal(err)
	}
	got, err := Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	x := NewIndex(got)
	if names := x.Names(ns); !slices.Equal(names, []string{"web"}) {
		t.Errorf("names %q, want web alone", names)
	}
	if names := x.Names(ID{}); len(names) != 0 {
		t.Errorf("no namespace has the names %q", names)
	}
	for _, r := range got.Refs {
		if r.Kind.Holds() || r.Kind.HasFD() {
			t.Errorf("%s holds: %t, by a descriptor: %t", r.Kind, r.Kind.Holds(), r.Kind.HasFD())
		}
	}
}

// Only a stale name has no namespace.
func TestDecodeRefusesRefWithoutNamespace(t *testing.T) {
	for kind, ok := range map[RefKind]bool{RefStale: true, RefMount: false, RefSymlink: false} {
		file := `{"format":1,"scope":{"facts":["tasks"]},"host":{"hostname":"h","kernel":"6","machine":"m","taken":"2026-01-02T03:04:05Z","ns_dev":4,"observer":{"pid":1,"euid":0,"egid":0,"caps":0,"ns":{}}},` +
			`"namespaces":[],"processes":[],"refs":[{"kind":"` + string(kind) + `","path":"/run/netns/x"}]}`
		if _, err := Decode(strings.NewReader(file)); (err == nil) != ok {
			t.Errorf("a %s without namespace: %v", kind, err)
		}
	}
}
