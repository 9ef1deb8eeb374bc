package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nsinspect/graph/path"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
)

// verifyLab is a Docker host in miniature whose namespaces are known by name.
type verifyLab struct {
	*netlab.MiniHost
	t *testing.T
}

func newVerifyLab(t *testing.T) *verifyLab {
	t.Helper()
	for _, tool := range []string{"nft", "ip", "sysctl"} {
		if _, err := exec.LookPath(tool); err != nil {
			livetest.Skip(t, "needs "+tool)
		}
	}
	l := &verifyLab{netlab.NewMiniHost(t), t}
	keep(t, l.Host)
	for n, addrs := range map[*netlab.NS][]string{
		l.Outside: {"up0 fd19::1/64", "lo fd08::8/128"}, l.Host: {"ens3 fd19::10/64", "docker0 fd17::1/64"},
		l.Web: {"eth0 fd17::2/64"}, l.DB: {"eth0 fd17::3/64"},
	} {
		for _, a := range addrs {
			dev, cidr, _ := strings.Cut(a, " ")
			n.Addr(dev, cidr)
		}
	}
	l.sh(l.Host, "sysctl -qw net.ipv6.conf.all.forwarding=1; ip -6 route add default via fd19::1")
	l.sh(l.Outside, "ip -6 route add fd17::/64 via fd19::10; ip route add 172.17.0.0/16 via 192.0.2.10")
	for _, c := range []*netlab.NS{l.Web, l.DB} {
		l.sh(c, "ip -6 route add default via fd17::1")
	}
	for n, addr := range map[*netlab.NS]string{l.Outside: ":53", l.Web: ":80"} {
		n.Do(func() error {
			s, err := net.Listen("tcp", addr)
			if err == nil {
				t.Cleanup(func() { s.Close() })
			}
			return err
		})
	}
	l.Outside.Do(func() error {
		s, err := net.ListenPacket("udp4", "198.51.100.7:53")
		if err == nil {
			t.Cleanup(func() { s.Close() })
			go echo(s)
		}
		return err
	})
	// Addresses that the kernel gives by itself are not there at once.
	await(t, func() bool {
		for _, n := range []*netlab.NS{l.Host, l.Web, l.DB, l.Outside} {
			if strings.Contains(output(t, "nsenter", at(n), "ip", "address"), "tentative") {
				return false
			}
		}
		return true
	})
	return l
}

func echo(s net.PacketConn) {
	buf := make([]byte, 100)
	for {
		n, from, err := s.ReadFrom(buf)
		if err != nil {
			return
		}
		_, _ = s.WriteTo(buf[:n], from)
	}
}

func (l *verifyLab) sh(n *netlab.NS, script string) {
	l.t.Helper()
	n.Run("", "sh", "-ec", script)
}

// trackedConnections lists them without the time that they have left, and
// without the reports of multicast groups (IGMP, "unknown") that the kernel
// sends when it likes.
const trackedConnections = `echo tracked; test ! -e /proc/net/nf_conntrack || sed -E 's/^(ipv[46] +[0-9]+ [a-z0-9]+ +[0-9]+) [0-9]+/\1/' /proc/net/nf_conntrack | grep -v ' unknown ' | sort`

// netState is all that a run must leave as it was.
const netState = `nft -s -a list ruleset; ip -d link | sed -E 's/[a-z_]*timer +[0-9.]+//g'; ip address; ip route show table all; ip -6 route show table all; ip rule
sysctl -a 2>/dev/null | grep ^net | grep -v nf_conntrack_count
` + trackedConnections

func stateOf(t testing.TB, n *netlab.NS) string {
	t.Helper()
	return output(t, "nsenter", at(n), "unshare", "--mount", "sh", "-c", "mount -t sysfs sysfs /sys 2>/dev/null; "+netState)
}

func (l *verifyLab) state() map[string]string {
	l.t.Helper()
	all := map[string]string{}
	for name, n := range map[string]*netlab.NS{"host": l.Host, "web": l.Web, "db": l.DB, "outside": l.Outside} {
		all[name] = stateOf(l.t, n)
	}
	return all
}

func (l *verifyLab) unchanged(before map[string]string) {
	l.t.Helper()
	l.same(before, func(state string) string { return state })
}

// unchangedButTracked is unchanged where connections have to stay tracked.
func (l *verifyLab) unchangedButTracked(before map[string]string) {
	l.t.Helper()
	l.same(before, func(state string) string {
		state, _, _ = strings.Cut(state, "\ntracked\n")
		return state
	})
}

func (l *verifyLab) same(before map[string]string, part func(string) string) {
	l.t.Helper()
	for name, after := range l.state() {
		if was, is := part(before[name]), part(after); is != was {
			l.t.Errorf("%s has changed:\n%s", name, cmp.Diff(strings.Split(was, "\n"), strings.Split(is, "\n")))
		}
	}
}

func (l *verifyLab) command(from *netlab.NS, args ...string) *exec.Cmd {
	words := append([]string{at(l.Host), binary, "trace", fmt.Sprintf("net:[%d]", from.ID.Ino)}, args...)
	return exec.Command("nsenter", append(words, "--verify", "--no-containers")...)
}

func (l *verifyLab) verify(from *netlab.NS, args ...string) (r path.Report, status int) {
	l.t.Helper()
	cmd := l.command(from, append(args, "-o", "json")...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, _ := cmd.Output()
	if err := json.Unmarshal(out, &r); err != nil || r.Proof == nil {
		l.t.Fatalf("trace %v: %v: %s%s", args, err, out, stderr.String())
	}
	return r, cmd.ProcessState.ExitCode()
}

func show(v any) string {
	b, _ := json.MarshalIndent(v, "", " ")
	return string(b)
}

// TestVerify sends real packets that pass, are stopped, and go nowhere; each
// agrees with what was foretold, and nothing is left behind.
func TestVerify(t *testing.T) {
	l := newVerifyLab(t)
	for _, tc := range []struct {
		name, script, undo string
		ns, from           *netlab.NS
		args               []string
		agreement          path.Agreement
		outcome            path.Outcome
		answer             string
		status             int
	}{
		{"masqueraded", "", "", nil, l.Web, []string{"198.51.100.7:53"}, path.Agrees, path.Delivered, "SYN+ACK", 0},
		{"closed", "", "", nil, l.Web, []string{"198.51.100.7:54"}, path.Agrees, path.Delivered, "ECONNREFUSED", 0},
		{"published", "", "", nil, l.Outside, []string{"192.0.2.10:8080"}, path.Agrees, path.Delivered, "SYN+ACK", 0},
		{"neighbours", "", "", nil, l.DB, []string{"172.17.0.2:80"}, path.Agrees, path.Delivered, "SYN+ACK", 0},
		{"own host", "", "", nil, l.Host, []string{"172.17.0.2:80"}, path.Agrees, path.Delivered, "SYN+ACK", 0},
		{"loopback", "", "", nil, l.Web, []string{"127.0.0.1:80"}, path.Agrees, path.Delivered, "SYN+ACK", 0},
		{"not published", "", "", nil, l.Outside, []string{"172.17.0.2:22"}, path.Agrees, path.Dropped, "", 1},
		{"udp", "", "", nil, l.Web, []string{"198.51.100.7:53", "--proto=udp"}, path.Agrees, path.Delivered, "datagram", 0},
		{"udp closed", "", "", nil, l.Web, []string{"198.51.100.7:54", "--proto=udp"}, path.Agrees, path.Delivered, "ECONNREFUSED", 0},
		{"icmp", "", "", nil, l.Web, []string{"198.51.100.7"}, path.Agrees, path.Delivered, "echo reply", 0},
		{"ping socket", "sysctl -qw net.ipv4.ping_group_range='0 10'", "sysctl -qw net.ipv4.ping_group_range='1 0'", l.Web, l.Web, []string{"198.51.100.7"}, path.Agrees, path.Delivered, "echo reply", 0},
		{"ipv6", "", "", nil, l.Web, []string{"[fd08::8]:53"}, path.Agrees, path.Delivered, "SYN+ACK", 0},
		{"icmp of ipv6", "", "", nil, l.Web, []string{"fd08::8"}, path.Agrees, path.Delivered, "echo reply", 0},
		{"masqueraded over ipv6", "ip6tables-nft -t nat -A POSTROUTING -s fd17::/64 -o ens3 -j MASQUERADE", "ip6tables-nft -t nat -F", l.Host, l.Web, []string{"[fd08::8]:53"}, path.Agrees, path.Delivered, "SYN+ACK", 0},
		{"icmp masqueraded over ipv6", "ip6tables-nft -t nat -A POSTROUTING -s fd17::/64 -o ens3 -j MASQUERADE", "ip6tables-nft -t nat -F", l.Host, l.Web, []string{"fd08::8"}, path.Agrees, path.Delivered, "echo reply", 0},
		{"no route", "ip route del default", "ip route add default via 172.17.0.1", l.Web, l.Web, []string{"198.51.100.7:53"}, path.Agrees, path.Refused, "", 1},
		{"no route on the way", "ip route del default", "ip route add default via 192.0.2.1", l.Host, l.Web, []string{"198.51.100.7:53"}, path.Agrees, path.Lost, "ENETUNREACH", 1},
		{"a rule drops", "iptables-nft -I DOCKER-USER -p tcp --dport 53 -j DROP", "iptables-nft -D DOCKER-USER 1", l.Host, l.Web, []string{"198.51.100.7:53"}, path.Agrees, path.Dropped, "", 1},
		{"rejected", "iptables-nft -I DOCKER-USER -p tcp --dport 53 -j REJECT", "iptables-nft -D DOCKER-USER 1", l.Host, l.Web, []string{"198.51.100.7:53"}, path.Agrees, path.Dropped, "ECONNREFUSED", 1},
		{"dropped on the way out", "nft 'table inet o { chain o { type filter hook output priority 0; tcp dport 53 drop; }; }'", "nft delete table inet o", l.Web, l.Web, []string{"198.51.100.7:53"}, path.Agrees, path.Dropped, "", 1},
		{"the answer is dropped", "iptables-nft -I FORWARD -i ens3 -m conntrack --ctstate ESTABLISHED -j DROP", "iptables-nft -D FORWARD 1", l.Host, l.Web, []string{"198.51.100.7:53"}, path.Agrees, path.Delivered, "", 1},
		{"dropped at an interface", "nft 'table netdev f { chain i { type filter hook ingress device veth1web priority 0; tcp dport 53 drop; }; }'", "nft delete table netdev f", l.Host, l.Web, []string{"198.51.100.7:53"}, path.Agrees, path.Dropped, "", 1},
		{"dropped on leaving an interface", "nft 'table netdev f { chain e { type filter hook egress device ens3 priority 0; tcp dport 53 drop; }; }'", "nft delete table netdev f", l.Host, l.Web, []string{"198.51.100.7:53"}, path.Agrees, path.Dropped, "", 1},
		{"dropped by a bridge", "nft 'table bridge f { chain f { type filter hook forward priority 0; tcp dport 80 drop; }; }'", "nft delete table bridge f", l.Host, l.DB, []string{"172.17.0.2:80"}, path.Agrees, path.Dropped, "", 1},
		{"a bridge's chains translate nothing", "nft 'table bridge f { chain i { type filter hook input priority 0; }; chain p { type filter hook postrouting priority 0; }; }'", "nft delete table bridge f", l.Host, l.Outside, []string{"192.0.2.10:8080"}, path.Agrees, path.Delivered, "SYN+ACK", 0},
		{"unknown, passes", "nft 'table inet u { chain u { type filter hook forward priority 0; limit rate over 10000/second drop; }; }'", "nft delete table inet u", l.Host, l.Web, []string{"198.51.100.7:53"}, path.Undecided, path.Delivered, "SYN+ACK", 0},
		{"unknown, stopped", "nft 'table inet u { chain u { type filter hook forward priority 0; limit rate 10000/second drop; }; }'", "nft delete table inet u", l.Host, l.Web, []string{"198.51.100.7:53"}, path.Undecided, path.Dropped, "", 1},
		{"what no rule shows", "ip neigh replace 192.0.2.1 lladdr 02:00:00:00:00:99 dev ens3 nud permanent", "ip neigh del 192.0.2.1 dev ens3", l.Host, l.Web, []string{"198.51.100.7:53"}, path.Differs, path.Lost, "", 1},
		{"no answer", "sysctl -qw net.ipv4.icmp_echo_ignore_all=1", "sysctl -qw net.ipv4.icmp_echo_ignore_all=0", l.Outside, l.Web, []string{"198.51.100.7"}, path.Differs, path.Delivered, "", 1},
		{"source ports at random", "iptables-nft -t nat -I POSTROUTING -o ens3 -j MASQUERADE --random", "iptables-nft -t nat -D POSTROUTING 1", l.Host, l.Web, []string{"198.51.100.7:53"}, path.Agrees, path.Delivered, "SYN+ACK", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := &verifyLab{l.MiniHost, t}
			if tc.script != "" {
				l.sh(tc.ns, tc.script)
				defer l.sh(tc.ns, tc.undo)
			}
			before := l.state()
			r, status := l.verify(tc.from, tc.args...)
			p := r.Proof
			if p.Agreement != tc.agreement || p.Outcome != tc.outcome || p.Answer != tc.answer || status != tc.status || len(p.Notes) > 0 {
				t.Errorf("%s %s (%s), answer %q, notes %q, status %d; want %s %s %q %d\n%s", p.Agreement, p.Outcome, p.Reason, p.Answer, p.Notes, status,
					tc.agreement, tc.outcome, tc.answer, tc.status, show(r))
			}
			l.unchanged(before)
			l.sameRule(&r)
		})
	}
}

// sameRule holds that the rule that was foretold to stop the packet is the
// one that did.
func (l *verifyLab) sameRule(r *path.Report) {
	l.t.Helper()
	if r.Proof.Outcome != path.Dropped || r.Proof.Agreement != path.Agrees {
		return
	}
	last := r.Forward.Steps[len(r.Forward.Steps)-1].Rule
	for _, v := range r.Proof.Visits {
		for _, k := range v.Rulings {
			if k.Verdict == "drop" && v.Way == "forward" && k.Rule != *last {
				l.t.Errorf("dropped by %+v, foretold was %+v", k.Rule, last)
			}
		}
	}
}

// TestVerifyEnds ends nsinspect by signals in the midst of it, which the table
// of its own tells: then too nothing is left.
func TestVerifyEnds(t *testing.T) {
	l := newVerifyLab(t)
	l.sh(l.Outside, "sysctl -qw net.ipv4.icmp_echo_ignore_all=1")
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			l := &verifyLab{l.MiniHost, t}
			before := l.state()
			made := l.tables(l.Host)
			cmd := l.command(l.Web, "198.51.100.7", "--timeout=10m")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			made()
			if err := cmd.Process.Signal(sig); err != nil { // nsenter has become nsinspect
				t.Fatal(err)
			}
			_ = cmd.Wait()
			if w := cmd.ProcessState.Sys().(syscall.WaitStatus); !(w.Signaled() && w.Signal() == sig) && w.ExitStatus() != 128+int(sig) {
				t.Errorf("ended with %v", cmd.ProcessState)
			}
			if sig == syscall.SIGKILL { // nobody is left to have the connection forgotten
				l.unchangedButTracked(before)
			} else {
				l.unchanged(before)
			}
		})
	}
}

// tables returns a function that waits for a table of nsinspect's own.
func (l *verifyLab) tables(n *netlab.NS) (wait func()) {
	l.t.Helper()
	cmd := exec.Command("nsenter", at(n), "stdbuf", "-oL", "nft", "monitor", "new", "tables")
	out, err := cmd.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	// It listens once its socket, one of netfilter, has groups: sk, protocol,
	// port, groups.
	listens := regexp.MustCompile(fmt.Sprintf(`(?m)^\S+\s+12\s+%d\s+0*[1-9a-f]`, cmd.Process.Pid))
	await(l.t, func() bool { return listens.MatchString(output(l.t, "nsenter", at(n), "cat", "/proc/net/netlink")) })
	return func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			if strings.Contains(s.Text(), "nsinspect") {
				return
			}
		}
		l.t.Error("no table was made")
	}
}

// TestVerifyTwice runs two at once.
func TestVerifyTwice(t *testing.T) {
	l := newVerifyLab(t)
	before := l.state()
	done := make(chan error, 4)
	for range 4 {
		go func() {
			out, err := l.command(l.Web, "198.51.100.7:53").CombinedOutput()
			if err != nil || !bytes.Contains(out, []byte("\nAGREES\n")) {
				err = fmt.Errorf("%v: %s", err, out)
			}
			done <- err
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	l.unchanged(before)
}

// TestVerifyDrawn holds that a drawing is one also with a proof, which is told
// beside it.
func TestVerifyDrawn(t *testing.T) {
	l := newVerifyLab(t)
	cmd := l.command(l.Web, "198.51.100.7:53", "--dot")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || !bytes.HasPrefix(out, []byte("graph")) || !strings.Contains(stderr.String(), "note: --verify: AGREES\n") {
		t.Errorf("%v: %s\n%s", err, stderr.String(), out)
	}
}

// TestVerifyUnprivileged holds that a user is told what is needed.
func TestVerifyUnprivileged(t *testing.T) {
	l := newVerifyLab(t)
	program := readable(t)
	for _, words := range []string{"self 192.0.2.1:53", "--from-outside 192.0.2.10:8080"} {
		args := append([]string{at(l.Host), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "trace", "--verify", "--no-containers"}, strings.Fields(words)...)
		cmd := exec.Command("nsenter", args...)
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != 1 || !bytes.Contains(out, []byte("CAP_NET_ADMIN")) || !bytes.Contains(out, []byte("hint: sudo nsinspect trace "+words+" --verify")) {
			t.Errorf("%s: status %d: %s", words, code, out)
		}
	}
}

// readable is the program where every user may run it.
func readable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nsinspect-e2e-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	output(t, "chmod", "755", dir)
	output(t, "install", "-m", "755", binary, dir+"/nsinspect")
	return dir + "/nsinspect"
}
