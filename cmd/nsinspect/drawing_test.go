package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/render/rendertest"
)

// draw runs nsinspect graph on a host of testdata/hosts.
func draw(t *testing.T, host string, args ...string) string {
	t.Helper()
	return drawFile(t, rendertest.Hosts(t)[host], args...)
}

func drawFile(t *testing.T, file string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	a := &app{
		stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr,
		getenv: func(string) string { return "" }, now: func() time.Time { return goldenTime },
	}
	if status := a.run(append([]string{"graph", "--from", file}, args...)); status != 0 {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	return stdout.String()
}

// drawings are the hosts and what of them can be drawn.
var drawings = []struct{ host, typ string }{
	{"wired", "net"}, {"wired", "all"}, {"snare", "net"}, {"rootless", "user"}, {"rootless", "pid"}, {"hostile", "user"}, {"hostile", "pid"},
}

// TestDOTDraws holds that Graphviz takes every drawing without a word, and
// that hostile names end up as text.
func TestDOTDraws(t *testing.T) {
	dot, err := exec.LookPath("dot")
	if err != nil {
		livetest.Skip(t, "Graphviz (apt-get install graphviz)")
	}
	for _, d := range drawings {
		cmd := exec.Command(dot, "-Tsvg")
		cmd.Stdin = strings.NewReader(draw(t, d.host, "--type", d.typ, "--dot"))
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		svg, err := cmd.Output()
		if err != nil || strings.Contains(stderr.String(), "Error") {
			t.Errorf("%s %s: %v: %s", d.host, d.typ, err, stderr.String())
		}
		if d.host == "snare" {
			for _, want := range []string{`&quot;];x[`, `\N\G\ (macvlan)`, `&amp;lt; (macvlan)`, `]]&gt; &#45;&#45;&gt; end \`, "日本"} {
				if !strings.Contains(string(svg), want) {
					t.Errorf("no text %q in the drawing", want)
				}
			}
		}
	}
}

func TestGraphvizMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var stdout, stderr bytes.Buffer
	a := &app{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, getenv: func(string) string { return "" }, now: time.Now}
	status := a.run([]string{"graph", "--from", rendertest.Hosts(t)["wired"], "--svg", "-"})
	want := []string{"nsinspect: error: cannot draw SVG: Graphviz' dot is not installed", "nsinspect: hint: apt-get install graphviz, or: nsinspect graph --dot > wiring.dot"}
	if got := strings.Split(strings.TrimSpace(stderr.String()), "\n"); status != exitFailed || !slices.Equal(got, want) {
		t.Errorf("status %d, %q", status, got)
	}
}

// TestPublishedAlong holds that published ports are written at the veth pair
// that leads to them, in the order of their numbers, and that those without
// such a pair have one line of their own.
func TestPublishedAlong(t *testing.T) {
	b := newHost("publishing")
	b.observer(900, 0, 1<<41-1, b.init)
	host := newNet(b.init.Of(inspect.Net))
	host.link(inspect.Interface{Index: 2, Name: "ens3"}, "192.0.2.10/24")
	host.route("192.0.2.1", 2)
	nets := []*netBuilder{host}
	for i, name := range []string{"pair", "lan"} {
		id := b.ns(inspect.Net, b.init.Of(inspect.User)).ID
		c := b.container(name, name+"id", 3000+i)
		addr := fmt.Sprintf("172.17.0.%d", 2+i)
		c.Networks = []inspect.ContainerNetwork{{Name: "bridge", Addr: netip.MustParseAddr(addr)}}
		for _, p := range []uint16{8080, 443, 80} {
			c.Ports = append(c.Ports, inspect.PublishedPort{HostIP: netip.IPv4Unspecified(), HostPort: p, Port: p, Protocol: "tcp"})
		}
		b.in(b.proc(3000+i, 1, name, b.enter(b.init, id)), c, 1)
		n, home := newNet(id), int32(0)
		n.knows(home, host.NS)
		host.knows(int32(i), id)
		if name == "pair" {
			host.veth(10, "veth0", 2, int32(i), 0)
			n.veth(2, "eth0", 10, home, 0, addr+"/16")
		} else {
			n.link(inspect.Interface{Index: 2, Name: "eth0", Kind: "macvlan", LinkIndex: 2, LinkNSID: &home}, addr+"/16")
		}
		nets = append(nets, n)
	}
	const label = `80→80/tcp\n443→443/tcp\n8080→8080/tcp"`
	var along, apart int
	for line := range strings.Lines(drawFile(t, b.wire(nets...).file(t), "--dot")) {
		switch {
		case strings.Contains(line, `[label="published\n`+label) && strings.Contains(line, "penwidth=2"):
			along++
		case strings.Contains(line, `[label="`+label) && strings.Contains(line, "dotted"):
			apart++
		case strings.Contains(line, "/tcp"):
			t.Errorf("line %s", line)
		}
	}
	if along != 1 || apart != 1 {
		t.Errorf("%d veth pairs with ports and %d lines for ports alone", along, apart)
	}
}
