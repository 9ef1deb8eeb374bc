package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"nsinspect/graph/doctor"
	"nsinspect/inspect/live/livetest"
)

// shell is a shell that waits for commands, in namespaces of its own.
type shell struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Reader
}

// newShell starts a shell under unshare(1), with processes and a /run of its
// own: what it started ends with it.
func newShell(t *testing.T, flags ...string) *shell {
	t.Helper()
	livetest.Root(t)
	cmd := exec.Command("unshare", append(flags, "-m", "-p", "-f", "--mount-proc", "--kill-child", "sh")...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close() // the shell ends
		cmd.Wait()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	context.AfterFunc(ctx, func() { cmd.Process.Kill() }) // a script that hangs
	s := &shell{t, in, bufio.NewReader(out)}
	s.run("mount -t tmpfs tmpfs /run")
	return s
}

// run runs a script, which does not read, and returns what it said.
func (s *shell) run(script string) string {
	s.t.Helper()
	fmt.Fprintf(s.in, "{ %s\n} </dev/null 2>&1; echo; echo END $?\n", script)
	var said strings.Builder
	for {
		line, err := s.out.ReadString('\n')
		if err != nil {
			s.t.Fatalf("%s: %v: %s", script, err, said.String())
		}
		if code, ok := strings.CutPrefix(line, "END "); ok {
			if code != "0\n" {
				s.t.Fatalf("%s: status %s%s", script, code, said.String())
			}
			return said.String()
		}
		said.WriteString(line)
	}
}

// doctor runs one check there.
func (s *shell) doctor(check string) []doctor.Finding {
	s.t.Helper()
	var r doctor.Report
	out := s.run(fmt.Sprintf("%s doctor --no-containers --check %s -o json 2>/dev/null; test $? -le 2", binary, check))
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		s.t.Fatalf("%v: %s", err, out)
	}
	return r.Findings
}

// own keeps the findings about an object.
func own(list []doctor.Finding, object string) (out []doctor.Finding) {
	for _, f := range list {
		if strings.Contains(f.Object, object) {
			out = append(out, f)
		}
	}
	return out
}

// TestDoctorOnNamespaces breaks what is no matter of networks, in namespaces
// made for it: found as what it is, and no more when it is repaired, by the
// command of the finding where it gives one.
func TestDoctorOnNamespaces(t *testing.T) {
	for _, c := range []struct {
		check, flags          string
		break_, object, cause string
		repair                string // where the finding gives no command
	}{
		{
			"stale-netns-name", "", "mkdir /run/netns; touch /run/netns/old", "name /run/netns/old",
			"no namespace is mounted on it", "",
		},
		{
			"leaked-netns", "-n", `ip link add br9 type bridge; ip link set br9 up; ip netns add leaky
ip link add v9 type veth peer name eth0 netns leaky; ip link set v9 master br9 up
sh -c 'exec 8</run/netns/leaky; exec sleep 1000' & until test -e /proc/$!/fd/8; do :; done; ip netns del leaky`, "network namespace net:[",
			"no process is in it, held by: fd of sleep", "",
		},
		{
			"namespace-limit", "-U -r", "echo 2 > /proc/sys/user/max_net_namespaces; unshare -n sleep 1000 & until test \"$(readlink /proc/$!/ns/net)\" != \"$(readlink /proc/self/ns/net)\"; do :; done",
			"net namespaces", "2 of at most 2 are in use", "",
		},
		{
			"idmap-overlap", "", `for n in 1 2; do setpriv --reuid=1000$n --regid=1000$n --clear-groups unshare -U sleep 1000 & p=$!
until test "$(readlink /proc/$p/ns/user)" != "$(readlink /proc/self/ns/user)"; do :; done
echo 0 $((n * 60000 + 100000)) 65536 > /proc/$p/uid_map; done`,
			"user:[", "and both map the host's ids 220000 to 225535", "kill $p",
		},
		{
			"zombie-init", "", `unshare -p sh -c "true & exec sleep 1000" & p=$!
until grep -qs '^State:.Z' /proc/[0-9]*/status; do :; done`,
			"process ", "it was the first of its pid namespace and has ended; its parent sleep (pid ", "kill $p",
		},
		{
			"hidden-mount", "", "mkdir -p /run/a/b; mount --bind / /run/a/b; mount -t tmpfs over /run/a",
			" at /run/a/b", "tmpfs from over is mounted over it at /run/a", "umount /run/a",
		},
	} {
		t.Run(c.check, func(t *testing.T) {
			s := newShell(t, strings.Fields(c.flags)...)
			if list := own(s.doctor(c.check), c.object); len(list) > 0 {
				t.Fatalf("before anything is broken: %+v", list)
			}
			s.run(c.break_)
			found := own(s.doctor(c.check), c.object)
			if len(found) != 1 || !strings.Contains(found[0].Cause, c.cause) {
				t.Fatalf("found %+v, want one of %s: %s", found, c.object, c.cause)
			}
			repair := c.repair
			if repair == "" {
				repair = found[0].Fix.Command
			}
			s.run(repair)
			await(t, func() bool { return len(own(s.doctor(c.check), c.object)) == 0 })
		})
	}
}
