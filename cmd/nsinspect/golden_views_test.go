package main

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"nsinspect/render/rendertest"
)

// goldenView is a command line that is run on hosts of testdata/hosts. What
// it writes is compared with testdata/golden/HOST/NAME.txt.
type goldenView struct {
	name string
	args string   // words with single blanks between; --from is added
	host []string // on which hosts; nil: on all
	// width and color make stdout a terminal.
	width int
	color bool
}

// goldenViews are all views under test. To add one: add a line here, run
// `make golden` and read what it wrote. Hosts are made in golden_hosts_test.go.
var goldenViews = []goldenView{
	{name: "ls", args: "ls"},
	{name: "ls-wide", args: "ls -o wide"},
	{name: "ls-json", args: "ls -o json"},
	{name: "ls-yaml", args: "ls -o yaml", host: []string{"docker", "hostile"}},
	{name: "ls-name", args: "ls -o name -t net"},
	{name: "ls-terminal", args: "ls -o wide", width: 80, color: true},
}

func TestGoldenViews(t *testing.T) {
	hosts := rendertest.Hosts(t)
	for _, host := range slices.Sorted(maps.Keys(hosts)) {
		for _, v := range goldenViews {
			if v.host == nil || slices.Contains(v.host, host) {
				t.Run(host+"/"+v.name, func(t *testing.T) {
					rendertest.Golden(t, filepath.Join(host, v.name+".txt"), v.run(t, hosts[host]))
				})
			}
		}
	}
}

// TestGoldenOrphans holds that every golden file belongs to a view.
func TestGoldenOrphans(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(rendertest.Root(t), "testdata", "golden", "*", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	hosts := rendertest.Hosts(t)
	for _, file := range files {
		host := filepath.Base(filepath.Dir(file))
		wanted := slices.ContainsFunc(goldenViews, func(v goldenView) bool {
			return v.name+".txt" == filepath.Base(file) && (v.host == nil || slices.Contains(v.host, host))
		})
		if hosts[host] != "" && !wanted {
			t.Errorf("%s belongs to no view: remove it", file)
		}
	}
}

// run runs the view on the host in the file and returns what it writes, with
// stderr and a status other than 0 below.
func (v *goldenView) run(t *testing.T, path string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		getenv: func(name string) string { return map[string]string{"LANG": "C.UTF-8"}[name] },
		width:  v.width, color: v.color,
		now: func() time.Time { return goldenTime },
	}
	t.Chdir(filepath.Dir(path))
	status := a.run(append(strings.Fields(v.args), "--from", filepath.Base(path)))
	if stderr.Len() > 0 {
		fmt.Fprintf(&stdout, "-- stderr --\n%s", stderr.Bytes())
	}
	if status != 0 {
		fmt.Fprintf(&stdout, "-- exit %d --\n", status)
	}
	return stdout.Bytes()
}
