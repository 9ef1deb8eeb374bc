package netlab

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/vishvananda/netlink"

	"nsinspect/inspect/live/livetest"
)

// MiniHost is a Docker host in miniature, made of network namespaces:
//
//	Outside  192.0.2.1/24 on up0, and 198.51.100.7 on lo: the world
//	Host     192.0.2.10/24 on ens3, default route to Outside; docker0
//	         172.17.0.1/16 with the ports veth1web and veth2db
//	Web      172.17.0.2 on eth0; port 8080 of Host leads to its port 80
//	DB       172.17.0.3 on eth0
//
// Host forwards, and its rules are those that Docker writes.
type MiniHost struct{ Outside, Host, Web, DB *NS }

// NewMiniHost makes the host. It goes with the test.
func NewMiniHost(t testing.TB) *MiniHost { return newMiniHost(t, false) }

// NewLegacyMiniHost makes a host that has its rules in the older iptables. It
// skips the test where the kernel has none.
func NewLegacyMiniHost(t testing.TB) *MiniHost {
	t.Helper()
	New(t).LegacyTables()
	return newMiniHost(t, true)
}

func newMiniHost(t testing.TB, legacy bool) *MiniHost {
	t.Helper()
	m := &MiniHost{Outside: New(t), Host: New(t), Web: New(t), DB: New(t)}
	for _, n := range []*NS{m.Outside, m.Host, m.Web, m.DB} {
		n.legacy = legacy
	}
	for _, n := range []*NS{m.Outside, m.Host, m.Web, m.DB} {
		n.SureAddrs()
	}
	m.Host.Veth("ens3", m.Outside, "up0")
	m.Outside.Addr("up0", "192.0.2.1/24")
	m.Outside.Addr("lo", "198.51.100.7/32")
	m.Host.Addr("ens3", "192.0.2.10/24")
	m.Host.Route("default", "192.0.2.1", "ens3")
	m.Host.Bridge("docker0")
	m.Host.Addr("docker0", "172.17.0.1/16")
	for _, c := range []struct {
		ns         *NS
		port, addr string
	}{{m.Web, "veth1web", "172.17.0.2/16"}, {m.DB, "veth2db", "172.17.0.3/16"}} {
		m.Host.Veth(c.port, c.ns, "eth0")
		m.Host.Plug(c.port, "docker0")
		c.ns.Addr("eth0", c.addr)
		c.ns.Route("default", "172.17.0.1", "eth0")
	}
	m.Host.Sysctl("net/ipv4/ip_forward", "1")
	m.Host.Iptables(DockerRules)
	return m
}

// DockerRules are the rules of Docker 20.10 for one bridge and one published
// port, as iptables-restore(8) reads them.
const DockerRules = `*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.17.0.2/32 -d 172.17.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
`

// Tool is iptables or ip6tables as the program that has its rules where the
// namespace is to have them: iptables-nft, or in a host of NewLegacyMiniHost
// iptables-legacy.
func (n *NS) Tool(name string) string {
	if n.legacy {
		return name + "-legacy"
	}
	return name + "-nft"
}

// Iptables replaces the tables that rules name, with iptables-restore(8).
func (n *NS) Iptables(rules string) {
	n.t.Helper()
	n.Run(rules, n.Tool("iptables")+"-restore")
}

// LegacyTables skips the test where the kernel has no tables of the older
// iptables.
func (n *NS) LegacyTables() {
	n.t.Helper()
	missing := ""
	n.Do(func() error {
		for _, name := range []string{"iptables-legacy", "ip6tables-legacy"} {
			if _, err := exec.LookPath(name); err != nil {
				missing = "needs " + name + " (apt-get install iptables)"
			} else if out, err := exec.Command(name, "-t", "nat", "-S").CombinedOutput(); err != nil {
				missing = "needs a kernel with ip_tables and ip6_tables: " + string(out)
			}
		}
		return nil
	})
	if missing != "" {
		livetest.Skip(n.t, missing)
	}
}

// Run runs a program in the namespace with stdin. The test skips where it is
// not installed and fails where it fails.
func (n *NS) Run(stdin, name string, args ...string) {
	n.t.Helper()
	file, err := exec.LookPath(name)
	if err != nil {
		livetest.Skip(n.t, "needs "+name)
	}
	n.Do(func() error {
		cmd := exec.Command(file, args...) // forked on this thread: in its namespace
		cmd.Stdin = bytes.NewBufferString(stdin)
		if out, err := cmd.CombinedOutput(); err != nil {
			return errors.Join(err, errors.New(string(out)))
		}
		return nil
	})
}

// Sysctl sets a file below /proc/sys, of the namespace where it is of one.
func (n *NS) Sysctl(file, value string) {
	n.t.Helper()
	n.Do(func() error { return os.WriteFile("/proc/sys/"+file, []byte(value), 0) })
}

// SureAddrs has IPv6 addresses good at once, without a search for duplicates,
// on interfaces that are made from now on.
func (n *NS) SureAddrs() {
	n.t.Helper()
	if _, err := os.Stat("/proc/sys/net/ipv6/conf"); err != nil {
		return // a kernel without IPv6
	}
	n.Sysctl("net/ipv6/conf/all/accept_dad", "0")
	n.Sysctl("net/ipv6/conf/default/accept_dad", "0")
}

// Plug puts an interface into a bridge; an empty one takes it out.
func (n *NS) Plug(port, bridge string) {
	n.t.Helper()
	n.On(port, func(l netlink.Link) error {
		if bridge == "" {
			return netlink.LinkSetNoMaster(l)
		}
		br, err := netlink.LinkByName(bridge)
		if err != nil {
			return err
		}
		return netlink.LinkSetMaster(l, br)
	})
}

// Route adds a route to a prefix or "default"; via can be empty.
func (n *NS) Route(dst, via, dev string) {
	n.t.Helper()
	n.On(dev, func(l netlink.Link) error {
		r := netlink.Route{LinkIndex: l.Attrs().Index, Gw: net.ParseIP(via)}
		if dst != "default" {
			_, to, err := net.ParseCIDR(dst)
			if err != nil {
				return err
			}
			r.Dst = to
		}
		return netlink.RouteAdd(&r)
	})
}
