package demo

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// runNet shows a network namespace, and how it gets a connection.
func runNet(p *play) error {
	out, err := p.outside("outside")
	if err != nil {
		return err
	}
	if err := p.ask(out, nil, "up", "lo"); err != nil {
		return err
	}
	port, err := p.text(out, "listen")
	if err != nil {
		return err
	}
	if err := p.stands(out, "a network", Fact{"outside", "listens on", port}); err != nil {
		return err
	}
	in, err := p.start("inside", p.beside(out, p.e.Kinds))
	if err != nil {
		return err
	}
	p.shell = in
	if err := p.emptyNetwork(in, out, port); err != nil || p.o.Without {
		return err
	}
	if err := p.pair(in, out); err != nil {
		return err
	}
	return p.pairGoes(in, out)
}

// links asks an actor for its interfaces, in one line.
func (p *play) links(a *actor) (string, error) {
	var list []string
	err := p.ask(a, &list, "links")
	return strings.Join(list, ", "), err
}

// emptyNetwork compares a new network namespace with the old one.
func (p *play) emptyNetwork(in, out *actor, port string) error {
	if err := p.checkLinks(in, out, p.e.Kinds); err != nil {
		return err
	}
	inside, err := p.links(in)
	if err != nil {
		return err
	}
	outside, err := p.links(out)
	if err != nil {
		return err
	}
	p.check("interfaces", inside, outside)
	if err := p.ask(in, nil, "up", "lo"); err != nil {
		return err
	}
	fromIn, err := p.text(in, "connect", port)
	if err != nil {
		return err
	}
	fromOut, err := p.text(out, "connect", port)
	if err != nil {
		return err
	}
	p.check("port "+port, fromIn, fromOut)
	call, same := p.made(p.e.Kinds)
	for i := range same {
		same[i] += []string{" -- ip addr", " ip addr"}[i]
	}
	return p.step(Step{
		Title: "A new network namespace has a loopback, turned off, and nothing else", Call: call, Same: same, Plan: in.plan,
		Seen: []Fact{
			{"inside", "interfaces", inside},
			{"outside", "interfaces", outside},
			{"inside", "connect to " + port, fromIn},
			{"outside", "connect to " + port, fromOut},
		},
	})
}

// wire makes a pair of interfaces between two actors and gives both ends an
// address.
func (p *play) wire(a *actor, name, addr string, b *actor, peer, peerAddr string) error {
	if err := p.ask(a, nil, "veth", name, peer, pidText(b)); err != nil {
		return err
	}
	if err := p.ask(a, nil, "address", name, addr); err != nil {
		return err
	}
	if err := p.ask(b, nil, "address", peer, peerAddr); err != nil {
		return err
	}
	if err := p.ask(b, nil, "up", peer); err != nil {
		return err
	}
	return p.ask(b, nil, "await up", peer)
}

// pair connects the two sides and has them ping each other.
func (p *play) pair(in, out *actor) error {
	if err := p.wire(out, "demo0", "10.66.0.1/24", in, "eth0", "10.66.0.2/24"); err != nil {
		return err
	}
	inside, err := p.links(in)
	if err != nil {
		return err
	}
	outside, err := p.links(out)
	if err != nil {
		return err
	}
	var there, back pong
	if err := p.ask(in, &there, "ping", "10.66.0.1", "3"); err != nil {
		return err
	}
	if err := p.ask(out, &back, "ping", "10.66.0.2", "3"); err != nil {
		return err
	}
	p.r.Check = append(p.r.Check, Check{"ping across a veth pair", there.String(), back.String(), there.Answered && back.Answered})
	return p.step(Step{
		Title: "A veth pair connects the two: what goes in at one end comes out at the other",
		Call:  fmt.Sprintf("RTM_NEWLINK veth demo0, peer eth0, IFLA_NET_NS_PID %d; RTM_NEWADDR …", in.pid),
		Same: []string{
			fmt.Sprintf("ip link add demo0 type veth peer name eth0 netns %d", in.pid),
			"ip addr add 10.66.0.1/24 dev demo0; ip link set demo0 up", fmt.Sprintf("nsinspect links %d", in.pid),
		},
		Seen: []Fact{
			{"inside", "interfaces", inside},
			{"outside", "interfaces", outside},
			{"inside", "eth0@ifN means", "the other end has number N, in the other namespace: nsinspect links tells which"},
			{"inside", "ping 10.66.0.1", there.String()},
			{"outside", "ping 10.66.0.2", back.String()},
		},
	})
}

// pairGoes wires two namespaces directly and ends one of them.
func (p *play) pairGoes(in, out *actor) error {
	second, err := p.start("second", p.beside(out, p.e.Kinds))
	if err != nil {
		return err
	}
	if err := p.wire(in, "pair0", "10.67.0.1/24", second, "pair1", "10.67.0.2/24"); err != nil {
		return err
	}
	var there pong
	if err := p.ask(in, &there, "ping", "10.67.0.2", "3"); err != nil {
		return err
	}
	list, err := p.links(second)
	if err != nil {
		return err
	}
	if !there.Answered {
		return fmt.Errorf("no answer across the pair of two namespaces: %s", there.Why)
	}
	if err := p.step(Step{
		Title: "A pair can also join two namespaces without the host between",
		Call:  fmt.Sprintf("RTM_NEWLINK veth pair0, peer pair1, IFLA_NET_NS_PID %d", second.pid), Plan: second.plan,
		Same: []string{fmt.Sprintf("nsinspect enter -p %d --net -- ip link add pair0 type veth peer name pair1 netns %d", in.pid, second.pid)},
		Seen: []Fact{{"second", "interfaces", list}, {"inside", "ping 10.67.0.2", there.String()}},
	}); err != nil {
		return err
	}
	second.stop()
	list, err = p.without(in, "pair0")
	if err != nil {
		return err
	}
	return p.step(Step{
		Title: "The process of the second namespace ends: its namespace goes, and both ends of the pair",
		Call:  "exit()", Seen: []Fact{{"inside", "interfaces", list}},
	})
}

// without waits until an actor has no interface of that name. The kernel
// clears a network namespace a little after its last holder has gone.
func (p *play) without(a *actor, name string) (string, error) {
	const limit, pause = 5 * time.Second, 20 * time.Millisecond
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for start := time.Now(); time.Since(start) < limit; {
		var list []string
		if err := p.ask(a, &list, "links"); err != nil {
			return "", err
		}
		if !slices.ContainsFunc(list, func(l string) bool { return strings.Contains(l, " "+name+"@") }) {
			return strings.Join(list, ", "), nil
		}
		select {
		case <-p.ctx.Done():
			return "", p.ctx.Err()
		case <-tick.C:
		}
	}
	return "", fmt.Errorf("interface %s is still there %v after the namespace of its peer", name, limit)
}
