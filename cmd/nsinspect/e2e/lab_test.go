package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
)

// keep has a process in the namespace until the test ends.
func keep(t *testing.T, n *netlab.NS) {
	t.Helper()
	cmd := start(t, "nsenter", at(n), "sleep", "1000")
	want := fmt.Sprintf("net:[%d]", n.ID.Ino)
	await(t, func() bool {
		link, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/net", cmd.Process.Pid))
		return link == want
	})
}

// at is the option of nsenter(1) for a namespace of the test.
func at(n *netlab.NS) string { return fmt.Sprintf("--net=/proc/%d/fd/%d", os.Getpid(), n.FD) }

// start starts a program that ends with the test.
func start(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	return cmd
}

// drawing is what nsinspect graph -o json says, as far as the test asks.
type drawing struct {
	Namespaces []struct {
		Key, Title, Kind string
		NS               uint64
		Unread           bool
		Interfaces       []iface
	}
	Edges []struct {
		Kind, From, To string
		OneSided       bool `json:"one_sided"`
	}
	Servers []struct {
		Key string
		PID int
	}
}

type iface struct {
	Key, IfName, Address, OperState string
	Missing                         bool
}

// end is an interface in its namespace: the inode, 0 for one that is not
// known.
type end struct {
	ns   uint64
	name string
}

// ends returns what an interface is joined to by edges of a kind.
func (d *drawing) ends(kind string, from end) (out []end) {
	keys := map[string]end{}
	for _, ns := range d.Namespaces {
		for _, i := range ns.Interfaces {
			keys[i.Key] = end{ns.NS, i.IfName}
		}
	}
	for _, e := range d.Edges {
		switch {
		case e.Kind != kind || e.OneSided:
		case keys[e.From] == from:
			out = append(out, keys[e.To])
		case keys[e.To] == from && kind == "peer":
			out = append(out, keys[e.From])
		}
	}
	return out
}

func (d *drawing) find(name string) (found []iface) {
	for _, ns := range d.Namespaces {
		for _, i := range ns.Interfaces {
			if i.IfName == name {
				found = append(found, i)
			}
		}
	}
	return found
}

// graphIn runs nsinspect graph in a namespace.
func graphIn(t *testing.T, n *netlab.NS) (d drawing) {
	t.Helper()
	decode(t, output(t, "nsenter", at(n), binary, "graph", "-o", "json", "--no-containers"), &d)
	return d
}

// TestLab holds that every peer of a host made of namespaces is exact.
func TestLab(t *testing.T) {
	host, a, b, c, d := netlab.New(t), netlab.New(t), netlab.New(t), netlab.New(t), netlab.New(t)
	for _, n := range []*netlab.NS{host, a, b, c, d} {
		keep(t, n)
	}
	a.Veth("ab0", b, "ba0")
	a.Veth("ab1", b, "ba1") // equal indexes on both ends, twice
	c.Veth("cd", d, "dc")   // nested: d is reached through c only
	for i, n := range []*netlab.NS{a, b, d} {
		spare := []int{0, 0, 1}[i]
		for k := range 2 * spare {
			n.Add(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: fmt.Sprintf("pad%d", k)}})
		}
		host.Veth("v"+string("abd"[i]), n, "eth0") // index 4 in all three
	}
	host.Add(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "in0"}, PeerName: "in1"})
	host.Bridge("br0", "va", "vb")
	host.Macvlan("mv", "vd", false)
	host.Macvlan("mt", "vd", true)
	host.Move("mv", a)
	host.Move("mt", a)
	host.On("vd", func(l netlink.Link) error {
		return netlink.LinkAdd(&netlink.Vxlan{
			LinkAttrs: netlink.LinkAttrs{Name: "vx"}, VxlanId: 42, VtepDevIndex: l.Attrs().Index,
			Group: net.ParseIP("239.1.1.1"), Port: 4789,
		})
	})
	host.Move("vx", b)
	serveTun(t, host, "tun7", unix.IFF_TUN)
	serveTun(t, host, "tap7", unix.IFF_TAP)

	g := graphIn(t, host)
	at := func(n *netlab.NS, name string) end { return end{n.ID.Ino, name} }
	for _, tc := range []struct {
		kind     string
		from, to end
	}{
		{"peer", at(a, "ab0"), at(b, "ba0")},
		{"peer", at(b, "ba1"), at(a, "ab1")},
		{"peer", at(c, "cd"), at(d, "dc")},
		{"peer", at(d, "dc"), at(c, "cd")},
		{"peer", at(host, "va"), at(a, "eth0")},
		{"peer", at(b, "eth0"), at(host, "vb")},
		{"peer", at(host, "vd"), at(d, "eth0")},
		{"peer", at(host, "in0"), at(host, "in1")},
		{"port", at(host, "va"), at(host, "br0")},
		{"port", at(host, "vb"), at(host, "br0")},
		{"lower", at(a, "mv"), at(host, "vd")},
		{"lower", at(a, "mt"), at(host, "vd")},
		{"underlay", at(b, "vx"), at(host, "vd")},
	} {
		if got := g.ends(tc.kind, tc.from); len(got) != 1 || got[0] != tc.to {
			t.Errorf("%s of %v: %v, want %v", tc.kind, tc.from, got, tc.to)
		}
	}
	served := map[string]bool{}
	for _, e := range g.Edges {
		if e.Kind == "serves" && e.From == fmt.Sprintf("pid:%d", os.Getpid()) {
			served[e.To] = true
		}
	}
	for _, name := range []string{"tun7", "tap7"} {
		if l := g.find(name); len(l) != 1 || !served[l[0].Key] {
			t.Errorf("%s: %v, served %v", name, l, served)
		}
	}
}

// serveTun makes a tun or tap that the test serves.
func serveTun(t *testing.T, n *netlab.NS, name string, mode uint16) {
	t.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		livetest.Skip(t, "/dev/net/tun: "+err.Error())
	}
	t.Cleanup(func() { unix.Close(fd) })
	n.Do(func() error {
		// A tun belongs to the namespace in which it was opened.
		f, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { unix.Close(f) })
		req, err := unix.NewIfreq(name)
		if err != nil {
			return err
		}
		req.SetUint16(mode | unix.IFF_NO_PI)
		return unix.IoctlIfreq(f, unix.TUNSETIFF, req)
	})
}

// TestHiddenPeers holds that a peer is drawn with name, address and state
// where no process is in its namespace, whatever holds it.
func TestHiddenPeers(t *testing.T) {
	host := netlab.New(t)
	keep(t, host)
	for _, tc := range []struct {
		name string
		hold func(*testing.T, *netlab.NS)
	}{
		{"fd", func(*testing.T, *netlab.NS) {}},
		{"bind", holdByBind},
		{"socket", holdBySocket},
		{"flight", holdInFlight},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := netlab.New(t)
			host.Veth("h-"+tc.name, n, "e-"+tc.name)
			n.Addr("e-"+tc.name, "10.3.0.2/24")
			var mac string
			n.On("e-"+tc.name, func(l netlink.Link) error {
				mac = l.Attrs().HardwareAddr.String()
				return nil
			})
			ino := n.ID.Ino
			tc.hold(t, n)
			g := graphIn(t, host)
			found := g.find("e-" + tc.name)
			if len(found) != 1 || found[0].Address != mac || found[0].OperState != "UP" || found[0].Missing {
				t.Fatalf("peer %+v, want address %s", found, mac)
			}
			got := g.ends("peer", end{host.ID.Ino, "h-" + tc.name})
			if len(got) != 1 || got[0].name != "e-"+tc.name || got[0].ns != 0 && got[0].ns != ino {
				t.Errorf("h-%s leads to %v", tc.name, got)
			}
		})
	}
}

// holdByBind leaves a bind mount in a mount namespace of its own as the only
// thing that holds n.
func holdByBind(t *testing.T, n *netlab.NS) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "net")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ready := filepath.Join(t.TempDir(), "ready")
	script := fmt.Sprintf("mount --bind /proc/self/ns/net %s && exec nsenter --net=/proc/%d/ns/net sh -c 'touch %s; exec sleep 1000'", file, os.Getpid(), ready)
	start(t, "nsenter", at(n), "unshare", "--mount", "sh", "-c", script)
	await(t, func() bool { _, err := os.Stat(ready); return err == nil })
	n.Close()
}

// holdBySocket leaves a socket as the only thing that holds n.
func holdBySocket(t *testing.T, n *netlab.NS) {
	t.Helper()
	n.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		t.Cleanup(func() { unix.Close(fd) })
		return err
	})
	n.Close()
}

// holdInFlight leaves a message that nobody has received as the only thing
// that holds n.
func holdInFlight(t *testing.T, n *netlab.NS) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	if err := unix.Sendmsg(pair[0], []byte("x"), unix.UnixRights(n.FD), nil, 0); err != nil {
		t.Fatal(err)
	}
	n.Close()
}

// await polls for something that no event tells.
func await(t *testing.T, done func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not happen")
		case <-tick.C:
		}
	}
}

// TestChurn holds that namespaces which come and go during the run cost the
// others nothing.
func TestChurn(t *testing.T) {
	host, a := netlab.New(t), netlab.New(t)
	keep(t, host)
	keep(t, a)
	host.Veth("stays", a, "eth0")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan int)
	go func() {
		n := 0
		for ; ctx.Err() == nil; n++ {
			script := fmt.Sprintf("ip link add c%d type veth peer name p%[1]d; exec ip link set p%[1]d netns %d", n, os.Getpid())
			// The namespace lives as long as the program.
			_ = exec.Command("nsenter", at(a), "unshare", "--net", "sh", "-c", script).Run()
		}
		done <- n
	}()
	for range 40 {
		r := exec.Command("nsenter", at(host), binary, "graph", "-o", "json", "--no-containers")
		var stderr strings.Builder
		r.Stderr = &stderr
		out, err := r.Output()
		if err != nil || strings.Contains(stderr.String(), "network namespace") || strings.Contains(stderr.String(), "by its number") {
			t.Fatalf("%v: %s", err, stderr.String())
		}
		var g drawing
		decode(t, string(out), &g)
		for _, ns := range g.Namespaces {
			if ns.Unread && ns.Kind != "unknown" {
				t.Errorf("%s (%s) was not left out: %+v", ns.Key, ns.Title, ns)
			}
		}
		if got := g.ends("peer", end{host.ID.Ino, "stays"}); len(got) != 1 || got[0] != (end{a.ID.Ino, "eth0"}) {
			t.Fatalf("stays leads to %v", got)
		}
	}
	stop()
	if n := <-done; n < 5 {
		t.Errorf("only %d namespaces came and went: nothing was tested", n)
	}
}

// TestUnprivileged holds that a user without privileges sees the own network
// and is told about the rest.
func TestUnprivileged(t *testing.T) {
	host, a := netlab.New(t), netlab.New(t)
	keep(t, a)
	host.Veth("mine", a, "eth0")
	program := forAll(t)
	cmd := exec.Command("nsenter", at(host), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "graph", "--no-containers")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if !strings.Contains(string(out), "mine") || !strings.Contains(string(out), "unknown netns (nsid 0):if2") {
		t.Errorf("own network:\n%s", out)
	}
	if !strings.Contains(stderr.String(), "could not be read") {
		t.Errorf("it does not say what is missing: %q", stderr.String())
	}
}

// forAll is a copy of the program that every user may run.
func forAll(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "nsinspect-e2e-") // t.TempDir is closed to others
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program := filepath.Join(dir, "nsinspect")
	data, err := os.ReadFile(binary)
	if err == nil {
		err = os.WriteFile(program, data, 0o755)
	}
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return program
}
