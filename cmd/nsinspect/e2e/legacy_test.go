package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"nsinspect/graph"
	"nsinspect/graph/doctor"
	"nsinspect/graph/path"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
)

// legacyHost runs nsinspect on the host of the daemon that has its rules in
// the older iptables.
func legacyHost(t *testing.T, v any, args ...string) (status int) {
	t.Helper()
	cmd := exec.Command("nsenter", append([]string{fmt.Sprintf("--net=/proc/%d/ns/net", legacy.Supervisor()), binary}, args...)...)
	cmd.Env = legacy.Env()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, _ := cmd.Output()
	if err := json.Unmarshal(out, v); err != nil {
		t.Fatalf("%v: %v: %s%s", args, err, out, stderr.String())
	}
	return cmd.ProcessState.ExitCode()
}

// legacyState is what looking must not change: rules without counters, and the
// tables that are there, in the namespace of a process.
func legacyState(t *testing.T, pid int) string {
	t.Helper()
	return inNetns(t, pid, "sh", "-c", "for f in ip ip6; do cat /proc/net/${f}_tables_names; test -z \"$(cat /proc/net/${f}_tables_names)\" || ${f}tables-legacy-save | grep -v '^#' | sed 's/\\[.*\\]//'; done; nft -s list ruleset")
}

// TestLegacyDocker holds that a daemon whose iptables is iptables-legacy is
// seen as any other: its flows, published ports and name resolution, and what
// breaks them; and that nothing is changed by that.
func TestLegacyDocker(t *testing.T) {
	for _, tool := range []string{"nft", "ip", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			livetest.Skip(t, "needs "+tool)
		}
	}
	legacy.Start(t)
	host := legacy.Supervisor()
	legacy.Network(t, "shop")
	web := legacy.PID(t, legacy.Run(t, "--name=old1", "--publish=8080:80"))
	shop := legacy.PID(t, legacy.Run(t, "--name=old2", "--net=shop", "--publish=8081:80"))
	out := uplinkOf(t, host)
	netlab.Of(t, web).Serve("0.0.0.0:80")
	netlab.Of(t, shop).Serve("0.0.0.0:80")
	before := [3]string{legacyState(t, host), legacyState(t, web), legacyState(t, shop)}
	if !strings.Contains(before[0], "-A DOCKER ") || strings.Contains(before[0], "chain DOCKER") || !strings.Contains(before[2], "127.0.0.11") || strings.Contains(before[1], "nat") {
		t.Fatalf("the rules are elsewhere:\n%s", before)
	}

	for _, target := range []string{"old1", "old2", "self"} {
		var r doctor.Report
		if status := legacyHost(t, &r, "doctor", target, "-o", "json"); status == 1 || len(r.Findings) > 0 {
			t.Errorf("doctor %s: status %d: %+v", target, status, r.Findings)
		}
		for _, u := range r.Undetermined {
			if len(u.Namespaces) > 0 {
				t.Errorf("doctor %s: undetermined %+v", target, u)
			}
		}
	}
	for _, tc := range []struct {
		args []string
		want path.Disposition
		step string
		real string // the address to connect to from outside
	}{
		{[]string{"--from-outside", "192.0.2.10:8080"}, path.Accepted, "becomes 192.0.2.1 → 172.17.0.2:80", "192.0.2.10:8080"},
		{[]string{"--from-outside", "192.0.2.10:8081"}, path.Accepted, "dnat", "192.0.2.10:8081"},
		{[]string{"--from-outside", "172.17.0.2:22"}, path.DeniedIn, "iptables-legacy -t filter -S FORWARD: policy drop", "172.17.0.2:22"},
		{[]string{"old1", "8.8.8.8"}, path.Accepted, "masquerade: 172.17.0.2 → 8.8.8.8 becomes 192.0.2.10 → 8.8.8.8", ""},
		{[]string{"old2", "8.8.8.8", "--verify"}, path.Accepted, "masquerade", ""},
		{[]string{"old1", "old2:80", "--verify"}, path.DeniedIn, "iptables-legacy -t filter -S DOCKER-ISOLATION-STAGE-2 ", ""},
	} {
		var r path.Report
		legacyHost(t, &r, append([]string{"trace", "-o", "json"}, tc.args...)...)
		text, _ := json.Marshal(r.Forward)
		if r.Disposition != tc.want || !strings.Contains(string(text), tc.step) {
			t.Errorf("trace %v: %s (%s), want %s with %q:\n%s", tc.args, r.Disposition, r.Reason, tc.want, tc.step, text)
		}
		if r.Proof != nil && r.Proof.Agreement != path.Agrees {
			t.Errorf("trace %v: %+v", tc.args, r.Proof)
		}
		if tc.real != "" && connects(out, tc.real) != tc.want.Good() {
			t.Errorf("traffic to %s does not agree with %s", tc.real, tc.want)
		}
	}
	var drawn struct{ Edges []graph.Edge }
	legacyHost(t, &drawn, "graph", "--no-containers", "-o", "json")
	labels := map[string]string{}
	for _, e := range drawn.Edges {
		if e.Kind == graph.EdgePublish {
			labels[e.Label] += e.Evidence + "\n" // other daemons may be there
		}
	}
	for _, label := range []string{"8080→80/tcp", "8081→80/tcp"} {
		if !strings.Contains(labels[label], "iptables-legacy -t nat -S DOCKER ") {
			t.Errorf("published port %s is not drawn by its rule: %q", label, labels)
		}
	}
	if after := [3]string{legacyState(t, host), legacyState(t, web), legacyState(t, shop)}; after != before {
		t.Errorf("looking has changed\n%s\nto\n%s", before, after)
	}
	legacyBreaks(t, host, shop)
}

// legacyBreaks flushes what Docker wrote, on the host and in a container, and
// repairs it as the findings say.
func legacyBreaks(t *testing.T, host, shop int) {
	for _, tc := range []struct {
		pid           int
		script, check string
		repair        bool
	}{
		{host, "iptables-legacy -D FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT", "forward-dropped", true},
		{host, "iptables-legacy -t nat -D POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE", "masquerade", true},
		{shop, "iptables-legacy -t nat -F", "container-dns", false},
	} {
		inNetns(t, tc.pid, "sh", "-ec", tc.script)
		ino := netlab.Of(t, tc.pid).ID.Ino
		find := func() []doctor.Finding {
			var r doctor.Report
			legacyHost(t, &r, "doctor", "-o", "json", "--check", tc.check)
			// Other daemons may be there, and be broken.
			return slices.DeleteFunc(r.Findings, func(f doctor.Finding) bool { return !slices.Contains(f.Namespaces, ino) })
		}
		list := find()
		if len(list) != 1 || list[0].Fix == nil {
			t.Errorf("after %s: %+v", tc.script, list)
			continue
		}
		f := &list[0]
		if text, _ := json.Marshal(f.Evidence); !strings.Contains(string(text), "iptables-legacy") {
			t.Errorf("%s: evidence %s", tc.check, text)
		}
		if !tc.repair {
			continue
		}
		if !strings.Contains(f.Fix.Command, "iptables-legacy ") {
			t.Errorf("%s: fix %q", tc.check, f.Fix.Command)
		}
		inNetns(t, host, "sh", "-ec", f.Fix.Command)
		if list := find(); len(list) > 0 {
			t.Errorf("%s after %s: %+v", tc.check, f.Fix.Command, list)
		}
	}
}

// TestLegacyUnprivileged holds that to somebody who sees the names of tables
// but not their rules it cannot be told what these do.
func TestLegacyUnprivileged(t *testing.T) {
	if _, err := exec.LookPath("setpriv"); err != nil {
		livetest.Skip(t, "needs setpriv")
	}
	n := netlab.New(t)
	n.LegacyTables()
	keep(t, n)
	n.Run("", "iptables-legacy", "-A", "OUTPUT", "-d", "127.0.0.2", "-j", "DROP")
	for _, tc := range []struct {
		drop   string
		status int
		say    string
	}{
		{"", 1, "iptables-legacy -t filter -S OUTPUT 1"},
		{"-net_admin", 2, "could not be read"},
		{"-net_admin,-net_raw,-dac_override,-dac_read_search", 2, "could not be read"},
	} {
		args := []string{at(n), binary, "trace", "--no-containers", "self", "127.0.0.2:80"}
		if tc.drop != "" {
			args = append([]string{at(n), "setpriv", "--bounding-set=" + tc.drop, "--inh-caps=" + tc.drop}, args[1:]...)
		}
		cmd := exec.Command("nsenter", args...)
		out, _ := cmd.CombinedOutput()
		if status := cmd.ProcessState.ExitCode(); status != tc.status || !strings.Contains(string(out), tc.say) {
			t.Errorf("without %q: status %d, want %d with %q:\n%s", tc.drop, status, tc.status, tc.say, out)
		}
	}
	var s inspect.Snapshot
	cmd := exec.Command("nsenter", at(n), "setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", binary, "snapshot", "--no-containers")
	out, _ := cmd.Output()
	if err := json.Unmarshal(out, &s); err != nil {
		t.Fatal(err)
	}
	for i := range s.Networks {
		if rs := s.Networks[i].Ruleset; s.Networks[i].NS == n.ID && (rs == nil || len(rs.Legacy) != 2 || len(rs.Tables) > 0) {
			t.Errorf("ruleset %+v", rs)
		}
	}
}
