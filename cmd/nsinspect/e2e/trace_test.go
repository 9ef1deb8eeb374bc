package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"nsinspect/graph/path"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
)

// uplink gives the Docker host an uplink to a world in which 8.8.8.8 is.
func uplink(t *testing.T) *netlab.NS {
	t.Helper()
	return uplinkOf(t, docker.Supervisor())
}

func uplinkOf(t *testing.T, pid int) *netlab.NS {
	t.Helper()
	out := netlab.New(t)
	out.Do(func() error {
		script := fmt.Sprintf(`ip link add eth0 type veth peer name up0 netns %d; ip addr add 192.0.2.1/24 dev eth0
			ip addr add 8.8.8.8/32 dev lo; ip link set eth0 up; ip route add default via 192.0.2.10`, pid)
		if msg, err := exec.Command("sh", "-ec", script).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, msg)
		}
		return nil
	})
	t.Cleanup(func() { inNetns(t, pid, "ip", "link", "del", "up0") })
	inNetns(t, pid, "sh", "-ec", "ip addr add 192.0.2.10/24 dev up0; ip link set up0 up; ip route add default via 192.0.2.1")
	return out
}

// follow runs trace on the Docker host.
func follow(t *testing.T, args ...string) path.Report {
	t.Helper()
	words := append([]string{"--net=" + fmt.Sprintf("/proc/%d/ns/net", docker.Supervisor()), binary, "trace", "-o", "json"}, args...)
	cmd := exec.Command("nsenter", words...)
	cmd.Env = docker.Env()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.Output()
	var r path.Report
	if json.Unmarshal(stdout, &r) != nil {
		t.Fatalf("trace %s: %v: %s%s", strings.Join(args, " "), err, stdout, stderr.String())
	}
	if good := err == nil; good != r.Disposition.Good() {
		t.Errorf("trace %s: %v with %s", strings.Join(args, " "), err, r.Disposition)
	}
	return r
}

func connects(out *netlab.NS, to string) (ok bool) {
	out.Do(func() error {
		c, err := net.DialTimeout("tcp", to, 500*time.Millisecond)
		if ok = err == nil; ok {
			c.Close()
		}
		return nil
	})
	return ok
}

// The four flows with the rules of a real daemon, before and after a break,
// with real traffic where it comes from outside; and nothing is changed.
func TestTraceDocker(t *testing.T) {
	for _, tool := range []string{"nft", "iptables"} {
		if _, err := exec.LookPath(tool); err != nil {
			livetest.Skip(t, "needs "+tool)
		}
	}
	s := newNetwork(t)
	out := uplink(t)
	front := docker.Inspect(t, s["front"].ID).NetworkSettings.Networks["shop"].IPAddress
	back := docker.Inspect(t, s["back"].ID).NetworkSettings.Networks["shop"].IPAddress
	state := func() string {
		return inDaemon(t, "sh", "-c", "nft -s list ruleset; ip -br link; ip -4 route show table all; ip rule; sysctl -a -r 'ip_forward|rp_filter' 2>/dev/null; "+trackedConnections)
	}
	before := state()
	for _, tc := range []struct {
		args []string
		want path.Disposition
		step string
	}{
		{[]string{"front", "8.8.8.8"}, path.Accepted, "masquerade: " + front + " → 8.8.8.8 becomes 192.0.2.10 → 8.8.8.8"},
		{[]string{"--from-outside", "192.0.2.10:8080"}, path.Accepted, "becomes 192.0.2.1 → " + front + ":80"},
		{[]string{"--from-outside", front + ":22"}, path.DeniedIn, "filter"},
		{[]string{"front", "back:80"}, path.Accepted, "delivered: " + front + " → " + back + ":80"},
	} {
		if tc.args[0] == "front" { // which can send
			tc.args = append(tc.args, "--verify")
		}
		r := follow(t, tc.args...)
		text, _ := json.Marshal(r.Forward.Steps)
		if r.Proof != nil && (r.Proof.Agreement != path.Agrees || r.Proof.Answer == "") {
			t.Errorf("trace %v: %+v", tc.args, r.Proof)
		}
		if r.Disposition != tc.want || !strings.Contains(string(text), tc.step) {
			t.Errorf("trace %v: %s (%s), want %s with %q:\n%s", tc.args, r.Disposition, r.Reason, tc.want, tc.step, text)
		}
	}
	if after := state(); after != before {
		t.Errorf("the host has changed, from\n%s\nto\n%s", before, after)
	}
	published := []string{"--from-outside", "192.0.2.10:8080"}
	if !connects(out, "192.0.2.10:8080") || connects(out, front+":22") {
		t.Error("traffic from outside does not agree")
	}
	inDaemon(t, "iptables", "-I", "DOCKER-USER", "-p", "tcp", "-m", "conntrack", "--ctorigdstport", "8080", "-j", "DROP")
	if r := follow(t, published...); r.Disposition != path.DeniedIn || !strings.Contains(r.Reason, "DOCKER-USER") || connects(out, "192.0.2.10:8080") {
		t.Errorf("dropped in DOCKER-USER: %s (%s)", r.Disposition, r.Reason)
	}
	inDaemon(t, "iptables", "-D", "DOCKER-USER", "1")
	if r := follow(t, published...); r.Disposition != path.Accepted || !connects(out, "192.0.2.10:8080") {
		t.Errorf("repaired: %s (%s)", r.Disposition, r.Reason)
	}
}

// BenchmarkTrace compares, in the same run on a host made of 150 network
// namespaces on one bridge: trace from one of them to another with graph, which
// reads as many namespaces, and with ls, which reads none; and what a real
// packet adds.
func BenchmarkTrace(b *testing.B) {
	c := newCrowd(b, 150)
	var ls, graph, trace, verify []time.Duration
	for b.Loop() {
		for range 5 {
			ls = append(ls, c.time(b, binary, "ls"))
			graph = append(graph, c.time(b, binary, "graph"))
			trace = append(trace, c.time(b, binary, "trace", "n1", "10.1.1.3"))
			verify = append(verify, c.time(b, binary, "trace", "n1", "10.1.1.3", "--verify"))
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(median(trace).Microseconds())/1000, "trace-ms")
	b.ReportMetric(float64(median(trace))/float64(median(graph)), "x-graph")
	b.ReportMetric(float64(median(trace))/float64(median(ls)), "x-ls")
	b.ReportMetric(float64((median(verify)-median(trace)).Microseconds())/1000, "verify-more-ms")
}
