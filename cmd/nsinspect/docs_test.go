package main

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nsinspect/enter/demo"
	"nsinspect/graph"
	"nsinspect/graph/doctor"
	packet "nsinspect/graph/path"
	"nsinspect/graph/path/filter"
	"nsinspect/inspect"
	"nsinspect/render"
	"nsinspect/render/rendertest"
)

// shared is the section with the keys of namespace rows.
const shared = "Shared parts"

// documented are the types whose keys each section of docs/json.md lists.
var documented = map[string][]any{
	"":           {},
	shared:       {graph.Row{}, graph.RowContainer{}, graph.RowHolder{}, inspect.IDMap{}, inspect.IDRange{}, inspect.TimeOffsets{}},
	"ls":         {lsDocument{}},
	"tree":       {graph.UserTree{}, graph.UserNode{}},
	"tree --pid": {graph.PIDTree{}, graph.PIDNode{}, graph.PIDProcess{}},
	"show": {
		graph.Profile{},
		graph.ContainerProfile{},
		graph.ProcessProfile{},
		graph.Details{},
		graph.IDs{},
		graph.Capabilities{},
		graph.ThreadProfile{},
		graph.Membership{},
		graph.Sharing{},
		graph.SharingContainer{},
		graph.Lead{},
		graph.UserProfile{},
		graph.Owner{},
		graph.Limit{},
		graph.Hint{},
		graph.NamespaceProfile{},
		graph.Member{},
		inspect.CgroupPath{},
		inspect.UTSName{},
	},
	"ps": {graph.ProcessList{}, graph.ProcessRow{}},
	"id": {
		graph.IDList{},
		graph.Place{},
		graph.TranslatedID{},
		graph.TranslatedLevel{},
		graph.PIDList{},
		graph.TranslatedPID{},
		graph.PIDLevel{},
		graph.MapView{},
	},
	"diff": {
		graph.Comparison{},
		graph.SharedNamespace{},
		graph.Changes{},
		graph.Taken{},
		graph.ChangedNamespace{},
		graph.ChangedProcess{},
		inspect.ContainerChange{},
		inspect.FieldChange{},
	},
	"graph": {graph.Topology{}, graph.Netns{}, graph.Iface{}, graph.Edge{}, graph.Server{}, inspect.PublishedPort{}},
	"links": {
		linksDocument{},
		graph.LinkRow{},
		graph.LinkInfo{},
		graph.AddrInfo{},
		graph.StatsInfo{},
		graph.Counters{},
		graph.LinkPeer{},
	},
	"ports":  {portsDocument{}, graph.PortRow{}, graph.PortProcess{}},
	"trace":  {packet.Report{}, packet.Leg{}, packet.Step{}, packet.Proof{}, packet.Visit{}, packet.Ruling{}, filter.Packet{}, filter.Rule{}},
	"doctor": {doctor.Report{}, doctor.Finding{}, doctor.Evidence{}, doctor.Fix{}, doctor.Unknown{}},
	"why": {
		render.WhyDocument{},
		graph.Why{},
		graph.Holder{},
		graph.Lead{},
		graph.Socket{},
		graph.Remedy{},
		graph.Leaks{},
		graph.Leak{},
		graph.StaleName{},
		inspect.Census{},
		inspect.CensusStep{},
		inspect.InodeRun{},
	},
	"mounts":   {graph.MountTree{}, graph.MountNode{}, inspect.Mount{}, graph.Busy{}, graph.BusyIn{}, graph.BusyPoint{}},
	"can":      {graph.Can{}},
	"kinds":    {render.Kinds{}, render.KindRow{}},
	"demo":     {demoList{}, demoEntry{}, demo.Report{}, demo.Step{}, demo.Fact{}, demo.Table{}, demo.Check{}, demo.Kept{}},
	"features": {render.Features{}, render.Feature{}},
}

// everywhere are the keys of all documents.
var everywhere = []string{"problems", "format"}

func readJSONDoc(t *testing.T) (path string, sections map[string]string) {
	path = filepath.Join(rendertest.Root(t), "docs", "json.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sections = map[string]string{}
	for i, s := range strings.Split("\n"+string(text), "\n## ") {
		title, body, _ := strings.Cut(s, "\n")
		if i == 0 {
			title = ""
		}
		sections[title] = body
	}
	return path, sections
}

// TestJSONKeysAreDocumented holds the tables of docs/json.md to the types:
// each key is there, and no other.
func TestJSONKeysAreDocumented(t *testing.T) {
	_, sections := readJSONDoc(t)
	cells := regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|")
	for title, body := range sections {
		types, ok := documented[title]
		if !ok {
			t.Errorf("section %q is about no type: name it in documented", title)
		}
		have := map[string]bool{}
		for _, v := range types {
			for _, key := range jsonKeys(reflect.TypeOf(v)) {
				have[key] = true
				inRow := slices.Contains(jsonKeys(reflect.TypeFor[graph.Row]()), key)
				if !slices.Contains(everywhere, key) && !strings.Contains(body, "`"+key+"`") &&
					!(inRow && title != shared && strings.Contains(body, "namespace row")) {
					t.Errorf("section %q does not list the key %q of %T", title, key, v)
				}
			}
		}
		for _, m := range cells.FindAllStringSubmatch(body, -1) {
			if !have[m[1]] && !slices.Contains(everywhere, m[1]) {
				t.Errorf("section %q lists %q, which no type there has", title, m[1])
			}
		}
	}
	for title := range documented {
		if _, ok := sections[title]; !ok {
			t.Errorf("no section %q", title)
		}
	}
}

// jsonKeys returns the keys of a struct, those of embedded structs too.
func jsonKeys(t reflect.Type) []string {
	var keys []string
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			keys = append(keys, name)
		}
	}
	return keys
}

// TestJSONExamples runs the commands in docs/json.md and compares what they
// write with what stands there; with -update it writes that.
func TestJSONExamples(t *testing.T) {
	path, _ := readJSONDoc(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?ms)^```\n\\$ nsinspect ([^\n]*) --from ([a-z]+)\\.json\n(.*?)```$")
	found := example.FindAllSubmatchIndex(text, -1)
	if len(found) < 9 {
		t.Errorf("%d examples", len(found))
	}
	var out bytes.Buffer
	last := 0
	for _, m := range found {
		args := shellWords(string(text[m[2]:m[3]]))
		var plain goldenView
		got := plain.runArgs(t, rendertest.Hosts(t)[string(text[m[4]:m[5]])], args)
		if !rendertest.Updating() && !bytes.Equal(got, text[m[6]:m[7]]) {
			t.Errorf("nsinspect %s writes\n%s\ndocs/json.md has\n%s", strings.Join(args, " "), got, text[m[6]:m[7]])
		}
		out.Write(text[last:m[6]])
		out.Write(got)
		last = m[7]
	}
	out.Write(text[last:])
	if rendertest.Updating() {
		if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// shellWords splits a command line at blanks outside of single quotes.
func shellWords(line string) []string {
	var words []string
	word, quoted := "", false
	for _, r := range line + " " {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == ' ' && !quoted:
			words = append(words, word)
			word = ""
		default:
			word += string(r)
		}
	}
	return words
}
