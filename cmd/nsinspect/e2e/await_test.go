package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"nsinspect/graph/path"
	"nsinspect/inspect/live/livetest/netlab"
)

// watcher is nsinspect that waits for a packet from outside.
type watcher struct {
	*verifyLab
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr *bufio.Reader
}

// await starts nsinspect on the host and returns once it says that it waits.
func (l *verifyLab) await(args ...string) *watcher {
	l.t.Helper()
	words := append([]string{at(l.Host), binary, "trace", "--from-outside", "--verify", "--no-containers", "-o", "json"}, args...)
	w := &watcher{verifyLab: l, cmd: exec.Command("nsenter", words...)}
	w.cmd.Stdout = &w.stdout
	pipe, err := w.cmd.StderrPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		l.t.Fatal(err)
	}
	w.stderr = bufio.NewReader(pipe)
	line, err := w.stderr.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "waiting for a packet to ") {
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
		l.t.Fatalf("%v: %s", err, line)
	}
	return w
}

// report is what it has found in the end.
func (w *watcher) report() (r path.Report, status int) {
	w.t.Helper()
	rest, _ := io.ReadAll(w.stderr)
	_ = w.cmd.Wait()
	if err := json.Unmarshal(w.stdout.Bytes(), &r); err != nil || r.Proof == nil {
		w.t.Fatalf("%v: %s%s", err, w.stdout.String(), rest)
	}
	return r, w.cmd.ProcessState.ExitCode()
}

// TestAwait follows packets that a client outside sends once nsinspect waits
// for them: delivered, stopped by what is there and by what came after the
// rules were read. Nothing but the client's connection is left.
func TestAwait(t *testing.T) {
	l := newVerifyLab(t)
	l.sh(l.Outside, "ip address add 198.51.100.9/32 dev lo")
	l.DB.Serve("0.0.0.0:5353")
	for _, tc := range []struct {
		name, script, late, undo string
		args                     []string
		proto, to, from          string
		agreement                path.Agreement
		outcome                  path.Outcome
		answer                   string
		status                   int
		reason                   string
	}{
		{"delivered", "", "", "", []string{"192.0.2.10:8080"}, "tcp", "192.0.2.10:8080", "", path.Agrees, path.Delivered, "SYN+ACK", 0, ""},
		{"from a source", "", "", "", []string{"192.0.2.10:8080", "--source=198.51.100.9"}, "tcp", "192.0.2.10:8080", "198.51.100.9", path.Agrees, path.Delivered, "SYN+ACK", 0, ""},
		{"the host itself", "", "", "", []string{"192.0.2.10:81"}, "tcp", "192.0.2.10:81", "", path.Agrees, path.Delivered, "ECONNREFUSED", 0, ""},
		{"ipv6", "", "", "", []string{"[fd17::2]:80"}, "tcp", "[fd17::2]:80", "", path.Agrees, path.Delivered, "SYN+ACK", 0, ""},
		{"icmp", "", "", "", []string{"192.0.2.10"}, "icmp", "192.0.2.10", "", path.Agrees, path.Delivered, "echo reply", 0, ""},
		{"udp", "iptables-nft -t nat -A PREROUTING -p udp --dport 5353 -j DNAT --to-destination 172.17.0.3; iptables-nft -I FORWARD -p udp -j ACCEPT", "", "iptables-nft -t nat -D PREROUTING 2; iptables-nft -D FORWARD 1", []string{"192.0.2.10:5353", "--proto=udp"}, "udp", "192.0.2.10:5353", "", path.Agrees, path.Delivered, "datagram", 0, ""},
		{"source is translated", "iptables-nft -t nat -I POSTROUTING -o docker0 -j MASQUERADE --random", "", "iptables-nft -t nat -D POSTROUTING 1", []string{"192.0.2.10:8080", "--source=192.0.2.1"}, "tcp", "192.0.2.10:8080", "", path.Agrees, path.Delivered, "SYN+ACK", 0, ""},
		{"who sends decides", "iptables-nft -I DOCKER-USER -s 192.0.2.1 -j DROP", "", "iptables-nft -D DOCKER-USER 1", []string{"192.0.2.10:8080"}, "tcp", "192.0.2.10:8080", "198.51.100.9", path.Agrees, path.Delivered, "SYN+ACK", 0, ""},
		{"dropped", "iptables-nft -I DOCKER-USER -p tcp --dport 80 -j DROP", "", "iptables-nft -D DOCKER-USER 1", []string{"192.0.2.10:8080"}, "tcp", "192.0.2.10:8080", "", path.Agrees, path.Dropped, "", 1, ""},
		{"dropped meanwhile", "", "iptables-nft -I DOCKER-USER -p tcp --dport 80 -j DROP", "iptables-nft -D DOCKER-USER 1", []string{"192.0.2.10:8080"}, "tcp", "192.0.2.10:8080", "", path.Differs, path.Dropped, "", 1, "ip filter DOCKER-USER"},
		{"dropped at raw", "", "iptables-nft -t raw -I PREROUTING -p tcp --dport 8080 -j DROP", "nft delete table ip raw", []string{"192.0.2.10:8080"}, "tcp", "192.0.2.10:8080", "", path.Differs, path.Dropped, "", 1, "ip raw PREROUTING"},
		{"the answer is dropped meanwhile", "", "iptables-nft -I FORWARD -i docker0 -p tcp --sport 80 -j DROP", "iptables-nft -D FORWARD 1", []string{"192.0.2.10:8080"}, "tcp", "192.0.2.10:8080", "", path.Differs, path.Delivered, "", 1, "the answer: "},
		{"rejected", "iptables-nft -I DOCKER-USER -p tcp --dport 80 -j REJECT", "", "iptables-nft -D DOCKER-USER 1", []string{"192.0.2.10:8080"}, "tcp", "192.0.2.10:8080", "", path.Agrees, path.Dropped, "ECONNREFUSED", 1, ""},
		{"elsewhere", "ip address add 192.0.2.11/24 dev ens3", "", "ip address del 192.0.2.11/24 dev ens3", []string{"192.0.2.10:8080", "--timeout=300ms"}, "tcp", "192.0.2.11:8080", "", path.Undecided, path.Absent, "", 2, "→ 192.0.2.11:8080"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := &verifyLab{l.MiniHost, t}
			if tc.script != "" {
				l.sh(l.Host, tc.script)
			}
			before := l.state()
			w := l.await(tc.args...)
			if tc.late != "" {
				l.sh(l.Host, tc.late)
			}
			l.Outside.ReachesFrom(tc.from, tc.proto, tc.to)
			r, status := w.report()
			p := r.Proof
			if p.Agreement != tc.agreement || p.Outcome != tc.outcome || p.Answer != tc.answer || status != tc.status || !p.Watched || len(p.Notes) > 0 || !strings.Contains(p.Reason, tc.reason) {
				t.Errorf("%s %s (%s), answer %q, notes %q, status %d; want %s %s %q %d %s\n%s", p.Agreement, p.Outcome, p.Reason, p.Answer, p.Notes, status,
					tc.agreement, tc.outcome, tc.answer, tc.status, tc.reason, show(r))
			}
			if p.Outcome != path.Absent && tc.from != "" && p.Packet.Src.String() != tc.from {
				t.Errorf("it followed the packet of %s, not that of %s", p.Packet.Src, tc.from)
			}
			if tc.late == "" {
				l.unchangedButTracked(before)
			}
			if tc.undo != "" {
				l.sh(l.Host, tc.undo)
			}
			if tc.late != "" {
				l.unchangedButTracked(before)
			}
		})
	}
}

// TestAwaitNobody holds that where no packet comes that is said, and nothing
// has changed.
func TestAwaitNobody(t *testing.T) {
	l := newVerifyLab(t)
	before := l.state()
	r, status := l.await("192.0.2.10:8080", "--timeout=100ms").report()
	if p := r.Proof; p.Agreement != path.Undecided || p.Outcome != path.Absent || !strings.Contains(p.Reason, "no packet came in on any interface within 100ms") || status != 2 {
		t.Errorf("status %d: %s", status, show(r))
	}
	w := l.await("192.0.2.10:8080", "--timeout=100ms", "-o", "wide")
	_, _ = io.ReadAll(w.stderr)
	_ = w.cmd.Wait()
	if out := w.stdout.String(); !strings.Contains(out, "\nwaited for a TCP SYN to 192.0.2.10:8080\nUNDECIDED: no packet came in") {
		t.Error(out)
	}
	l.unchanged(before)
}

// TestAwaitFlood opens two hundred connections at once: one of them is
// followed.
func TestAwaitFlood(t *testing.T) {
	l := newVerifyLab(t)
	before := l.state()
	w := l.await("192.0.2.10:8080")
	l.Outside.Do(func() error {
		for range 200 {
			fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
			if err != nil {
				return err
			}
			t.Cleanup(func() { syscall.Close(fd) })
			to := &syscall.SockaddrInet4{Port: 8080, Addr: [4]byte{192, 0, 2, 10}}
			if err := syscall.Connect(fd, to); err != nil && err != syscall.EINPROGRESS {
				return err
			}
		}
		return nil
	})
	r, status := w.report()
	p := r.Proof
	if p.Agreement != path.Agrees || p.Outcome != path.Delivered || p.Answer != "SYN+ACK" || status != 0 {
		t.Errorf("status %d: %s", status, show(r))
	}
	for _, v := range p.Visits {
		for i, k := range v.Rulings {
			if i > 0 && k == v.Rulings[i-1] {
				t.Errorf("rule %+v twice: that is more than one packet", k)
			}
		}
	}
	l.unchangedButTracked(before)
}

// TestAwaitInside holds that a connection that comes from a container is not
// taken for one from outside.
func TestAwaitInside(t *testing.T) {
	l := newVerifyLab(t)
	w := l.await("192.0.2.10:22", "--timeout=10s")
	l.DB.Reaches("tcp", "192.0.2.10:22")
	l.Host.Reaches("tcp", "192.0.2.10:22")
	l.Outside.Reaches("tcp", "192.0.2.10:22")
	if r, _ := w.report(); r.Proof.Packet.Src.String() != "192.0.2.1" || r.Proof.Agreement != path.Agrees {
		t.Error(show(r))
	}
}

// TestAwaitEnds ends nsinspect by signals while it waits.
func TestAwaitEnds(t *testing.T) {
	l := newVerifyLab(t)
	before := l.state()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
		w := l.await("192.0.2.10:8080", "--timeout=10m")
		if tables := output(t, "nsenter", at(l.Host), "nft", "list", "ruleset"); !strings.Contains(tables, "nsinspect-") {
			t.Errorf("no table while it waits: %s", tables)
		}
		if err := w.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		_ = w.cmd.Wait()
		if s := w.cmd.ProcessState.Sys().(syscall.WaitStatus); !(s.Signaled() && s.Signal() == sig) && s.ExitStatus() != 128+int(sig) {
			t.Errorf("ended with %v", w.cmd.ProcessState)
		}
		l.unchanged(before)
	}
}

// TestAwaitText holds what people read.
func TestAwaitText(t *testing.T) {
	l := newVerifyLab(t)
	w := l.await("192.0.2.10:8080", "-o", "wide")
	port := 0
	l.Outside.Do(func() error {
		c, err := net.Dial("tcp4", "192.0.2.10:8080")
		if err == nil {
			port = c.LocalAddr().(*net.TCPAddr).Port
			err = c.Close()
		}
		return err
	})
	_, _ = io.ReadAll(w.stderr)
	_ = w.cmd.Wait()
	want := fmt.Sprintf("followed a TCP SYN from 192.0.2.1:%d to 192.0.2.10:8080\n", port)
	if out := w.stdout.String(); !strings.Contains(out, want) || !strings.HasSuffix(out, "the packet was delivered; answer: SYN+ACK\nAGREES\n") {
		t.Error(out)
	}
}

// TestAwaitBusyInside holds that many connections from within, more than are
// looked at, hide no packet from outside; and that where one comes in the
// disguise of those, that is not held against the host.
func TestAwaitBusyInside(t *testing.T) {
	l := &verifyLab{netlab.NewMiniHost(t), t}
	keep(t, l.Host)
	l.Web.Serve("0.0.0.0:80")
	crowd := func(w *watcher) path.Proof {
		l.DB.Do(func() error {
			for range 5000 {
				fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
				if err != nil {
					return err
				}
				err = syscall.Connect(fd, &syscall.SockaddrInet4{Port: 80, Addr: [4]byte{172, 17, 0, 2}})
				syscall.Close(fd)
				if err != nil && err != syscall.EINPROGRESS {
					return err
				}
			}
			return nil
		})
		l.Outside.Reaches("tcp", "192.0.2.10:8080")
		r, _ := w.report()
		return *r.Proof
	}
	if p := crowd(l.await("192.0.2.10:8080")); p.Agreement != path.Agrees || p.Answer != "SYN+ACK" {
		t.Error(show(p))
	}
	w := l.await("192.0.2.10:8080")
	l.sh(l.Host, "iptables-nft -t nat -I POSTROUTING -o docker0 -j MASQUERADE")
	if p := crowd(w); p.Agreement != path.Undecided || p.Answer != "SYN+ACK" {
		t.Error(show(p))
	}
}

// TestAwaitTwice has two wait for the same packet.
func TestAwaitTwice(t *testing.T) {
	l := newVerifyLab(t)
	all := []*watcher{l.await("192.0.2.10:8080"), l.await("192.0.2.10:8080")}
	l.Outside.Reaches("tcp", "192.0.2.10:8080")
	var ports []uint16
	for _, w := range all {
		r, _ := w.report()
		ports = append(ports, r.Proof.Packet.SrcPort)
		if proof := show(r.Proof); r.Proof.Agreement != path.Agrees || strings.Contains(proof, "nsinspect-") || r.Disposition != path.Accepted {
			t.Errorf("%s: %s", r.Disposition, proof)
		}
	}
	if ports[0] != ports[1] {
		t.Errorf("from ports %d", ports)
	}
}

// TestAwaitLegacy follows a packet where the rules are those of the older
// iptables, which tell nothing of it.
func TestAwaitLegacy(t *testing.T) {
	l := &verifyLab{netlab.NewLegacyMiniHost(t), t}
	keep(t, l.Host)
	l.Web.Serve("0.0.0.0:80")
	for _, tc := range []struct {
		script  string
		want    path.Agreement
		outcome path.Outcome
	}{
		{"true", path.Agrees, path.Delivered},
		{"iptables-legacy -I DOCKER-USER -p tcp --dport 80 -j DROP", path.Agrees, path.Lost},
	} {
		l.sh(l.Host, tc.script)
		w := l.await("192.0.2.10:8080")
		l.Outside.Reaches("tcp", "192.0.2.10:8080")
		if r, _ := w.report(); r.Proof.Agreement != tc.want || r.Proof.Outcome != tc.outcome {
			t.Errorf("%s: %s", tc.script, show(r))
		}
	}
}
