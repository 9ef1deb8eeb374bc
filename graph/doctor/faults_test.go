package doctor_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"

	"nsinspect/graph/doctor"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/livetest/netlab"
)

const bridge0 = "bridge docker0 (network bridge)"

var routeFaults = []fault{
	{
		name: "forwarding off", check: "ip-forward", severity: doctor.Fault, object: bridge0,
		cause: "gateway of web, db, and forwarding is off", fix: "sysctl -w net.ipv4.ip_forward=1",
		do:   func(l *lab) { l.Host.Sysctl("net/ipv4/ip_forward", "0") },
		undo: func(l *lab) { l.Host.Sysctl("net/ipv4/ip_forward", "1") },
	},
	{
		name: "forwarding of the bridge off", check: "ip-forward", severity: doctor.Fault, object: bridge0,
		cause: "forwarding is off", fix: "net/ipv4/conf/docker0/forwarding=1",
		do:   func(l *lab) { l.Host.Sysctl("net/ipv4/conf/docker0/forwarding", "0") },
		undo: func(l *lab) { l.Host.Sysctl("net/ipv4/conf/docker0/forwarding", "1") },
	},
	{
		name: "vpn route", check: "subnet-shadowed", severity: doctor.Fault, object: bridge0,
		cause: `route "172.17.0.0/24 via 192.0.2.1 dev ens3" comes before`, fix: "ip route add 172.17.0.2/32 dev docker0",
		do:   func(l *lab) { l.Host.Route("172.17.0.0/24", "192.0.2.1", "ens3") },
		undo: func(l *lab) { l.ip(l.Host, "route", "del", "172.17.0.0/24") },
	},
	{
		name: "route of the bridge deleted", check: "subnet-shadowed", severity: doctor.Fault, object: bridge0,
		cause: "the route to 172.17.0.0/16 dev docker0 is gone", fix: "ip route add 172.17.0.0/16 dev docker0",
		do:   func(l *lab) { l.ip(l.Host, "route", "del", "172.17.0.0/16") },
		undo: func(l *lab) { l.Host.Route("172.17.0.0/16", "", "docker0") },
	},
	{
		name: "the office has the same network", check: "network-overlap", severity: doctor.Warning, object: bridge0,
		cause: "its network 172.17.0.0/16 overlaps 172.17.0.0/16 of ens3, and the host looks for both on docker0: nobody on ens3",
		do:    func(l *lab) { l.ip(l.Host, "address", "add", "172.17.4.4/16", "dev", "ens3") },
		undo:  func(l *lab) { l.ip(l.Host, "address", "del", "172.17.4.4/16", "dev", "ens3") },
	},
	{
		name: "no default route", check: "default-route", severity: doctor.Fault, object: "interface eth0 of web",
		cause: "no default route for IPv4", fix: "nsenter -t 1001 -n ip route add default via 172.17.0.1 dev eth0",
		do:   func(l *lab) { l.ip(l.Web, "route", "del", "default") },
		undo: func(l *lab) { l.Web.Route("default", "172.17.0.1", "eth0") },
	},
	{
		name: "wrong default route", check: "default-route", severity: doctor.Fault, object: "interface eth0 of db",
		cause: "172.17.0.254 is nobody's", fix: "ip route replace default via 172.17.0.1 dev eth0",
		do:   func(l *lab) { l.ip(l.DB, "route", "replace", "default", "via", "172.17.0.254") },
		undo: func(l *lab) { l.ip(l.DB, "route", "replace", "default", "via", "172.17.0.1") },
	},
	{
		name: "vpn rule", check: "policy-rule", severity: doctor.Fault, object: bridge0,
		cause: `finds "default via 192.0.2.1 dev ens3" before the main table`, fix: "ip rule add to 172.17.0.0/16 lookup main priority 99",
		do: func(l *lab) {
			l.ip(l.Host, "route", "add", "default", "via", "192.0.2.1", "table", "51")
			l.ip(l.Host, "rule", "add", "priority", "100", "lookup", "51")
		},
		undo: func(l *lab) { l.ip(l.Host, "rule", "add", "to", "172.17.0.0/16", "lookup", "main", "priority", "99") },
	},
	{
		name: "refusing rule", check: "policy-rule", severity: doctor.Fault, object: bridge0,
		cause: "from 172.17.0.3 prohibit",
		do:    func(l *lab) { l.ip(l.Host, "rule", "add", "priority", "100", "from", "172.17.0.3", "prohibit") },
		undo:  func(l *lab) { l.ip(l.Host, "rule", "del", "priority", "100") },
	},
	{
		name: "strict rp_filter", check: "rp-filter", severity: doctor.Fault, object: "container web",
		cause: "leads to 172.18.0.2 on br-9a3b5c7d1e2f, and the answers leave by eth0 to docker0", fix: "net/ipv4/conf/docker0/rp_filter=2",
		do: func(l *lab) {
			secondNetwork(l)
			l.Host.Sysctl("net/ipv4/conf/docker0/rp_filter", "1")
		},
		undo: func(l *lab) { l.Host.Sysctl("net/ipv4/conf/docker0/rp_filter", "2") },
	},
}

// secondNetwork has web in two networks, with port 9090 published in the one
// that has not the default route.
func secondNetwork(l *lab) {
	l.Host.Veth("veth3web", l.Web, "eth1")
	l.Host.Bridge("br-9a3b5c7d1e2f", "veth3web")
	l.Host.Addr("br-9a3b5c7d1e2f", "172.18.0.1/16")
	l.Web.Addr("eth1", "172.18.0.2/16")
	l.Host.Iptables(strings.NewReplacer(
		"-A FORWARD -i docker0 -o docker0", "-A FORWARD -o br-9a3b5c7d1e2f -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"+
			"-A FORWARD -o br-9a3b5c7d1e2f -j DOCKER\n-A FORWARD -i br-9a3b5c7d1e2f ! -o br-9a3b5c7d1e2f -j ACCEPT\n"+
			"-A FORWARD -i br-9a3b5c7d1e2f -o br-9a3b5c7d1e2f -j ACCEPT\n-A FORWARD -i docker0 -o docker0",
		"-A POSTROUTING -s 172.17.0.0/16", "-A POSTROUTING -s 172.18.0.0/16 ! -o br-9a3b5c7d1e2f -j MASQUERADE\n-A POSTROUTING -s 172.17.0.0/16",
		"-A DOCKER -i docker0 -j RETURN", "-A DOCKER -i docker0 -j RETURN\n-A DOCKER ! -i br-9a3b5c7d1e2f -p tcp -m tcp --dport 9090 -j DNAT --to-destination 172.18.0.2:90",
	).Replace(netlab.DockerRules))
}

var bridgeFaults = []fault{
	{
		name: "bridge without address", check: "bridge-address", severity: doctor.Fault, object: bridge0,
		cause: "172.17.0.1 is the default gateway of web, db, and nobody has it", fix: "ip address add 172.17.0.1/16 dev docker0",
		do:   func(l *lab) { l.ip(l.Host, "address", "flush", "dev", "docker0") },
		undo: func(l *lab) { l.Host.Addr("docker0", "172.17.0.1/16") },
	},
	{
		name: "veth out of bridge", check: "veth-off-bridge", severity: doctor.Fault, object: "interface veth1web",
		cause: "host's end of eth0 of web", fix: "ip link set dev veth1web master docker0",
		do:   func(l *lab) { l.Host.Plug("veth1web", "") },
		undo: func(l *lab) { l.Host.Plug("veth1web", "docker0") },
	},
	{
		name: "veth down", check: "link-down", severity: doctor.Fault, object: "interface veth2db",
		cause: "host's end of eth0 of db", fix: "ip link set dev veth2db up",
		do:   func(l *lab) { down(l.Host, "veth2db") },
		undo: func(l *lab) { l.Host.Up("veth2db") },
	},
	{
		name: "bridge down", check: "link-down", severity: doctor.Fault, object: bridge0,
		cause: "nobody on it reaches anything: web, db", fix: "ip link set dev docker0 up",
		do:   func(l *lab) { down(l.Host, "docker0") },
		undo: func(l *lab) { l.Host.Up("docker0") },
	},
	{
		name: "container's interface down", check: "link-down", severity: doctor.Fault, object: "interface eth0 of web",
		cause: "plugged into docker0", fix: "nsenter -t 1001 -n ip link set dev eth0 up",
		do: func(l *lab) { down(l.Web, "eth0") },
		undo: func(l *lab) {
			l.Web.Up("eth0")
			l.Web.Route("default", "172.17.0.1", "eth0") // went with the interface
		},
	},
	{
		name: "a name for a shell", check: "link-down", severity: doctor.Fault, object: "bridge br$(reboot)'",
		cause: "administratively down", fix: `ip link set dev 'br$(reboot)'\''' up`,
		do: func(l *lab) {
			n := netlab.New(l.t)
			l.more = append(l.more, n)
			l.Host.Veth("evil", n, "eth0")
			l.Host.Bridge("br$(reboot)'", "evil")
			down(l.Host, "br$(reboot)'")
		},
		undo: func(l *lab) { l.Host.Up("br$(reboot)'") },
	},
	{
		name: "port blocked", check: "port-state", severity: doctor.Fault, object: "port veth1web",
		cause: "its state is disabled; behind it is eth0 of web", fix: "bridge link set dev veth1web state forwarding",
		do:   func(l *lab) { l.Host.Run("", "bridge", "link", "set", "dev", "veth1web", "state", "disabled") },
		undo: func(l *lab) { l.Host.Run("", "bridge", "link", "set", "dev", "veth1web", "state", "forwarding") },
	},
	{
		name: "spanning tree waits", check: "port-state", severity: doctor.Warning, object: "port veth1web",
		cause: "its state is l", fix: "stp_state 0",
		do: func(l *lab) {
			l.ip(l.Host, "link", "set", "docker0", "type", "bridge", "stp_state", "1")
			down(l.Host, "veth1web")
			l.Host.Up("veth1web")
		},
		undo: func(l *lab) {
			l.ip(l.Host, "link", "set", "docker0", "type", "bridge", "stp_state", "0")
			down(l.Host, "veth1web")
			l.Host.Up("veth1web")
		},
	},
	{
		name: "duplicate mac", check: "duplicate-mac", severity: doctor.Fault, object: bridge0,
		cause: "02:42:ac:11:00:02 is there more than once: eth0 of web, eth0 of db",
		do:    func(l *lab) { setMAC(l.Web, "02:42:ac:11:00:02"); setMAC(l.DB, "02:42:ac:11:00:02") },
		undo:  func(l *lab) { setMAC(l.DB, "02:42:ac:11:00:03") },
	},
	{
		name: "duplicate ip", check: "duplicate-ip", severity: doctor.Fault, object: bridge0,
		cause: "address 172.17.0.2 is there more than once: eth0 of web, eth0 of db",
		do:    func(l *lab) { l.DB.Addr("eth0", "172.17.0.2/16") },
		undo:  func(l *lab) { l.ip(l.DB, "address", "del", "172.17.0.2/16", "dev", "eth0") },
	},
	{
		name: "ip of the gateway", check: "duplicate-ip", severity: doctor.Fault, object: bridge0,
		cause: "address 172.17.0.1 is there more than once: docker0, eth0 of db",
		do:    func(l *lab) { l.DB.Addr("eth0", "172.17.0.1/16") },
		undo:  func(l *lab) { l.ip(l.DB, "address", "del", "172.17.0.1/16", "dev", "eth0") },
	},
	{
		name: "small uplink", check: "mtu", severity: doctor.Warning, object: bridge0,
		cause: "web, db send packets of up to 1500 bytes, the uplink ens3 takes 1400", fix: "-o ens3 -p tcp --tcp-flags SYN,RST SYN -j TCPMSS",
		do:   func(l *lab) { l.ip(l.Host, "link", "set", "ens3", "mtu", "1400") },
		undo: func(l *lab) { l.ip(l.Host, "link", "set", "ens3", "mtu", "1500") },
	},
}

func setMAC(n *netlab.NS, mac string) {
	n.On("eth0", func(l netlink.Link) error {
		a, err := net.ParseMAC(mac)
		if err != nil {
			return err
		}
		return netlink.LinkSetHardwareAddr(l, a)
	})
}

var publishFaults = []fault{
	{
		name: "service on loopback", check: "published-loopback", severity: doctor.Fault, object: "port 8080→80/tcp of web",
		cause: "listens on 127.0.0.1:80 only",
		do:    func(l *lab) { l.listen(l.Web, "127.0.0.1:80") },
		undo:  func(l *lab) { l.hangUp(); l.listen(l.Web, "0.0.0.0:80") },
	},
	{
		name: "stale dnat", check: "stale-dnat", severity: doctor.Fault, object: "port 8081→80/tcp",
		cause: "sends it to 172.17.0.99, and nobody on bridge docker0", fix: "nft delete rule ip nat DOCKER handle ",
		do: func(l *lab) {
			l.Host.Run("", l.Host.Tool("iptables"), "-t", "nat", "-A", "DOCKER", "!", "-i", "docker0", "-p", "tcp", "--dport", "8081", "-j", "DNAT", "--to-destination", "172.17.0.99:80")
		},
		undo: func(l *lab) { l.Host.Iptables(netlab.DockerRules) },
	},
	{
		name: "port taken", check: "port-taken", severity: doctor.Warning, object: "port 8080→80/tcp",
		cause: " listens on [::]:8080, and a rule sends the same port to 172.17.0.2 of web",
		do:    func(l *lab) { l.serve("nginx", "8080") },
		undo:  (*lab).endServers,
	},
	{
		name: "docker-proxy left over", check: "port-taken", severity: doctor.Warning, object: "port 8099/tcp",
		cause: "holds it, and no container publishes it", fix: "kill ",
		do:   func(l *lab) { l.serve("docker-proxy", "8099") },
		undo: func(l *lab) { l.killServers(); l.serve("docker-proxy", "8080") },
	},
	{
		name: "ports bypass the firewall", check: "published-open", severity: doctor.Note, object: "published ports",
		cause: "this port does not pass there: 8080→80/tcp",
		do:    func(l *lab) { l.Host.Iptables(strings.Replace(netlab.DockerRules, ":INPUT ACCEPT", ":INPUT DROP", 1)) },
		undo:  func(l *lab) { l.Host.Iptables(netlab.DockerRules) },
	},
}

// listen has the test listen in a namespace.
func (l *lab) listen(n *netlab.NS, addr string) {
	n.Do(func() error {
		network := "tcp4"
		if strings.HasPrefix(addr, "[") {
			network = "tcp6"
		}
		s, err := net.Listen(network, addr)
		l.sockets = append(l.sockets, s)
		return err
	})
}

// send sends a packet over UDP from outside.
func (l *lab) send(to string) {
	l.Outside.Do(func() error {
		c, err := net.DialUDP("udp4", &net.UDPAddr{Port: 40999}, net.UDPAddrFromAddrPort(netip.MustParseAddrPort(to)))
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = c.Write([]byte("x"))
		return err
	})
}

func (l *lab) hangUp() {
	for _, s := range l.sockets {
		s.Close()
	}
	l.sockets = nil
}

// publish says that Docker publishes port 8080 to port 80 of web.
func publish(s *inspect.Snapshot) {
	s.Containers[0].Ports = []inspect.PublishedPort{{HostIP: netip.IPv4Unspecified(), HostPort: 8080, Port: 80, Protocol: "tcp"}}
}

// publishedFaults are those of ports that Docker says it publishes.
var publishedFaults = []fault{
	{
		name: "nat flushed", check: "published-lost", severity: doctor.Fault, object: "port 8080→80/tcp of web",
		cause: "no rule of the host leads it to 172.17.0.2", fix: "iptables -t nat -I PREROUTING -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination 172.17.0.2:80",
		do: func(l *lab) {
			l.adapt = func(s *inspect.Snapshot) { publish(s) }
			l.typed(l.Host, "iptables -t nat -F PREROUTING; iptables -t nat -F DOCKER")
		},
		undo: func(l *lab) {
			l.typed(l.Host, "iptables -t nat -I PREROUTING -p tcp --dport 8080 -m addrtype --dst-type LOCAL -j DNAT --to-destination 172.17.0.2:80")
		},
	},
	{
		name: "proxy alone", check: "published-lost", severity: doctor.Warning, object: "port 8080→80/tcp of web",
		cause: "docker-proxy alone leads it to 172.17.0.2, and the container sees the host as the client", fix: "-j DNAT",
		do: func(l *lab) {
			l.adapt = func(s *inspect.Snapshot) { publish(s) }
			l.serve("docker-proxy", "8080")
			l.typed(l.Host, "iptables -t nat -F DOCKER")
		},
		undo: whole,
	},
	{
		name: "filter flushed", check: "published-dropped", severity: doctor.Fault, object: "port 8080→80/tcp of web",
		cause: "it is led to 172.17.0.2, no rule lets that through, and the policy of chain FORWARD drops it",
		fix:   "iptables -I FORWARD -d 172.17.0.2 ! -i docker0 -o docker0 -p tcp --dport 80 -j ACCEPT",
		do: func(l *lab) {
			l.adapt = func(s *inspect.Snapshot) { publish(s) }
			l.typed(l.Host, "iptables -F DOCKER")
		},
		undo: func(l *lab) {
			l.typed(l.Host, "iptables -I FORWARD -d 172.17.0.2 ! -i docker0 -o docker0 -p tcp --dport 80 -j ACCEPT")
		},
	},
	{
		name: "a firewall's own chain", check: "forward-dropped", severity: doctor.Fault, object: bridge0,
		cause: "the policy of chain forward drops them", fix: "nft insert rule inet fw forward iifname '\"docker0\"' accept",
		do: func(l *lab) {
			l.adapt = func(s *inspect.Snapshot) { publish(s) }
			l.Host.Run("table inet fw {\n chain forward {\n type filter hook forward priority 0; policy drop;\n }\n}\n", "nft", "-f", "-")
		},
		undo: func(l *lab) {
			l.typed(l.Host, `nft insert rule inet fw forward oifname '"docker0"' ct state established,related accept; nft insert rule inet fw forward iifname '"docker0"' accept; nft insert rule inet fw forward oifname '"docker0"' ct status dnat accept`)
		},
	},
	{
		name: "a firewall's own chain and a published port", check: "published-dropped", severity: doctor.Fault, object: "port 8080→80/tcp of web",
		cause: "the policy of chain forward drops it", fix: "nft insert rule inet fw forward oifname '\"docker0\"' ct status dnat accept",
		do: func(l *lab) {
			l.adapt = func(s *inspect.Snapshot) { publish(s) }
			l.Host.Run("table inet fw {\n chain forward {\n type filter hook forward priority 0; policy drop;\n ct state established,related accept\n iifname docker0 accept\n }\n}\n", "nft", "-f", "-")
		},
		undo: func(l *lab) {
			l.typed(l.Host, `nft insert rule inet fw forward oifname '"docker0"' ct status dnat accept`)
		},
	},
}

// serve has a process with a name of its own listen on a port of the host.
func (l *lab) serve(comm, port string) {
	l.t.Helper()
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		livetest.Skip(l.t, "needs busybox")
	}
	program := filepath.Join(l.t.TempDir(), comm)
	if err := os.Symlink(busybox, program); err != nil {
		l.t.Fatal(err)
	}
	cmd := exec.Command(program, "nc", "-l", "-p", port)
	cmd.Args[0] = "busybox"
	l.Host.Do(cmd.Start) // forked on this thread: in its namespace
	l.servers = append(l.servers, cmd)
	l.t.Cleanup(l.endServers)
}

func (l *lab) endServers() {
	for _, cmd := range l.servers {
		cmd.Process.Kill()
		cmd.Wait()
	}
	l.servers = nil
}

// killServers does what the finding says, kill PID.
func (l *lab) killServers() {
	for _, cmd := range l.servers {
		l.typed(l.Host, fmt.Sprintf("kill %d", cmd.Process.Pid))
		cmd.Wait()
	}
	l.servers = nil
}

var otherFaults = []fault{
	{
		name: "stale udp connection", check: "stale-udp", severity: doctor.Warning, object: "port 5353→53/udp",
		cause: "follow a tracked connection to 192.0.2.10:5353, not the rule to 172.17.0.2:53", fix: "conntrack -D -p udp --orig-src 192.0.2.1 ",
		do: func(l *lab) {
			l.send("192.0.2.10:5353") // before the port is published
			l.Host.Run("", l.Host.Tool("iptables"), strings.Fields("-t nat -A DOCKER ! -i docker0 -p udp --dport 5353 -j DNAT --to-destination 172.17.0.2:53")...)
			l.Host.Run("", l.Host.Tool("iptables"), strings.Fields("-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p udp --dport 53 -j ACCEPT")...)
		},
		undo: func(l *lab) {
			l.Host.Do(func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) })
			l.send("192.0.2.10:5353")
		},
	},
	{
		name: "router advertisements ignored", check: "ipv6-accept-ra", severity: doctor.Fault, object: "interface ens3",
		cause: "there is no IPv6 default route", fix: "sysctl -w net/ipv6/conf/ens3/accept_ra=2",
		do: func(l *lab) {
			l.ip(l.Host, "-6", "address", "add", "2001:db8::10/64", "dev", "ens3", "valid_lft", "3600", "preferred_lft", "3600", "nodad")
			l.Host.Sysctl("net/ipv6/conf/all/forwarding", "1")
		},
		undo: func(l *lab) { l.Host.Sysctl("net/ipv6/conf/ens3/accept_ra", "2") },
	},
	{
		name: "dns rules gone", check: "container-dns", severity: doctor.Fault, object: "name resolution of db",
		cause: "answers DNS at 127.0.0.11:", fix: "docker restart db",
		do: func(l *lab) { l.listen(l.DB, "127.0.0.11:0") },
		undo: func(l *lab) {
			port := l.sockets[0].Addr().(*net.TCPAddr).Port
			l.DB.Iptables("*nat\n:DOCKER_OUTPUT - [0:0]\n-A OUTPUT -d 127.0.0.11/32 -j DOCKER_OUTPUT\n-A DOCKER_OUTPUT -d 127.0.0.11/32 -p tcp -m tcp --dport 53 -j DNAT --to-destination 127.0.0.11:" + strconv.Itoa(port) + "\nCOMMIT\n")
		},
	},
	{
		name: "macvlan parent down", check: "macvlan-parent", severity: doctor.Fault, object: "interface lan0",
		cause: "macvlan mv0 of sleep (pid 1003) lies on it, and it is administratively down", fix: "ip link set dev lan0 up",
		do:   func(l *lab) { macvlan(l, "10.9.0.5/24"); down(l.Host, "lan0") },
		undo: func(l *lab) { l.Host.Up("lan0") },
	},
	{
		name: "host and macvlan", check: "macvlan-host", severity: doctor.Note, object: "interface lan0",
		cause: "do not reach each other",
		do:    func(l *lab) { macvlan(l, "10.9.0.5/24"); l.Host.Addr("lan0", "10.9.0.1/24") },
		undo:  func(l *lab) { l.Host.Macvlan("mvhost", "lan0", false) },
	},
	{
		name: "conntrack nearly full", check: "conntrack-full", severity: doctor.Warning, object: "connection tracking",
		cause: "20 of at most 22 connections are tracked", fix: "nf_conntrack_max=44",
		do:   func(l *lab) { l.track(20); l.sysctl("net.netfilter.nf_conntrack_max", "22") },
		undo: func(l *lab) { l.sysctl("net.netfilter.nf_conntrack_max", "44") },
	},
	{
		name: "conntrack full", check: "conntrack-full", severity: doctor.Fault, object: "connection tracking",
		cause: "20 of at most 20 connections are tracked", fix: "sysctl -w",
		do: func(l *lab) { l.track(20); l.sysctl("net.netfilter.nf_conntrack_max", "20") },
		undo: func(l *lab) { // whoever opened so many has gone
			l.Host.Do(func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) })
		},
	},
	{
		name: "neighbours full", check: "neighbors-full", severity: doctor.Fault, object: "neighbour table of IPv4",
		cause: "entries are in use, in all network namespaces together", fix: "gc_thresh3=8",
		do: func(l *lab) {
			l.ip(l.Web, "neigh", "add", "172.17.0.1", "lladdr", "02:00:00:00:00:01", "dev", "eth0", "nud", "reachable")
			l.ip(l.Host, "neigh", "add", "172.17.0.3", "lladdr", "02:00:00:00:00:03", "dev", "docker0", "nud", "reachable")
			l.sysctl("net.ipv4.neigh.default.gc_thresh3", "2")
		},
		undo: func(l *lab) { l.sysctl("net.ipv4.neigh.default.gc_thresh3", "1024") },
	},
}

// track has the host track n connections, and no others. The limit is that of
// the machine, which is not for a test to change.
func (l *lab) track(n int) {
	l.Host.Do(func() error { return netlink.ConntrackTableFlush(netlink.ConntrackTable) })
	for i := range n {
		l.send(fmt.Sprintf("192.0.2.10:%d", 20000+i))
	}
}

// sysctl sets what only the first network namespace could have set.
func (l *lab) sysctl(pairs ...string) {
	l.adapt = func(s *inspect.Snapshot) {
		for i := range s.Networks {
			if n := &s.Networks[i]; n.NS == l.Host.ID {
				for k := 0; k < len(pairs); k += 2 {
					n.Sysctls[pairs[k]] = pairs[k+1]
				}
			}
		}
	}
}

// macvlan adds an interface of the host with carrier, and a namespace with a
// macvlan on it.
func macvlan(l *lab, addr string) {
	n := netlab.New(l.t)
	l.Host.Add(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "lan0"}, PeerName: "lan0far"})
	l.Host.Up("lan0far")
	l.Host.Macvlan("mv0", "lan0", false)
	l.Host.Move("mv0", n)
	n.Addr("mv0", addr)
	l.more = append(l.more, n)
}
