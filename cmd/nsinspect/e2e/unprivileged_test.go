package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
)

// nobody runs a program without privileges in a network namespace and returns
// what it says and its status.
func nobody(t *testing.T, n *netlab.NS, name string, args ...string) (text string, status int) {
	t.Helper()
	cmd := exec.Command("nsenter", append([]string{at(n), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", name}, args...)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// TestTraceUnprivileged holds that trace says nothing wrong to a user without
// privileges: where not even the rules can be read, it cannot be told, status 2.
func TestTraceUnprivileged(t *testing.T) {
	program := forAll(t)
	host, box := netlab.New(t), netlab.New(t)
	keep(t, host)
	keep(t, box)
	host.Veth("v0", box, "eth0")
	host.Addr("v0", "10.9.0.1/24")
	box.Addr("eth0", "10.9.0.2/24")
	host.Iptables("*filter\n-A OUTPUT -d 10.9.0.2 -j DROP\nCOMMIT\n")
	for _, tc := range []struct{ target, dest, say string }{
		{"self", "10.9.0.2", "rules of this namespace could not be read"},
		{"self", "10.9.0.1:80", "rules of this namespace could not be read"},
		{fmt.Sprintf("net:[%d]", host.ID.Ino), "10.9.0.2:80", "could not be read"},
		{"1", "10.9.0.2:80", "permission denied"},
	} {
		text, status := nobody(t, host, program, "trace", "--no-containers", tc.target, tc.dest)
		if status != 2 || !strings.Contains(text, tc.say) || !strings.Contains(text, "sudo nsinspect") || strings.Contains(text, "ACCEPTED") {
			t.Errorf("trace %s %s: status %d\n%s", tc.target, tc.dest, status, text)
		}
	}
	if text, status := nobody(t, host, program, "trace", "--no-containers", "self", "192.0.2.1"); status != 1 || !strings.Contains(text, "NO_ROUTE: no route to 192.0.2.1") {
		t.Errorf("without a route, which is known without rules: status %d\n%s", status, text)
	}
}

// userWiring is a bridge with a container in network namespaces of a user
// without privileges. It calls trace before and after the bridge's side drops
// what comes in.
const userWiring = `set -e
mkfifo $1/a $1/b
unshare -n sh -c "echo > $1/a; exec sleep 1000" & read x < $1/a; H=$!
unshare -n sh -c "echo > $1/b; exec sleep 1000" & read x < $1/b; C=$!
trap "kill $H $C" EXIT
nsenter -t $H -n sh -ec "ip link set lo up; ip link add br0 type bridge; ip addr add 10.8.0.1/24 dev br0; ip link set br0 up; ip link add v0 type veth peer name eth0 netns $C; ip link set v0 master br0 up"
nsenter -t $C -n sh -ec "ip link set lo up; ip addr add 10.8.0.2/24 dev eth0; ip link set eth0 up"
P=$2
nsenter -t $H -n $P trace --no-containers $C 10.8.0.1:80 || echo "status $?"
nsenter -t $H -n $P trace --no-containers self $C:80 || echo "status $?"
nsenter -t $H -n nft 'table ip f { chain i { type filter hook input priority 0; tcp dport 80 drop; }; }'
nsenter -t $H -n $P trace --no-containers $C 10.8.0.1:80 || echo "status $?"
nsenter -t $H -n $P trace --no-containers $C 10.8.0.1:81 || echo "status $?"
`

// TestTraceUserNamespace holds that a user who wires network namespaces of a
// user namespace of their own gets the same answers there as root of the host.
func TestTraceUserNamespace(t *testing.T) {
	livetest.Root(t)
	for _, tool := range []string{"ip", "nft", "unshare", "nsenter", "setpriv"} {
		if _, err := exec.LookPath(tool); err != nil {
			livetest.Skip(t, "needs "+tool)
		}
	}
	program := forAll(t)
	dir := filepath.Dir(program) // which is not closed to others
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "-Ur", "sh", "-c", userWiring, "sh", dir, program)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if word := strings.TrimSpace(line); word == "ACCEPTED" || strings.HasPrefix(word, "DENIED") || strings.HasPrefix(word, "INSUFFICIENT") || strings.HasPrefix(word, "status") {
			got = append(got, word)
		}
	}
	want := "ACCEPTED|ACCEPTED|DENIED_IN: input: ip f i handle 2: tcp dport 80 drop|status 1|ACCEPTED"
	if strings.Join(got, "|") != want {
		t.Errorf("%q, want %q in\n%s", got, want, out)
	}
}
