package demo

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// doNet is about networks. All of it happens in the actor's own network
// namespace.
func doNet(act string, arg func(int) string) (v any, err error, ok bool) { //nolint:revive // see doProcess
	switch act {
	case "links":
		v, err = listLinks()
	case "veth":
		err = addVeth(arg(0), arg(1), arg(2))
	case "bridge":
		err = addBridge(arg(0))
	case "plug":
		err = plug(arg(0), arg(1))
	case "address":
		err = addAddress(arg(0), arg(1))
	case "up":
		err = on(arg(0), netlink.LinkSetUp)
	case "await up":
		err = awaitUp(arg(0))
	case "default route":
		err = netlink.RouteAdd(&netlink.Route{Gw: net.ParseIP(arg(0))})
	case "ip_forward":
		err = os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte(arg(0)), 0)
	case "masquerade":
		err = masquerade(arg(0), arg(1))
	case "rules":
		v, err = natRules()
	case "ping":
		v, err = ping(net.ParseIP(arg(0)), arg(1))
	case "listen":
		v, err = listen()
	case "connect":
		v = connect(arg(0))
	default:
		return nil, nil, false
	}
	return v, err, true
}

// listLinks lists the interfaces as ip(8) names them: "eth0@if85 UP
// 10.0.0.2/24".
func listLinks() ([]string, error) {
	links, err := netlink.LinkList()
	if err != nil {
		return nil, err
	}
	slices.SortFunc(links, func(a, b netlink.Link) int { return a.Attrs().Index - b.Attrs().Index })
	list := []string{}
	for _, l := range links {
		a := l.Attrs()
		name := a.Name
		if l.Type() == "veth" {
			name += "@if" + strconv.Itoa(a.ParentIndex)
		}
		state := "DOWN"
		if a.Flags&net.FlagUp != 0 {
			state = "UP"
		}
		words := []string{strconv.Itoa(a.Index) + ":", name, state}
		addrs, err := netlink.AddrList(l, netlink.FAMILY_V4)
		if err != nil {
			return nil, err
		}
		for _, ip := range addrs {
			words = append(words, ip.IPNet.String())
		}
		list = append(list, strings.Join(words, " "))
	}
	return list, nil
}

// addVeth makes a pair of interfaces, one end here and one in the namespace of
// a process; see veth(4). The pair goes when one of its namespaces goes.
func addVeth(name, peer, pid string) error {
	n, err := strconv.Atoi(pid)
	if err != nil {
		return err
	}
	a := netlink.NewLinkAttrs()
	a.Name = name
	err = netlink.LinkAdd(&netlink.Veth{LinkAttrs: a, PeerName: peer, PeerNamespace: netlink.NsPid(n)})
	if err != nil {
		return fmt.Errorf("add the pair %s and %s: %w", name, peer, err)
	}
	return on(name, netlink.LinkSetUp)
}

func addBridge(name string) error {
	a := netlink.NewLinkAttrs()
	a.Name = name
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: a}); err != nil {
		return fmt.Errorf("add bridge %s: %w", name, err)
	}
	return on(name, netlink.LinkSetUp)
}

// plug makes an interface a port of a bridge.
func plug(name, bridge string) error {
	return on(bridge, func(br netlink.Link) error {
		return on(name, func(l netlink.Link) error { return netlink.LinkSetMaster(l, br) })
	})
}

func addAddress(name, cidr string) error {
	addr, err := netlink.ParseAddr(cidr)
	if err != nil {
		return err
	}
	return on(name, func(l netlink.Link) error { return netlink.AddrAdd(l, addr) })
}

func on(name string, do func(netlink.Link) error) error {
	l, err := netlink.LinkByName(name)
	if err == nil {
		err = do(l)
	}
	if err != nil {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	return nil
}

// awaitUp waits until the kernel has noticed that an interface has a carrier.
func awaitUp(name string) error {
	const tries, pause = 500, 10 // milliseconds
	for range tries {
		up := false
		err := on(name, func(l netlink.Link) error {
			up = l.Attrs().OperState == netlink.OperUp
			return nil
		})
		if err != nil || up {
			return err
		}
		_, _ = unix.Poll(nil, pause)
	}
	return fmt.Errorf("interface %s has no carrier", name)
}

// listen listens on a port of 127.0.0.1 that the kernel chooses, for as long
// as the process lives.
func listen() (string, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return "", os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return "", os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, 1); err != nil {
		return "", os.NewSyscallError("listen", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return "", os.NewSyscallError("getsockname", err)
	}
	return fmt.Sprintf("127.0.0.1:%d", name.(*unix.SockaddrInet4).Port), nil
}

// connect says whether somebody listens on an address.
func connect(addr string) string {
	c, err := net.DialTimeout("tcp4", addr, time.Second)
	if err != nil {
		return "refused"
	}
	c.Close()
	return "connects"
}
