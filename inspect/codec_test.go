package inspect

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// diffSnapshots returns how two snapshots differ, "" when they hold the same.
func diffSnapshots(a, b *Snapshot) string {
	return cmp.Diff(a, b, cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{}, netip.Prefix{}, netip.AddrPort{}))
}

func encode(t testing.TB, s *Snapshot) string {
	t.Helper()
	var b strings.Builder
	if err := Encode(&b, s); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestRoundTrip(t *testing.T) {
	s := testHost()
	text := encode(t, s)
	got, err := Decode(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffSnapshots(s, got); diff != "" {
		t.Errorf("decoded is not what was encoded (-want +got):\n%s", diff)
	}
	if again := encode(t, got); again != text {
		t.Error("encoded twice is not the same")
	}
}

func TestEncodeIsOneElementALine(t *testing.T) {
	text := encode(t, testHost())
	if !strings.HasPrefix(text, `{"format":1,`) || !strings.HasSuffix(text, "]}\n") {
		t.Errorf("begins with %.20q and ends with %q", text, text[len(text)-5:])
	}
	if !strings.Contains(text, "\n"+`{"pid":3037,`) {
		t.Error("a process does not begin its line")
	}
	var anything map[string]any
	if err := json.Unmarshal([]byte(text), &anything); err != nil {
		t.Error(err)
	}
}

func TestEncodeHarmsNoTerminal(t *testing.T) {
	s := testHost()
	evil := "\x1b]0;pwn\x07\u009b31m\x7f\u202e<&>\xff"
	s.Processes[0].Info.Comm = evil
	text := encode(t, s)
	for _, r := range text {
		if r < ' ' && r != '\n' || isEscaped(r) {
			t.Errorf("the text has %U", r)
		}
	}
	if !strings.Contains(text, "<&>") {
		t.Error("harmless characters are escaped")
	}
	got, err := Decode(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ToValidUTF8(evil, "\ufffd"); got.Processes[0].Info.Comm != want {
		t.Errorf("comm is %q, want %q", got.Processes[0].Info.Comm, want)
	}
}

func TestEncodeSettles(t *testing.T) {
	s := testHost()
	slices.Reverse(s.Processes)
	s.Processes[0].NS[LinkMnt] = id(inoBlue) // the inode went from a mnt to a net namespace
	got, err := Decode(strings.NewReader(encode(t, s)))
	if err != nil {
		t.Fatal(err)
	}
	if p := NewIndex(got).Process(6000); !p.NS[LinkMnt].IsZero() {
		t.Errorf("the stale link is still there: %s", p.NS[LinkMnt])
	}
	if last := got.Problems[len(got.Problems)-1]; last.Op != "match namespaces" || last.Count != 1 {
		t.Errorf("the problem is %+v", last)
	}
	if s.Processes[0].NS[LinkMnt].IsZero() || len(s.Problems) != 1 {
		t.Error("Encode changed the snapshot")
	}
}

func TestEncodeRefusesWhatDecodeWould(t *testing.T) {
	s := testHost()
	s.Processes[0].PID = -1
	var b bytes.Buffer
	if err := Encode(&b, s); err == nil || b.Len() > 0 {
		t.Errorf("error %v, %d bytes written", err, b.Len())
	}
}

func TestEncodeSaysWhatIsTooLarge(t *testing.T) {
	s := testHost()
	s.Host.Hostname = strings.Repeat("x", MaxSize)
	if err := Encode(io.Discard, s); err == nil || !strings.Contains(err.Error(), "more than can be read again") {
		t.Errorf("error %v", err)
	}
}

func TestEncodeReportsTheWriter(t *testing.T) {
	want := errors.New("disk full")
	if err := Encode(failingWriter{want}, testHost()); !errors.Is(err, want) {
		t.Errorf("error %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

func TestDecodeRefuses(t *testing.T) {
	good := encode(t, testHost())
	edit := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the good text has no %q", old)
		}
		return strings.Replace(good, old, new, 1)
	}
	const ns = `{"format":1,"scope":{"facts":[]},"host":{"ns_dev":4},"processes":[],"namespaces":[`
	const procs = `{"format":1,"scope":{"facts":[]},"host":{"ns_dev":4},"namespaces":[],"processes":[`
	for _, c := range []struct{ name, text, want, hint string }{
		{"nothing", "", "the input is empty", "nsinspect snapshot > host.json"},
		{"blanks", " \n\t", "the input is empty", "nsinspect snapshot > host.json"},
		{"gzip", "\x1f\x8b\x08rest", "compressed with gzip", "zcat"},
		{"zstd", "\x28\xb5\x2f\xfdrest", "compressed with zstd", "zstdcat"},
		{"a table", "NS TYPE NPROCS\n", "not a snapshot of nsinspect: it does not begin with {", "nsinspect snapshot"},
		{"a list", "[1,2]", "not a snapshot", ""},
		{"another program's", `{"namespaces":[{"ns":4026531834,"type":"time"}]}`, "not a snapshot of nsinspect: it has no", ""},
		{"our ls -o json", `{"namespaces":[{"ns":4026531834,"type":"time"}],"problems":[],"format":1}`, "not a snapshot of nsinspect: it has no scope", ""},
		{"newer", edit(`"format":1`, `"format":2`), "snapshot format 2 is newer than this nsinspect reads (1); update nsinspect", ""},
		{"newer, sorted", `{"containers":[{"id":7}],"format":2,"host":{},"namespaces":[],"processes":[],"scope":{}}`, "format 2 is newer", ""},
		{"newer, at the end", `{"scope":{},"host":{},"namespaces":[],"processes":[],"format":2}`, "format 2 is newer", ""},
		{"long", procs + `{"pid":7,"ns":{"net":"` + strings.Repeat("x", 5000) + `"}}]}`, "…", ""},
		{"format 0", edit(`"format":1`, `"format":0`), "its format is 0", ""},
		{"format text", edit(`"format":1`, `"format":"1"`), "format: json: cannot unmarshal string", ""},
		{"no host", edit(`"host":`, `"hose":`), "it has no host", ""},
		{"cut", good[:len(good)/2], fmt.Sprintf("it is truncated: it ends after %d bytes", len(good)/2), "make it anew"},
		{"cut before the last brace", strings.TrimSuffix(good, "}\n"), "truncated", ""},
		{"one brace", "{", "truncated", ""},
		{"garbage inside", edit(`"processes":[`, `"processes":[#`), "corrupt at byte", "make it anew"},
		{"garbage behind", good + "{}", "something follows after its end", ""},
		{"garbage behind 2", good + "x", "something follows after its end", ""},
		{"a section twice", edit(`"processes":[`, `"processes":[],"processes":[`), `"processes" occurs twice`, ""},
		{"a section of another type", edit(`"processes":[`, `"processes":7,"x":[`), "processes is not a list", ""},
		{"deep", procs + strings.Repeat(`[`, 20000), "nested too deeply", "nsinspect snapshot"},
		{"deep and unknown", procs + `],"x":` + strings.Repeat(`{"x":`, 20000), "nested too deeply", "nsinspect snapshot"},
		{"pid twice", procs + `{"pid":7,"ns":{}},{"pid":7,"ns":{}}]}`, "processes: pid 7 occurs twice", ""},
		{"pid negative", procs + `{"pid":-7,"ns":{}}]}`, "processes: pid -7", ""},
		{"pid missing", procs + `{}]}`, "processes: pid 0", ""},
		{"pid too large", procs + `{"pid":2147483648}]}`, "processes: pid 2147483648", ""},
		{"pid no int", procs + `{"pid":1e99}]}`, "processes[0]: json: cannot unmarshal number 1e99", ""},
		{"null", procs + `null]}`, "processes: pid 0", ""},
		{"number behind an unknown field", procs + `{"x":1,"pid":"7"}]}`, "processes[0]: json: cannot unmarshal string", ""},
		{"thread 0", procs + `{"pid":7,"threads":[{"tid":0}]}]}`, "pid 7: thread 0", ""},
		{"thread twice", procs + `{"pid":7,"threads":[{"tid":9},{"tid":9}]}]}`, "pid 7: thread 9", ""},
		{"nspid", procs + `{"pid":7,"info":{"nspid":[7,-1]}}]}`, "pid 7: a number is negative", ""},
		{"ppid", procs + `{"pid":7,"info":{"ppid":-1}}]}`, "pid 7: a number is negative", ""},
		{"unknown link", procs + `{"pid":7,"ns":{"nets":"4:5"}}]}`, `unknown namespace link "nets"`, ""},
		{"link without device", procs + `{"pid":7,"ns":{"net":"5"}}]}`, `namespace id "5" is not DEV:INODE`, ""},
		{"link to inode 0", procs + `{"pid":7,"ns":{"net":"4:0"}}]}`, `namespace id "4:0" is not DEV:INODE`, ""},
		{"other device", procs + `{"pid":7,"ns":{"net":"5:9"}}]}`, "namespace 5:9 is not on device 4", ""},
		{"id twice", ns + `{"id":"4:9","type":"net"},{"id":"4:9","type":"net"}]}`, "namespaces: 4:9 occurs twice", ""},
		{"no id", ns + `{"type":"net"}]}`, "has no id", ""},
		{"no type", ns + `{"id":"4:9"}]}`, "no type", ""},
		{"unknown type", ns + `{"id":"4:9","type":"disk"}]}`, `unknown namespace type "disk"`, ""},
		{"type conflict", ns + `{"id":"4:9","type":"net"}],"refs":[{"ns":"4:9","kind":"mount","mount_ns":"4:9"}]}`, "4:9 is of type net and is referred to as mnt", ""},
		{"owner no user namespace", ns + `{"id":"4:9","type":"net","owner":"4:9"}]}`, "referred to as user", ""},
		{"parent of a net", ns + `{"id":"4:9","type":"net","parent":"4:8"}]}`, "4:9 has a parent and is of type net", ""},
		{"own parent", ns + `{"id":"4:9","type":"pid","parent":"4:9"}]}`, "ancestor or owner of itself", ""},
		{"nested", ns + nested(200) + `]}`, "is nested more than 64 levels deep", ""},
		{"loop", ns + `{"id":"4:8","type":"user","owner":"4:9"},{"id":"4:9","type":"user","owner":"4:8"}]}`, "ancestor or owner of itself", ""},
		{"map too long", ns + `{"id":"4:9","type":"user","id_map":{"uid":[{"inside":1,"outside":1,"count":4294967295}]}}]}`, "id map 1 1 4294967295 is out of range", ""},
		{"map of none", ns + `{"id":"4:9","type":"user","id_map":{"gid":[{"inside":1,"outside":1}]}}]}`, "id map 1 1 0 is out of range", ""},
		{"map count", ns + `{"id":"4:9","type":"user","id_map":{"uid":[{"count":99999999999}]}}]}`, "cannot unmarshal number 99999999999", ""},
		{"container without id", ns + `],"containers":[{"name":"x"}]}`, "containers: one has no id", ""},
		{"container twice", ns + `],"containers":[{"id":"x"},{"id":"x"}]}`, `containers: "x" occurs twice`, ""},
		{"container pid", ns + `],"containers":[{"id":"x","pid":-4}]}`, `containers: "x" has pid -4`, ""},
		{"ref to nothing", ns + `],"refs":[{"kind":"mount"}]}`, "refs: 1 of 1 has no namespace", ""},
		{"mount in nothing", ns + `],"mounts":[{"mount_id":1}]}`, "mounts: 1 of 1 has no namespace", ""},
		{"network of nothing", ns + `],"networks":[{}]}`, "networks: 1 of 1 is neither", ""},
		{"network twice", ns + `],"networks":[{"dark":1},{"dark":1}]}`, "networks: one of namespace 0:0, number 1 occurs twice", ""},
		{"problem count", ns + `],"problems":[{"count":-1}]}`, "problems: 1 of 1 has a negative number", ""},
		{"clock", edit(`"clock_ticks":100`, `"clock_ticks":-100`), "host: a number is negative", ""},
		{"focus", edit(`"scope":{`, `"scope":{"focus":[0],`), "scope: focus on pid 0", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := Decode(strings.NewReader(c.text))
			var file *FileError
			if !errors.As(err, &file) || s != nil {
				t.Fatalf("got %v, %v", s, err)
			}
			if !strings.Contains(err.Error(), c.want) || !strings.Contains(file.Hint(), c.hint) {
				t.Errorf("error %q, hint %q; want %q, %q", err, file.Hint(), c.want, c.hint)
			}
			if len(err.Error()) > 303 {
				t.Errorf("the error has %d characters", len(err.Error()))
			}
		})
	}
}

// nested returns user namespaces, each in the one before.
func nested(n int) string {
	var b strings.Builder
	b.WriteString(`{"id":"4:1000","type":"user"}`)
	for i := range n {
		fmt.Fprintf(&b, `,{"id":"4:%d","type":"user","parent":"4:%d"}`, 1001+i, 1000+i)
	}
	return b.String()
}

func TestDecodeEveryPrefixIsRefused(t *testing.T) {
	good := strings.TrimSpace(encode(t, testHost()))
	for i := range good {
		if s, err := Decode(strings.NewReader(good[:i])); err == nil {
			t.Fatalf("the first %d of %d bytes are a snapshot: %v", i, len(good), s)
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	good := encode(t, testHost())
	if _, err := decode(strings.NewReader(good), int64(len(good))); err != nil {
		t.Errorf("of just the limit: %v", err)
	}
	_, err := decode(strings.NewReader(strings.Repeat(" ", 2<<20)+good), 2<<20)
	if err == nil || err.Error() != "read snapshot: it is larger than 2 MiB" {
		t.Errorf("error %v", err)
	}
}

func TestDecodeReportsTheReader(t *testing.T) {
	want := errors.New("no such device")
	if _, err := Decode(iotest.ErrReader(want)); !errors.Is(err, want) {
		t.Errorf("error %v", err)
	}
}

func TestDecodeTakesAnyOrder(t *testing.T) {
	want := testHost()
	var parts map[string]json.RawMessage
	if err := json.Unmarshal([]byte(encode(t, want)), &parts); err != nil {
		t.Fatal(err)
	}
	var procs []json.RawMessage
	if err := json.Unmarshal(parts["processes"], &procs); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(procs)
	parts["processes"], _ = json.Marshal(procs)
	text, _ := json.MarshalIndent(parts, "", "\t") // sorted by name, as jq -S does
	got, err := Decode(io.MultiReader(strings.NewReader("\ufeff"), bytes.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := diffSnapshots(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeSaysWhatItLeftOut(t *testing.T) {
	text := encode(t, testHost())
	text = strings.Replace(text, `{"pid":1,`, `{"oom":5,"pid":1,`, 1)
	text = strings.Replace(text, `"facts":[`, `"facts":["weather",`, 1)
	text = strings.Replace(text, `"containers":`, `"clouds":[{"x":[1,{}]}],"containers":`, 1)
	got, err := Decode(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := Problem{
		Op: "read snapshot", Hint: "update nsinspect", Count: 3,
		Err: `facts that this nsinspect does not know are left out: processes: field "oom", section "clouds", fact "weather"`,
	}
	if last := got.Problems[len(got.Problems)-1]; !reflect.DeepEqual(last, want) {
		t.Errorf("problem %+v", last)
	}
	again, err := Decode(strings.NewReader(encode(t, got)))
	if err != nil || diffSnapshots(got, again) != "" {
		t.Errorf("written and read again, it says something else: %v\n%s", err, diffSnapshots(got, again))
	}
	got.Problems = got.Problems[:1]
	if diff := diffSnapshots(testHost(), got); diff != "" {
		t.Errorf("what is known did not survive:\n%s", diff)
	}
}

func TestDecodeEmptyFocusIsNotAll(t *testing.T) {
	s := testHost()
	s.Scope.Focus = []int{}
	got, err := Decode(strings.NewReader(encode(t, s)))
	if err != nil || got.Scope.Focus == nil {
		t.Errorf("focus on no process came back as a focus on all, %v", err)
	}
}

func TestLinksDecode(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                          "",
		`null`:                        "",
		`{"net":"4:5"}`:               "net=4:5",
		`{"net":"4:5","uts":"4:6"}`:   "net=4:5 uts=4:6",
		`{ "net" : "4:5" }`:           "net=4:5",
		`{"n\u0065t":"4:\u0035"}`:     "net=4:5",
		`{"net":"4:5","net":"4:6"}`:   "net=4:6",
		`{"net":"4:5","x":"4:6"}`:     `unknown namespace link "x"`,
		`{"net":"4:5","uts":"4:"}`:    `namespace id "4:" is not DEV:INODE`,
		`{"net":"4:5","uts":7}`:       "cannot unmarshal number",
		`["net"]`:                     "cannot unmarshal array",
		`{"net":"4:5","uts":"4:\"6"}`: "is not DEV:INODE",
	} {
		l := hostLinks() // what was there before is gone
		err := json.Unmarshal([]byte(text), &l)
		var got []string
		for i, id := range l {
			if !id.IsZero() {
				got = append(got, Link(i).String()+"="+id.String())
			}
		}
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && strings.Join(got, " ") != want {
			t.Errorf("%s: %v, %v; want %s", text, got, err, want)
		}
	}
}
