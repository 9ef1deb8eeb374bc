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

	{name: "tree", args: "tree"},
	{name: "tree-wide", args: "tree -o wide"},
	{name: "tree-json", args: "tree -o json"},
	{name: "tree-type", args: "tree -t net,user --no-headings"},
	{name: "tree-terminal", args: "tree", width: 60, color: true},
	{name: "tree-target", args: "tree tcpdump", host: []string{"docker"}},
	{name: "tree-user", args: "tree user:[4026532209]", host: []string{"rootless"}},
	{name: "tree-pid", args: "tree --pid"},
	{name: "tree-pid-json", args: "tree --pid -o json"},
	{name: "tree-pid-terminal", args: "tree --pid", width: 60, color: true},
	{name: "tree-pid-target", args: "tree --pid devbox", host: []string{"rootless"}},

	{name: "show-init", args: "show pid:1"},
	{name: "show-init-json", args: "show pid:1 -o json"},
	{name: "show-net", args: "show net:[4026531840]"},
	{name: "show-user", args: "show user:[4026531837]"},
	{name: "show-user-json", args: "show user:[4026531837] -o json"},
	{name: "show-container", args: "show shop-web-1", host: []string{"docker"}},
	{name: "show-container-json", args: "show shop-web-1 -o json", host: []string{"docker"}},
	{name: "show-container-yaml", args: "show shop-web-1 -o yaml", host: []string{"docker"}},
	{name: "show-container-terminal", args: "show shop-web-1", host: []string{"docker"}, width: 60, color: true},
	{name: "show-host-network", args: "show node-exporter", host: []string{"docker"}},
	{name: "show-stopped", args: "show backup", host: []string{"docker"}},
	{name: "show-netns", args: "show blue", host: []string{"docker"}},
	{name: "show-shared-net", args: "show net:[4026532205]", host: []string{"docker"}},
	{name: "show-rootless", args: "show devbox", host: []string{"rootless"}},
	{name: "show-nested", args: "show pid:2300", host: []string{"rootless"}},
	{name: "show-zombie", args: "show pid:2400", host: []string{"rootless"}},
	{name: "show-pidns", args: "show pid:[4026532206]", host: []string{"rootless"}},
	{name: "show-container", args: "show pid:669", host: []string{"hostile"}},
	{name: "ps-self", args: "ps self --tree"},
	{name: "ps-self-json", args: "ps self -o json"},
	{name: "ps", args: "ps shop-web-1", host: []string{"docker"}},
	{name: "ps-wide", args: "ps devbox -o wide --tree", host: []string{"rootless"}},
	{name: "ps-host-pid", args: "ps node-exporter", host: []string{"docker"}},
	{name: "ps-user", args: "ps user:[4026532210]", host: []string{"rootless"}},
	{name: "ps-empty", args: "ps blue", host: []string{"docker"}},
	{name: "ps-hostile", args: "ps uts:[4026532201] -o yaml", host: []string{"hostile"}},
	{name: "ps-terminal", args: "ps net:[4026531840]", width: 60, color: true},

	{name: "graph", args: "graph"},
	{name: "graph-wide", args: "graph -o wide", host: wired},
	{name: "graph-json", args: "graph -o json", host: wired},
	{name: "graph-yaml", args: "graph -o yaml", host: []string{"snare"}},
	{name: "graph-name", args: "graph -o name", host: wired},
	{name: "graph-dot", args: "graph --dot", host: wired},
	{name: "graph-mermaid", args: "graph --mermaid", host: wired},
	{name: "graph-terminal", args: "graph", host: wired, width: 100, color: true},
	{name: "graph-all-dot", args: "graph --type all --dot", host: []string{"wired"}},
	{name: "graph-user-dot", args: "graph --type user --dot", host: []string{"rootless"}},
	{name: "graph-user-mermaid", args: "graph --type user --mermaid", host: []string{"rootless", "hostile"}},
	{name: "graph-pid", args: "graph --type pid", host: []string{"rootless"}},
	{name: "graph-target", args: "graph shop-db-1", host: []string{"wired"}},
	{name: "graph-interface", args: "graph vethdark", host: []string{"wired"}},
	{name: "graph-unknown", args: "graph veth404", host: []string{"wired"}},
	{name: "links", args: "links"},
	{name: "links-wide", args: "links -o wide", host: wired},
	{name: "links-json", args: "links -o json", host: wired},
	{name: "links-whose", args: "links veth0ff72e6 --columns iface,peer,where,evidence", host: []string{"wired"}},
	{name: "links-kind", args: "links --kind bridge,macvlan", host: []string{"wired"}},
	{name: "links-filter", args: "links --filter operstate==\"DOWN\"", host: []string{"wired"}},
	{name: "ports", args: "ports"},
	{name: "ports-json", args: "ports -o json", host: wired},
	{name: "ports-target", args: "ports shop-web-1", host: []string{"wired"}},

	{name: "doctor", args: "doctor"},
	{name: "doctor-json", args: "doctor -o json", host: []string{"wired"}},
	{name: "doctor-target", args: "doctor shop-db-1", host: []string{"wired"}},
	{name: "doctor-terminal", args: "doctor", host: []string{"wired"}, width: 100, color: true},
	{name: "doctor-list", args: "doctor --list", host: []string{"wired"}},

	{name: "id-map", args: "id -p self"},
	{name: "id", args: "id -p devbox 0 33 70000", host: []string{"rootless"}},
	{name: "id-json", args: "id -p devbox 0 70000 -o json", host: []string{"rootless"}},
	{name: "id-from-host", args: "id -p devbox --gid --from-host 100032 5", host: []string{"rootless"}},
	{name: "id-nested", args: "id -p pid:2300 0 1", host: []string{"rootless"}},
	{name: "id-pid", args: "id -p devbox --pid 14 20 99", host: []string{"rootless"}},
	{name: "id-pid-json", args: "id -p devbox --pid --from-host 2300 1 -o json", host: []string{"rootless"}},
	{name: "id-map-nested", args: "id -p devbox", host: []string{"rootless"}},
	{name: "id-map-json", args: "id -p devbox -o json", host: []string{"rootless"}},

	{name: "diff-init", args: "diff pid:1 self"},
	{name: "diff-init-json", args: "diff pid:1 self -o json"},
	{name: "diff", args: "diff shop-web-1 tcpdump", host: []string{"docker"}},
	{name: "diff-namespace", args: "diff shop-web-1 net:[4026532205]", host: []string{"docker"}},
	{name: "diff-nested", args: "diff devbox 2300", host: []string{"rootless"}},
	{name: "diff-json", args: "diff devbox 2300 -o json", host: []string{"rootless"}},
	{name: "diff-hostile", args: "diff self 669", host: []string{"hostile"}, width: 60, color: true},

	{name: "why-leaked", args: "why --leaked"},
	{name: "why-leaked-json", args: "why --leaked -o json", host: []string{"holders"}},
	{name: "why-leaked-terminal", args: "why --leaked", host: []string{"holders"}, width: 80, color: true},
	{name: "why-init", args: "why pid:1"},
	{name: "why-init-json", args: "why pid:1 -o json", host: []string{"docker", "hostile"}},
	{name: "why-container", args: "why shop-web-1", host: []string{"docker"}},
	{name: "why-netns", args: "why blue", host: []string{"docker", "holders"}},
	{name: "why-net", args: "why net:4026532201", host: []string{"holders"}},
	{name: "why-net-json", args: "why net:4026532201 -o json", host: []string{"holders"}},
	{name: "why-net-terminal", args: "why net:4026532201", host: []string{"holders"}, width: 60, color: true},
	{name: "why-mounted", args: "why net:4026532204", host: []string{"holders"}},
	{name: "why-pid", args: "why pid:4026532205", host: []string{"holders"}},
	{name: "why-user", args: "why user:4026532207", host: []string{"holders"}},
	{name: "mounts-self", args: "mounts self"},
	{name: "mounts-self-wide", args: "mounts self -o wide", host: []string{"holders"}},
	{name: "mounts-self-json", args: "mounts self -o json", host: []string{"holders"}},
	{name: "mounts-container", args: "mounts web1", host: []string{"holders"}},
	{name: "mounts-busy", args: "mounts --busy /dev/vdb", host: []string{"holders"}},
	{name: "mounts-busy-json", args: "mounts --busy /dev/vdb -o json", host: []string{"holders"}},
	{name: "mounts-busy-path", args: "mounts --busy /var/lib/docker/overlay2/77c0/merged", host: []string{"holders"}},
	{name: "mounts-busy-nothing", args: "mounts --busy /dev/sdz", host: []string{"holders"}},
	{name: "can-init", args: "can -p 1 net:4026531840"},
	{name: "can-init-json", args: "can -p 1 net:4026531840 -o json", host: []string{"docker"}},
	{name: "can-user", args: "can -p 1200 user:4026532201", host: []string{"rootless"}},
	{name: "can-down", args: "can -p 1 --cap net_admin user:4026532201", host: []string{"rootless"}},
	{name: "can-up", args: "can -p devbox --cap cap_sys_admin user:4026531837", host: []string{"rootless"}},

	{name: "show-hostname", args: "show uts:[4026532201]", host: []string{"hostile"}},
}

// wired are the hosts whose networks are known.
var wired = []string{"wired", "snare"}

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
	return v.runArgs(t, path, strings.Fields(v.args))
}

// runArgs is run with words that may have blanks in them.
func (v *goldenView) runArgs(t *testing.T, path string, args []string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		getenv: func(name string) string { return map[string]string{"LANG": "C.UTF-8"}[name] },
		width:  v.width, color: v.color,
		now: func() time.Time { return goldenTime },
	}
	t.Chdir(filepath.Dir(path))
	status := a.run(append(args, "--from", filepath.Base(path)))
	if stderr.Len() > 0 {
		fmt.Fprintf(&stdout, "-- stderr --\n%s", stderr.Bytes())
	}
	if status != 0 {
		fmt.Fprintf(&stdout, "-- exit %d --\n", status)
	}
	return stdout.Bytes()
}
