package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"nsinspect/graph/doctor"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
)

// doctorOf returns the faults and warnings that concern a target.
func doctorOf(t *testing.T, target string) (out []doctor.Finding) {
	t.Helper()
	r := nsinspect(t, docker.Host(), "doctor", target, "-o", "json")
	if r.status > 2 || r.stdout == "" {
		t.Fatalf("doctor %s: status %d: %s", target, r.status, r.stderr)
	}
	var report doctor.Report
	decode(t, r.stdout, &report)
	for _, f := range report.Findings {
		if f.Severity != doctor.Note {
			out = append(out, f)
		}
	}
	if faults := slices.ContainsFunc(out, func(f doctor.Finding) bool { return f.Severity == doctor.Fault }); faults != (r.status == 1) {
		t.Errorf("doctor %s: status %d, findings %+v", target, r.status, out)
	}
	for _, u := range report.Undetermined {
		if len(u.Namespaces) > 0 {
			t.Errorf("doctor %s: undetermined %+v", target, u)
		}
	}
	return out
}

// daemonRuns runs a script in the daemon's network namespace.
func daemonRuns(t *testing.T, script string) string {
	t.Helper()
	return output(t, "nsenter", fmt.Sprintf("--net=/proc/%d/ns/net", docker.Supervisor()), "sh", "-ec", script)
}

// TestDoctorOnDocker holds that nothing is found on a healthy daemon with
// three networks, that what is broken there is found, and that typing the
// commands that the findings give repairs it.
func TestDoctorOnDocker(t *testing.T) {
	docker.Start(t)
	for _, name := range []string{"shop", "back"} {
		docker.Network(t, name)
	}
	docker.Network(t, "bare", "--opt", "com.docker.network.bridge.enable_ip_masquerade=false")
	docker.Network(t, "closed", "--internal")
	containers := []string{
		docker.Run(t, "--name=doc1", "--publish=8088:80"),
		docker.Run(t, "--name=doc2"),
		docker.Run(t, "--name=doc3", "--net=shop"),
		docker.Run(t, "--name=doc4", "--net=shop"),
		docker.Run(t, "--name=doc5", "--net=back"),
		docker.Run(t, "--name=doc6", "--net=bare"),
		docker.Run(t, "--name=doc7", "--net=closed"),
	}
	docker.Docker(t, "network", "connect", "back", "doc3")
	daemonRuns(t, "ip link add ens9 type veth peer name far9; ip link set ens9 up; ip link set far9 up; "+
		"ip address add 192.0.2.10/24 dev ens9; ip route add default via 192.0.2.1 dev ens9")
	t.Cleanup(func() { daemonRuns(t, "ip link del ens9") })
	daemon := fmt.Sprint(docker.Supervisor())
	for _, target := range append(containers, daemon) {
		if found := doctorOf(t, target); len(found) > 0 {
			t.Fatalf("healthy %s: %+v", target, found)
		}
	}
	port := strings.Fields(daemonRuns(t, "ip -o link show master docker0"))[1]
	port, _, _ = strings.Cut(port, "@")
	pid := docker.PID(t, "doc3")
	for _, tc := range []struct {
		name, script, check string
		findings            int
	}{
		{"forwarding", "sysctl -qw net.ipv4.ip_forward=0", "ip-forward", 4},
		{"rules", "iptables -F FORWARD", "forward-dropped", 4},
		{"masquerade", "iptables -t nat -F POSTROUTING", "masquerade", 3},
		{"port", "ip link set dev " + port + " nomaster", "veth-off-bridge", 1},
		{"down", "ip link set dev docker0 down", "link-down", 1},
		{"address", "ip address flush dev docker0", "bridge-address", 1},
		{"lost", fmt.Sprintf("nsenter -t %d -n ip address flush dev eth0", docker.PID(t, "doc2")), "container-address", 1},
		{"dns", fmt.Sprintf("nsenter -t %d -n iptables -t nat -F", pid), "container-dns", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			saved := daemonRuns(t, "iptables-save")
			daemonRuns(t, tc.script)
			found := doctorOf(t, daemon)
			if tc.check == "container-dns" {
				found = doctorOf(t, "doc3")
			}
			for _, f := range found {
				if f.Check != tc.check || f.Fix == nil || f.Fix.Command == "" {
					t.Errorf("found %+v", f)
				}
			}
			if len(found) != tc.findings {
				t.Fatalf("%d findings, want %d: %+v", len(found), tc.findings, found)
			}
			for _, f := range found {
				cmd := exec.Command("sh", "-ec", f.Fix.Command)
				cmd.Env = append(docker.Env(), "PATH="+os.Getenv("PATH"))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v: %s", f.Fix.Command, err, out)
				}
			}
			for _, target := range []string{daemon, "doc1", "doc3"} {
				if left := doctorOf(t, target); len(left) > 0 {
					t.Errorf("repaired, %s: %+v", target, left)
				}
			}
			if tc.check != "container-dns" { // that restarted the container, which has rules of its own
				cmd := exec.Command("nsenter", "-t", daemon, "-n", "iptables-restore")
				cmd.Stdin = strings.NewReader(saved)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("iptables-restore: %v: %s", err, out)
				}
			}
		})
	}
}

// TestDoctorNameServers holds that the host's stub in a container's resolv.conf
// is found, also from a snapshot, and not one that leads somewhere.
func TestDoctorNameServers(t *testing.T) {
	docker.Start(t)
	docker.Network(t, "names")
	docker.Run(t, "--name=stub", "--dns=127.0.0.53")
	docker.Run(t, "--name=two", "--dns=127.0.0.53", "--dns=192.0.2.53")
	docker.Run(t, "--name=own", "--net=names", "--dns=127.0.0.53") // Docker's own asks it, from the host
	for name, want := range map[string]int{"stub": 1, "two": 0, "own": 0} {
		found := doctorOf(t, name)
		if len(found) != want || want > 0 && (found[0].Check != "dns-loopback" || !strings.Contains(found[0].Cause, "names 127.0.0.53")) {
			t.Errorf("%s: %+v", name, found)
		}
	}
	file := filepath.Join(t.TempDir(), "host.json")
	if err := os.WriteFile(file, []byte(viewOn(t, docker.Host(), "snapshot")), 0o600); err != nil {
		t.Fatal(err)
	}
	r := nsinspect(t, "", "doctor", "stub", "--check", "dns-loopback", "--from", file)
	if r.status != 1 || !strings.Contains(r.stdout, "names 127.0.0.53") {
		t.Errorf("from a snapshot: status %d\n%s%s", r.status, r.stdout, r.stderr)
	}
}

// TestDoctorWithoutDocker holds that nothing is found on a host with neither
// containers nor bridges, and that a run changes nothing there.
func TestDoctorWithoutDocker(t *testing.T) {
	n := netlab.New(t)
	n.Add(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "ens3"}, PeerName: "ens3p"})
	n.Up("ens3p")
	n.Addr("ens3", "192.0.2.10/24")
	n.Route("default", "192.0.2.1", "ens3")
	state := func() string {
		return output(t, "nsenter", at(n), "sh", "-ec", "ip link; ip address; ip route show table all; ip rule; ip neigh; nft list ruleset; sysctl -a 2>/dev/null | grep -v -e nf_conntrack_count -e random -e 'fs\\.' -e 'kernel\\.'; "+trackedConnections)
	}
	keep(t, n)
	before := state()
	var report doctor.Report
	cmd := exec.Command("nsenter", at(n), binary, "doctor", "self", "-o", "json", "--no-containers")
	out, err := cmd.Output()
	if err != nil && cmd.ProcessState.ExitCode() != 2 {
		t.Fatalf("%v: %s", err, out)
	}
	decode(t, string(out), &report)
	for _, f := range report.Findings {
		if slices.Contains(f.Namespaces, n.ID.Ino) {
			t.Errorf("found %+v", f)
		}
	}
	if after := state(); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

// TestDoctorUnprivileged holds that a user is told what could not be
// determined: status 2, where nothing else is wrong.
func TestDoctorUnprivileged(t *testing.T) {
	livetest.Root(t)
	n := netlab.New(t)
	keep(t, n)
	cmd := exec.Command("nsenter", at(n), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", binary, "doctor", "self", "--no-containers")
	out, _ := cmd.Output()
	if code := cmd.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(out), "could not be determined") || !strings.Contains(string(out), "permi") {
		t.Errorf("status %d:\n%s", code, out)
	}
}

// BenchmarkDoctor compares doctor with graph, in the same run, on a host made
// of 150 network namespaces on one bridge.
func BenchmarkDoctor(b *testing.B) {
	c := newCrowd(b, 150)
	graph, doc := []float64{}, []float64{}
	for b.Loop() {
		graph = append(graph, c.time(b, binary, "graph", "-o", "json").Seconds())
		doc = append(doc, c.time(b, "sh", "-c", binary+" doctor -o json; test $? -le 2").Seconds())
	}
	slices.Sort(graph)
	slices.Sort(doc)
	b.ReportMetric(1000*graph[len(graph)/2], "graph-ms")
	b.ReportMetric(1000*doc[len(doc)/2], "doctor-ms")
	b.ReportMetric(doc[len(doc)/2]/graph[len(graph)/2], "ratio")
}
