// Package netlab builds small networks of namespaces for tests: everything is
// made in namespaces of its own and goes with them.
package netlab

import (
	"os"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest"
	"nsinspect/inspect/live/nsfs"
)

// NS is a network namespace that an open file of the test holds.
type NS struct {
	t      testing.TB
	FD     int
	ID     inspect.ID
	legacy bool // its rules are those of the older iptables
}

// New makes a network namespace with lo up. It goes with the test.
func New(t testing.TB) *NS {
	t.Helper()
	livetest.Root(t)
	n := &NS{t: t, FD: -1}
	n.onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("unshare", err)
		}
		fd, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		n.FD = fd
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	return n.opened()
}

// Own is the network namespace of the test itself, which it may change in a
// sandbox only.
func Own(t testing.TB) *NS {
	t.Helper()
	fd, err := unix.Open("/proc/self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return (&NS{t: t, FD: fd}).opened()
}

func (n *NS) opened() *NS {
	n.t.Helper()
	n.t.Cleanup(n.Close)
	var st unix.Stat_t
	if err := unix.Fstat(n.FD, &st); err != nil {
		n.t.Fatal(err)
	}
	n.ID = inspect.ID{Dev: st.Dev, Ino: st.Ino}
	return n
}

// Close lets go of the namespace. It may live on by what else holds it.
func (n *NS) Close() {
	if n.FD >= 0 {
		unix.Close(n.FD)
		n.FD = -1
	}
}

// onThread calls do on a thread that ends with it.
func (n *NS) onThread(do func() error) {
	n.t.Helper()
	if err := nsfs.OnThread(do); err != nil {
		n.t.Fatal(err)
	}
}

// Do calls do on a thread in the namespace.
func (n *NS) Do(do func() error) {
	n.t.Helper()
	n.onThread(func() error {
		if err := unix.Setns(n.FD, unix.CLONE_NEWNET); err != nil {
			return os.NewSyscallError("setns", err)
		}
		return do()
	})
}

// Open returns a further descriptor of the namespace.
func (n *NS) Open() (int, error) {
	return unix.FcntlInt(uintptr(n.FD), unix.F_DUPFD_CLOEXEC, 0)
}

// Add adds an interface, up. The kernel says which kinds it lacks.
func (n *NS) Add(l netlink.Link) {
	n.t.Helper()
	n.Do(func() error {
		if err := netlink.LinkAdd(l); err != nil {
			if err == unix.EOPNOTSUPP {
				n.t.Logf("kernel has no %s", l.Type())
			}
			return err
		}
		return netlink.LinkSetUp(l)
	})
}

// Veth adds a pair with one end here and one in peer, both up.
func (n *NS) Veth(name string, peer *NS, peerName string) {
	n.t.Helper()
	l := &netlink.Veth{
		LinkAttrs: attrs(name), PeerName: peerName,
		PeerNamespace: netlink.NsFd(peer.FD),
	}
	n.Add(l)
	peer.Up(peerName)
}

// Bridge adds a bridge, up, with the named interfaces in it.
func (n *NS) Bridge(name string, ports ...string) {
	n.t.Helper()
	n.Add(&netlink.Bridge{LinkAttrs: attrs(name)})
	n.Do(func() error {
		br, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		for _, p := range ports {
			l, err := netlink.LinkByName(p)
			if err != nil {
				return err
			}
			if err := netlink.LinkSetMaster(l, br); err != nil {
				return err
			}
		}
		return nil
	})
}

// On calls do with an interface of the namespace, on a thread in it.
func (n *NS) On(name string, do func(netlink.Link) error) {
	n.t.Helper()
	n.Do(func() error {
		l, err := netlink.LinkByName(name)
		if err != nil {
			return err
		}
		return do(l)
	})
}

// Up turns an interface on.
func (n *NS) Up(name string) { n.On(name, netlink.LinkSetUp) }

// Addr gives an interface an address, such as "10.0.0.1/24".
func (n *NS) Addr(name, cidr string) {
	n.t.Helper()
	n.On(name, func(l netlink.Link) error {
		a, err := netlink.ParseAddr(cidr)
		if err != nil {
			return err
		}
		if strings.Contains(cidr, ":") {
			a.Flags = unix.IFA_F_NODAD
		}
		return netlink.AddrAdd(l, a)
	})
}

// Move moves an interface to another namespace and turns it on there.
func (n *NS) Move(name string, to *NS) {
	n.t.Helper()
	n.On(name, func(l netlink.Link) error { return netlink.LinkSetNsFd(l, to.FD) })
	to.Up(name)
}

// On top of another interface.

// Macvlan adds a macvlan, or macvtap, on parent.
func (n *NS) Macvlan(name, parent string, tap bool) {
	n.t.Helper()
	n.On(parent, func(p netlink.Link) error {
		a := attrs(name)
		a.ParentIndex = p.Attrs().Index
		m := netlink.Macvlan{LinkAttrs: a, Mode: netlink.MACVLAN_MODE_BRIDGE}
		var l netlink.Link = &m
		if tap {
			l = &netlink.Macvtap{Macvlan: m}
		}
		return netlink.LinkAdd(l)
	})
}

// Tun adds a persistent tun, or tap.
func (n *NS) Tun(name string, tap bool) {
	n.t.Helper()
	mode := netlink.TUNTAP_MODE_TUN
	if tap {
		mode = netlink.TUNTAP_MODE_TAP
	}
	n.Add(&netlink.Tuntap{LinkAttrs: attrs(name), Mode: mode})
}

// attrs are the common attributes of a new interface.
func attrs(name string) netlink.LinkAttrs {
	a := netlink.NewLinkAttrs()
	a.Name = name
	return a
}
