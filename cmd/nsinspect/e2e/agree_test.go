package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/vishvananda/netlink"

	"nsinspect/graph/path"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
)

// estate is a Docker host with several networks, and what listens:
//
//	web1  on the default bridge, 8080 published everywhere, TCP and UDP
//	web2  in network shop, 8081 published on 127.0.0.1, 8082 on the uplink's address
//	both  in networks shop and back
//	db    in network back, which is internal
//	v6    in network six, which has IPv6, 8083 published
//	host  port 9000
//	out   the world, port 53
type estate struct {
	ns   map[string]*netlab.NS
	addr map[string]string // "web1.bridge"
}

func newEstate(t *testing.T) *estate {
	t.Helper()
	docker.Start(t)
	e := &estate{ns: map[string]*netlab.NS{}, addr: map[string]string{}}
	e.ns["host"], e.ns["out"] = netlab.Of(t, docker.Supervisor()), uplink(t)
	restore(t, e.ns["host"])
	e.ns["host"].SureAddrs()
	inDaemon(t, "sh", "-ec", "ip addr add fd19::10/64 dev up0 nodad; ip -6 route add default via fd19::1")
	e.ns["out"].Addr("eth0", "fd19::1/64")
	e.ns["out"].Route("fd00:a::/64", "fd19::10", "eth0")
	docker.Network(t, "shop")
	docker.Network(t, "back", "--internal")
	docker.Network(t, "six", "--ipv6", "--subnet=fd00:a::/64")
	s := scene{}
	s.run(t, "web1", "--publish=8080:80", "--publish=8080:80/udp")
	s.run(t, "web2", "--net=shop", "--publish=127.0.0.1:8081:80", "--publish=192.0.2.10:8082:80")
	s.run(t, "both", "--net=shop")
	docker.Docker(t, "network", "connect", "back", "both")
	s.run(t, "db", "--net=back")
	s.run(t, "v6", "--net=six", "--publish=8083:80")
	for name := range s {
		a := docker.Inspect(t, s[name].ID)
		e.ns[name] = netlab.Of(t, a.State.Pid)
		e.serve(name, 80)
		for network, c := range a.NetworkSettings.Networks {
			e.addr[name+"."+network] = c.IPAddress
		}
	}
	e.serve("host", 9000)
	e.serve("out", 53)
	return e
}

// restore puts the rules and settings of the host back when all else of the
// test is gone, and forgets its connections.
func restore(t *testing.T, host *netlab.NS) {
	t.Helper()
	rules := inDaemon(t, "iptables-save")
	t.Cleanup(func() {
		for _, clear := range []string{
			"ip6tables -P INPUT ACCEPT; ip6tables -F", "iptables -t raw -F; iptables -t mangle -F", "nft delete table inet firewalld 2>&1 || true",
			"sysctl -qw net.ipv4.conf.all.rp_filter=0",
		} {
			inDaemon(t, "sh", "-c", clear)
		}
		host.Run(rules, "iptables-restore")
		host.Do(func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) }) // or they expire during later tests
	})
}

func (e *estate) serve(name string, port int) {
	e.ns[name].Serve(fmt.Sprintf("0.0.0.0:%d", port))
	e.ns[name].Serve(fmt.Sprintf("[::]:%d", port))
}

// flows are pairs of a source and what it sends to: protocol, address, and
// port where there is one.
const flows = `
	web1 icmp 8.8.8.8, web1 tcp 8.8.8.8:53, web1 udp 8.8.8.8:53, both tcp 8.8.8.8:53, both icmp 8.8.8.8, db tcp 8.8.8.8:53
	v6 tcp [fd19::1]:53, v6 icmp fd19::1, out tcp [fd00:a::2]:80, host tcp [fd00:a::2]:80, out icmp fd00:a::2, web1 tcp [fd00:a::2]:80
	web1 tcp 172.17.0.1:9000, web1 udp 172.17.0.1:9000, web1 tcp 192.0.2.10:9000, both tcp 192.0.2.10:9000, db icmp 192.0.2.10, out tcp 192.0.2.10:9000
	out icmp 192.0.2.10, out udp 192.0.2.10:9000, host tcp 172.17.0.1:9000, host icmp 172.17.0.1
	web2 tcp both.shop:80, both icmp web2.shop, web1 tcp web2.shop:80, web2 icmp web1.bridge, both tcp db.back:80, db udp both.back:80, db tcp web2.shop:80
	host tcp db.back:80, out tcp db.back:80, out tcp web1.bridge:80, out udp web1.bridge:80, out icmp web1.bridge, out tcp web1.bridge:81
	out tcp 192.0.2.10:8080, out udp 192.0.2.10:8080, host tcp 127.0.0.1:8080, host tcp 192.0.2.10:8080, host udp 127.0.0.1:8080, web1 tcp 192.0.2.10:8080
	web2 tcp 192.0.2.10:8080, web2 tcp 172.17.0.1:8080, host tcp 127.0.0.1:8081, out tcp 192.0.2.10:8081, web1 tcp 127.0.0.1:8081
	out tcp 192.0.2.10:8082, web1 tcp 192.0.2.10:8082, web2 tcp 192.0.2.10:8082, host tcp 127.0.0.1:8082, host tcp 172.17.0.1:8082
	out tcp 192.0.2.10:8083, out tcp [fd19::10]:8083, host tcp [::1]:8083, v6 tcp 192.0.2.10:8083, v6 tcp [fd19::10]:9000`

type flow struct{ from, proto, to string }

func (e *estate) flows() (out []flow) {
	for line := range strings.Lines(strings.TrimSpace(flows)) {
		for text := range strings.SplitSeq(line, ",") {
			words := strings.Fields(text)
			host, port, withPort := strings.Cut(words[2], ":")
			if a, ok := e.addr[host]; ok {
				if words[2] = a; withPort {
					words[2] += ":" + port
				}
			}
			out = append(out, flow{words[0], words[1], words[2]})
		}
	}
	return out
}

// real reports which flows get through.
func (e *estate) real(all []flow) map[flow]bool {
	var mu sync.Mutex
	var wg sync.WaitGroup
	got := map[flow]bool{}
	for _, f := range all {
		wg.Go(func() {
			ok := e.ns[f.from].Reaches(f.proto, f.to)
			mu.Lock()
			defer mu.Unlock()
			got[f] = ok
		})
	}
	wg.Wait()
	return got
}

// TestTraceAgrees holds that trace and real traffic agree on a Docker host
// with its own rules alone, and with those that people put beside them.
func TestTraceAgrees(t *testing.T) {
	for _, tool := range []string{"nft", "iptables", "ip6tables", "sysctl"} {
		if _, err := exec.LookPath(tool); err != nil {
			livetest.Skip(t, "needs "+tool)
		}
	}
	for _, rules := range []string{"none", "user.sh", "ufw.sh", "firewalld.sh"} {
		t.Run(rules, func(t *testing.T) {
			e := newEstate(t)
			if rules != "none" {
				file, err := filepath.Abs(filepath.Join("testdata", rules))
				if err != nil {
					t.Fatal(err)
				}
				inDaemon(t, "sh", "-e", file)
			}
			all := e.flows()
			got, through := e.real(all), 0
			for _, f := range all {
				r := follow(t, e.target(f.from), f.to, "--proto", f.proto)
				nobody := slices.ContainsFunc(r.Notes, func(s string) bool { return strings.Contains(s, "listens") })
				if good := r.Disposition.Good() && !nobody; good != got[f] || r.Disposition == path.InsufficientInfo {
					t.Errorf("%v: gets through: %v, but trace says %s (%s) %q", f, got[f], r.Disposition, r.Reason, r.Notes)
				}
				if got[f] {
					through++
				}
			}
			if r := follow(t, "self", "127.0.0.1:8080"); !slices.ContainsFunc(r.Notes, func(s string) bool { return strings.Contains(s, "nsinspect trace self web1:80") }) {
				t.Errorf("who listens on port 8080: %q", r.Notes)
			}
			if through < 10 || through > len(all)-10 {
				t.Errorf("%d of %d flows get through: this tells nothing", through, len(all))
			}
			t.Logf("%d of %d flows get through", through, len(all))
		})
	}
}

// target is a source as trace takes it.
func (e *estate) target(name string) string {
	switch name {
	case "host":
		return "self"
	case "out":
		return fmt.Sprintf("net:[%d]", e.ns["out"].ID.Ino)
	}
	return name
}
