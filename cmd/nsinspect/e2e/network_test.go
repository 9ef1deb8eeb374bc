package e2e

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
)

// inDaemon runs a command in the network namespace of the daemon: there the
// Docker host is the host.
func inDaemon(t testing.TB, args ...string) string {
	t.Helper()
	return inNetns(t, docker.Supervisor(), args...)
}

func inNetns(t testing.TB, pid int, args ...string) string {
	t.Helper()
	return output(t, "nsenter", append([]string{fmt.Sprintf("--net=/proc/%d/ns/net", pid)}, args...)...)
}

// elsewhere runs a command where there is no network at all.
func elsewhere(t testing.TB, args ...string) string {
	t.Helper()
	return output(t, "unshare", append([]string{"--net"}, args...)...)
}

// output runs a program that must succeed. nsinspect does not wait long for
// an engine: on a busy machine it is run again until the engine was in time.
func output(t testing.TB, name string, args ...string) string {
	t.Helper()
	for try := 1; ; try++ {
		cmd := exec.Command(name, args...)
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "DOCKER_HOST=" + docker.Host(), "LANG=C.UTF-8"}
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", strings.Join(args, " "), err, stderr.String())
		}
		if !strings.Contains(stderr.String(), "no answer within") || try == 50 {
			return string(out)
		}
	}
}

// newNetwork starts the containers of a Docker host with a network of its own:
//
//	front  in network shop, with published ports, serving one of them
//	back   in network shop
//	wide   in the network namespace of the host
//	alone  without network
//	side   in the network namespace of front
//
// Nobody is in network vacant.
func newNetwork(t *testing.T) scene {
	t.Helper()
	docker.Start(t)
	docker.Network(t, "shop")
	docker.Network(t, "vacant")
	s := scene{}
	service := []string{"--label=com.docker.compose.project=shop", "--label=com.docker.compose.service=web"}
	s.run(t, "front", append(service, "--net=shop", "--publish=8080:80", "--publish=127.0.0.1:5353:53/udp")...)
	s.run(t, "back", "--net=shop")
	s.run(t, "wide", "--net=host")
	s.run(t, "alone", "--net=none")
	s.run(t, "side", "--net=container:front")
	docker.Docker(t, "exec", "--detach", "front", "httpd", "-f", "-p", "80")
	return s
}

func TestDockerNetwork(t *testing.T) {
	s := newNetwork(t)
	for _, v := range []struct {
		name  string
		check func(*testing.T, scene)
	}{
		{"links like ip", checkLinksLikeIP},
		{"peers", checkPeers},
		{"ports like docker port", checkPorts},
		{"graph", checkGraph},
		{"graph of a file", checkGraphFile},
		{"pictures", checkPictures},
		{"rules like nft", func(t *testing.T, _ scene) {
			compareRules(t, func(args ...string) string { return inDaemon(t, args...) }, 20)
		}},
	} {
		t.Run(v.name, func(t *testing.T) { v.check(t, s) })
	}
}

// ipLink is an interface as `ip -d -j link` and nsinspect links -o json have
// it.
type ipLink struct {
	IfIndex   int      `json:"ifindex"`
	IfName    string   `json:"ifname"`
	LinkIndex int      `json:"link_index"`
	LinkNSID  *int     `json:"link_netnsid"`
	Flags     []string `json:"flags"`
	MTU       int      `json:"mtu"`
	OperState string   `json:"operstate"`
	LinkType  string   `json:"link_type"`
	Address   string   `json:"address"`
	Master    string   `json:"master"`
	LinkInfo  *struct {
		Kind  string `json:"info_kind"`
		Slave string `json:"info_slave_kind"`
	} `json:"linkinfo"`
}

type links1 struct {
	Links []struct {
		ipLink
		NS      uint64 `json:"ns"`
		Title   string `json:"netns_title"`
		Network string `json:"network"`
		Peer    *struct {
			Title   string `json:"netns_title"`
			IfName  string `json:"ifname"`
			Master  string `json:"master"`
			Network string `json:"network"`
		} `json:"peer"`
	} `json:"links"`
}

func allLinks(t *testing.T) (all links1) {
	t.Helper()
	decode(t, inDaemon(t, binary, "links", "-o", "json"), &all)
	return all
}

// checkLinksLikeIP compares every interface of every container and of the
// host with what ip(8) says within the namespace.
func checkLinksLikeIP(t *testing.T, s scene) {
	got := map[uint64][]ipLink{}
	for _, l := range allLinks(t).Links {
		got[l.NS] = append(got[l.NS], l.ipLink)
	}
	for name, a := range s {
		var want []ipLink
		if err := json.Unmarshal([]byte(inNetns(t, a.State.Pid, "ip", "-d", "-j", "link")), &want); err != nil {
			t.Fatal(err)
		}
		have := got[a.ns[inspect.Net]]
		if len(want) == 0 || len(have) != len(want) {
			t.Errorf("%s: %d interfaces, ip has %d", name, len(have), len(want))
			continue
		}
		for i := range want {
			if w := want[i]; w.LinkInfo != nil && w.LinkInfo.Kind == "" && w.LinkInfo.Slave == "" {
				want[i].LinkInfo = nil
			}
			if !reflect.DeepEqual(have[i], want[i]) {
				t.Errorf("%s: %s\n got %+v %+v\nwant %+v %+v", name, want[i].IfName, have[i], have[i].LinkInfo, want[i], want[i].LinkInfo)
			}
		}
	}
}

// checkPeers holds that the veths of containers lead where docker inspect and
// the indexes say.
func checkPeers(t *testing.T, s scene) {
	all := allLinks(t)
	for _, name := range []string{"front", "back"} {
		found := false
		for _, l := range all.Links {
			if l.NS != s[name].ns[inspect.Net] || l.IfName != "eth0" {
				continue
			}
			found = true
			if l.Title != name || l.Peer == nil || l.Peer.Title != "host" || l.Peer.Network != "" && l.Peer.Network != "shop" {
				t.Errorf("%s: title %q, peer %+v", name, l.Title, l.Peer)
				continue
			}
			if l.Network != "shop" || l.Address != s[name].NetworkSettings.Networks["shop"].MacAddress {
				t.Errorf("%s: network %q, address %s", name, l.Network, l.Address)
			}
			if bridge := "br-" + s[name].NetworkSettings.Networks["shop"].NetworkID[:12]; l.Peer.Master != bridge {
				t.Errorf("%s is plugged into %q, want %s", name, l.Peer.Master, bridge)
			}
			// The question that people have: whose is this veth?
			if out := inDaemon(t, binary, "links", l.Peer.IfName); !strings.Contains(out, name) {
				t.Errorf("links %s does not name %s:\n%s", l.Peer.IfName, name, out)
			}
		}
		if !found {
			t.Errorf("no eth0 of %s", name)
		}
	}
}

// checkPorts compares published ports with docker port, and the listener with
// what was started.
func checkPorts(t *testing.T, s scene) {
	var got struct {
		Ports []struct {
			Title     string `json:"netns_title"`
			Protocol  string `json:"protocol"`
			Port      int    `json:"port"`
			Listening bool   `json:"listening"`
			Container *struct {
				Name string `json:"name"`
			} `json:"container"`
			Processes []struct {
				Command string `json:"command"`
			} `json:"processes"`
			Published []inspect.PublishedPort `json:"published"`
		} `json:"ports"`
	}
	decode(t, inDaemon(t, binary, "ports", "-o", "json"), &got)
	var have []string
	for _, p := range got.Ports {
		if s[p.Title] == nil {
			continue // another daemon of the machine publishes too
		}
		for _, h := range p.Published {
			ip := h.HostIP
			if !ip.IsValid() {
				ip = netip.IPv4Unspecified()
			}
			have = append(have, fmt.Sprintf("%s %d/%s -> %s:%d", p.Title, p.Port, p.Protocol, ip, h.HostPort))
		}
		if p.Title == "front" && p.Port == 80 {
			if !p.Listening || len(p.Processes) == 0 || p.Processes[0].Command != "httpd" || p.Container == nil || p.Container.Name != "front" {
				t.Errorf("port 80 of front: %+v", p)
			}
		}
	}
	var want []string
	for name := range s {
		if name == "side" {
			continue // shares front's
		}
		for line := range strings.Lines(docker.Docker(t, "port", name)) {
			line = strings.TrimSpace(line)
			ipv6 := strings.Contains(line, "[::]") || strings.Contains(line, ":::") // older clients leave the brackets out
			if line != "" && !ipv6 {
				want = append(want, name+" "+line)
			}
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if len(want) != 2 || !slices.Equal(have, want) {
		t.Errorf("published %q, docker port says %q", have, want)
	}
}

func checkGraph(t *testing.T, s scene) {
	out := inDaemon(t, binary, "graph")
	t.Logf("\n%s", out)
	for _, want := range []string{"↔ front+1:eth0", "↔ back:eth0", "network shop", "network vacant", "published ", " 8080→80/tcp", " 127.0.0.1:5353→53/udp", "also wide"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if !strings.Contains(out, "alone") || !strings.Contains(out, "only a loopback") {
		t.Errorf("alone is not there:\n%s", out)
	}
	one := inDaemon(t, binary, "graph", "back")
	if !strings.Contains(one, "back:eth0") || strings.Contains(one, "front") || !strings.Contains(one, "network shop") {
		t.Errorf("graph back:\n%s", one)
	}
	var doc struct {
		Edges []struct{ Kind, From, To, Label, Evidence string }
	}
	decode(t, inDaemon(t, binary, "graph", "-o", "json"), &doc)
	front := itoa(s["front"].ns[inspect.Net])
	for _, e := range doc.Edges {
		ours := strings.Contains(e.From+" "+e.To, front)
		if e.Kind == "publish" && ours && (!strings.Contains(e.Evidence, "rule ") || !strings.Contains(e.Evidence, "docker publishes it")) {
			t.Errorf("published port %s: %s", e.Label, e.Evidence)
		}
	}
}

// checkGraphFile holds that a snapshot draws the same elsewhere, byte for byte.
func checkGraphFile(t *testing.T, s scene) {
	file := filepath.Join(t.TempDir(), "host.json")
	if err := os.WriteFile(file, []byte(inDaemon(t, binary, "snapshot")), 0o600); err != nil {
		t.Fatal(err)
	}
	var first string
	for _, format := range []string{"--output=table", "--output=json", "--output=yaml", "--dot", "--mermaid"} {
		here, there := inDaemon(t, binary, "graph", "--from", file, format), elsewhere(t, binary, "graph", "--from", file, format)
		if here != there || here == "" || here == first {
			t.Errorf("%s differs:\n%s\n%s", format, here, there)
		}
		first = here
	}
}

func checkPictures(t *testing.T, s scene) {
	if _, err := exec.LookPath("dot"); err != nil {
		livetest.Skip(t, "Graphviz (apt-get install graphviz)")
	}
	file := filepath.Join(t.TempDir(), "host.svg")
	inDaemon(t, binary, "graph", "--svg", file)
	svg, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(svg), "</svg>") || !strings.Contains(string(svg), ">front") {
		t.Errorf("svg: %v\n%.300s", err, svg)
	}
	file = filepath.Join(t.TempDir(), "host.png")
	inDaemon(t, binary, "graph", "--png", file)
	if png, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(png), "\x89PNG") {
		t.Errorf("png: %v", err)
	}
}
