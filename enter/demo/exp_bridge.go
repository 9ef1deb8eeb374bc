package demo

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"nsinspect/enter"
	"nsinspect/inspect"
)

// The addresses of the lab: a private subnet behind the bridge, and one of
// TEST-NET-1 (RFC 5737) for the world outside.
const (
	brName     = "br0"
	brAddr     = "172.30.0.1"
	brSubnet   = "172.30.0.0/24"
	worldAddr  = "192.0.2.1"
	uplinkAddr = "192.0.2.2"
)

// bridgeLab are the processes of the experiment.
type bridgeLab struct {
	*play
	host, world *actor
	boxes       []*actor // c1 and c2
	addrs       []string // of the boxes
	dir         string   // of the host, for files
}

// runBridge builds what Docker builds for its containers. The control leaves
// out what joins the pieces: ports of the bridge, forwarding and masquerade.
func runBridge(p *play) error {
	p.r.Property = connected
	l := &bridgeLab{play: p, addrs: []string{"172.30.0.2", "172.30.0.3"}, dir: scratch()}
	for _, step := range []func() error{l.begin, l.view("Before: four network namespaces, nothing between them"), l.bridge, l.cables, l.resolvers, l.uplink, l.pingBoxes, l.pingWorld} {
		if err := step(); err != nil {
			return err
		}
	}
	return l.view("After: the topology")()
}

// begin starts the processes.
func (l *bridgeLab) begin() (err error) {
	if l.host, err = l.outside("host"); err != nil {
		return err
	}
	for _, o := range [][]string{{"set hostname", hostName}, {"mount tmpfs", l.dir}, {"up", "lo"}, {"ip_forward", "0"}} {
		if err := l.ask(l.host, nil, o[0], o[1:]...); err != nil {
			return err
		}
	}
	if err := l.stands(l.host, "a network, mounts and a name", Fact{"host", "hostname", hostName}); err != nil {
		return err
	}
	seen := []Fact{}
	for _, name := range []string{"c1", "c2"} {
		r := l.beside(l.host, 0)
		r.New, r.Hostname = enter.SetOf(inspect.Net, inspect.Mnt, inspect.UTS), name
		box, err := l.start(name, r)
		if err != nil {
			return err
		}
		l.boxes = append(l.boxes, box)
		seen = append(seen, Fact{name, "pid, seen from here", pidText(box)})
	}
	r := l.beside(l.host, 0)
	r.New = enter.SetOf(inspect.Net)
	if l.world, err = l.start("world", r); err != nil {
		return err
	}
	l.shell = l.boxes[0]
	return l.step(Step{
		Title: "Two containers with a network each, and one more that stands for the world outside",
		Call:  "unshare(CLONE_NEWNET|CLONE_NEWNS|CLONE_NEWUTS)", Plan: l.boxes[0].plan,
		Same: []string{"ip netns add c1; ip netns add c2", "docker run --network none"},
		Seen: append(seen, Fact{"world", "pid, seen from here", pidText(l.world)}),
	})
}

// view draws the lab.
func (l *bridgeLab) view(title string) func() error {
	return func() error {
		text, err := l.draw(l.host, l.boxes[0], l.boxes[1], l.world)
		if err != nil {
			return err
		}
		return l.step(Step{Title: title, Same: []string{"nsinspect graph"}, View: text})
	}
}

// graphFacts are what a drawing shows.
const graphFacts = inspect.FactTasks | inspect.FactLeads | inspect.FactNetwork | inspect.FactRoutes | inspect.FactNetfilter

// draw draws the networks of the process that stands for the host and of
// others. A process of its own looks, beside the former, where it has the
// rights over all: to look leaves threads in other namespaces.
func (p *play) draw(host *actor, others ...*actor) (string, error) {
	if p.o.Draw == nil {
		return "", nil
	}
	by, err := p.start("look", p.beside(host, 0))
	if err != nil {
		return "", err
	}
	defer by.stop()
	of := append([]*actor{host}, others...)
	args := []string{strconv.FormatUint(uint64(graphFacts), 10)}
	for _, a := range of {
		args = append(args, pidText(a))
	}
	text, err := p.text(by, "snapshot", args...)
	if err != nil {
		return "", err
	}
	s, err := inspect.Decode(strings.NewReader(text))
	if err != nil {
		return "", err
	}
	return p.o.Draw(s)
}

func (l *bridgeLab) bridge() error {
	if err := l.ask(l.host, nil, "bridge", brName); err != nil {
		return err
	}
	if err := l.ask(l.host, nil, "address", brName, brAddr+"/24"); err != nil {
		return err
	}
	return l.step(Step{
		Title: "The host gets a bridge, with the address that is the gateway of the containers",
		Call:  "RTM_NEWLINK bridge br0; RTM_NEWADDR " + brAddr + "/24",
		Same:  []string{"ip link add br0 type bridge", "ip addr add " + brAddr + "/24 dev br0; ip link set br0 up", "docker network create"},
	})
}

// cables connects each container with the bridge.
func (l *bridgeLab) cables() error {
	s := Step{
		Title: "A veth pair for each: one end is eth0 of the container, the other a port of the bridge",
		Call:  "RTM_NEWLINK veth …, IFLA_NET_NS_PID; IFLA_MASTER br0; RTM_NEWADDR; RTM_NEWROUTE default",
		Same: []string{
			fmt.Sprintf("ip link add veth1 type veth peer name eth0 netns %d", l.boxes[0].pid), "ip link set veth1 master br0 up",
			"nsenter -t PID --net ip route add default via " + brAddr,
		},
	}
	if l.o.Without {
		s.Title, s.Call = "A veth pair for each, whose other end is left lying: it is no port of the bridge", "RTM_NEWLINK veth …, without IFLA_MASTER"
		s.Same = s.Same[:1]
	}
	for i, box := range l.boxes {
		name := fmt.Sprintf("veth%d", i+1)
		if err := l.ask(l.host, nil, "veth", name, "eth0", pidText(box)); err != nil {
			return err
		}
		if !l.o.Without {
			if err := l.ask(l.host, nil, "plug", name, brName); err != nil {
				return err
			}
		}
		for _, o := range [][]string{{"up", "lo"}, {"address", "eth0", l.addrs[i] + "/24"}, {"up", "eth0"}, {"default route", brAddr}} {
			if err := l.ask(box, nil, o[0], o[1:]...); err != nil {
				return err
			}
		}
		list, err := l.links(box)
		if err != nil {
			return err
		}
		s.Seen = append(s.Seen, Fact{box.name, "interfaces", list})
	}
	return l.step(s)
}

// resolvers gives each container its own /etc/resolv.conf, as ip-netns(8) does
// with the files of /etc/netns/NAME.
func (l *bridgeLab) resolvers() error {
	const file = "/etc/resolv.conf"
	if !exists(file) {
		l.note("this machine has no %s, so the containers got none of their own", file)
		return nil
	}
	s := Step{
		Title: "Each gets its own resolv.conf, bound over the host's in its mount namespace",
		Call:  "mount(\"/etc/netns/c1/resolv.conf\", \"" + file + "\", MS_BIND)", Same: []string{"ip netns exec c1 cat " + file},
	}
	for i, box := range l.boxes {
		from := filepath.Join(l.dir, box.name+"-resolv.conf")
		if err := l.ask(l.host, nil, "write", from, fmt.Sprintf("nameserver 192.0.2.%d\n", 53+i)); err != nil {
			return err
		}
		if err := l.ask(box, nil, "bind", from, file); err != nil {
			return err
		}
		text, err := l.text(box, "read", file)
		if err != nil {
			return err
		}
		s.Seen = append(s.Seen, Fact{box.name, file, text})
	}
	return l.step(s)
}

// uplink connects the host with the world.
func (l *bridgeLab) uplink() error {
	if err := l.wire(l.host, "uplink", uplinkAddr+"/24", l.world, "eth0", worldAddr+"/24"); err != nil {
		return err
	}
	if err := l.ask(l.host, nil, "default route", worldAddr); err != nil {
		return err
	}
	return l.step(Step{
		Title: "The host gets an uplink to the world, which knows nothing of the containers' subnet",
		Call:  "RTM_NEWLINK veth uplink; RTM_NEWROUTE default via " + worldAddr,
		Same:  []string{fmt.Sprintf("ip link add uplink type veth peer name eth0 netns %d", l.world.pid)},
	})
}

// pings has an actor ping and says what came back.
func (l *bridgeLab) ping(from *actor, to string, tries int) (pong, error) {
	var answer pong
	err := l.ask(from, &answer, "ping", to, strconv.Itoa(tries))
	return answer, err
}

// pingBoxes has the containers ping each other and the gateway.
func (l *bridgeLab) pingBoxes() error {
	tries := 3
	if l.o.Without {
		tries = 1
	}
	s := Step{Title: "The containers ping each other across the bridge, and the gateway", Call: "socket(AF_INET, SOCK_RAW, IPPROTO_ICMP); sendto(echo request)", Same: []string{"ping " + l.addrs[1]}}
	for _, c := range []struct {
		from *actor
		to   string
	}{{l.boxes[0], l.addrs[1]}, {l.boxes[1], l.addrs[0]}, {l.boxes[0], brAddr}} {
		answer, err := l.ping(c.from, c.to, tries)
		if err != nil {
			return err
		}
		s.Seen = append(s.Seen, Fact{c.from.name, "ping " + c.to, answer.String()})
		l.r.Check = append(l.r.Check, Check{"ping " + c.to, c.from.name + ": " + answer.String(), "", answer.Answered})
	}
	return l.step(s)
}

// pingWorld lets packets of the containers out, step by step.
func (l *bridgeLab) pingWorld() error {
	box := l.boxes[0]
	if l.o.Without {
		return l.tryWorld(Step{Title: "Nothing is forwarded and nothing is masqueraded", Call: "this is the control"}, box, 1, true)
	}
	if err := l.tryWorld(Step{
		Title: "The world does not answer: the host is no router yet", Call: "read(\"/proc/sys/net/ipv4/ip_forward\") = 0", Same: []string{"sysctl net.ipv4.ip_forward"},
	}, box, 1, false); err != nil {
		return err
	}
	if err := l.ask(l.host, nil, "ip_forward", "1"); err != nil {
		return err
	}
	if err := l.tryWorld(Step{
		Title: "With forwarding packets get out, but the answer goes to an address that the world has no route to",
		Call:  "write(\"/proc/sys/net/ipv4/ip_forward\", \"1\")", Same: []string{"sysctl -w net.ipv4.ip_forward=1"},
	}, box, 1, false); err != nil {
		return err
	}
	if err := l.ask(l.host, nil, "masquerade", brSubnet, brName); err != nil {
		return err
	}
	return l.tryWorld(Step{
		Title: "With masquerade they carry the address of the host, and the answer finds back",
		Call:  "NFT_MSG_NEWRULE: ip saddr " + brSubnet + " oifname != \"br0\" counter masquerade",
		Same:  []string{"iptables -t nat -A POSTROUTING -s " + brSubnet + " ! -o br0 -j MASQUERADE"},
	}, box, 3, true)
}

// tryWorld pings the world from a container; in the end it counts.
func (l *bridgeLab) tryWorld(s Step, box *actor, tries int, counts bool) error {
	answer, err := l.ping(box, worldAddr, tries)
	if err != nil {
		return err
	}
	s.Seen = append(s.Seen, Fact{box.name, "ping " + worldAddr, answer.String()})
	if counts {
		l.r.Check = append(l.r.Check, Check{"ping " + worldAddr, box.name + ": " + answer.String(), "", answer.Answered})
		var rules []string
		if err := l.ask(l.host, &rules, "rules"); err != nil {
			return err
		}
		for _, r := range rules {
			s.Seen = append(s.Seen, Fact{"host", "rule", r})
		}
	} else if answer.Answered {
		return fmt.Errorf("%s got an answer of the world too early: is a route or a rule inherited", box.name)
	}
	return l.step(s)
}
