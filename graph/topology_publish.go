package graph

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// publication is a published port on its way into the topology.
type publication struct {
	to       *Iface
	port     inspect.PublishedPort
	evidence []string
}

// publish adds the published ports: what the rules of a namespace send to a
// container that hangs on it, and what the engine says it publishes. The same
// port from both is one edge with both as evidence.
func (b *topologyBuilder) publish() {
	var all []*publication
	for _, ns := range b.t.Namespaces {
		n := b.nets[ns.Key]
		if n == nil {
			continue
		}
		for _, d := range dnats(n.Ruleset) {
			if i := b.behind(ns, d.to); i != nil {
				text := PlaceOfRule(d.rule).Tell(RuleText(n.Ruleset, d.rule))
				all = addPublication(all, i, d.published(), text)
			}
		}
	}
	list := b.x.Snapshot().Containers
	for k := range list {
		all = b.publishOf(&list[k], all)
	}
	slices.SortStableFunc(all, func(a, b *publication) int {
		return cmp.Or(cmp.Compare(a.port.HostPort, b.port.HostPort), a.port.HostIP.Compare(b.port.HostIP),
			cmp.Compare(a.port.Protocol, b.port.Protocol))
	})
	for _, p := range all {
		p.to.Published = append(p.to.Published, p.port)
		b.edge(Edge{Kind: EdgePublish, From: b.entrance(p.to, p.port.HostIP), To: p.to.Key, Label: PortLabel(p.port), Evidence: strings.Join(p.evidence, "; ")})
	}
}

// entrance is where packets for a published port come in, of the namespace
// that the container hangs on: the interface with the address that it is
// published at, which is the loopback where it is for the host alone; else the
// uplink, else that namespace itself.
func (b *topologyBuilder) entrance(i *Iface, at netip.Addr) string {
	ns := i.ns
	for _, up := range b.above(i) {
		ns = up.ns
	}
	for _, own := range ns.Interfaces {
		if own.Loopback && at.IsLoopback() || at.IsValid() && own.has(at) {
			return own.Key
		}
	}
	for _, up := range ns.Interfaces {
		if up.Default != "" && ns != i.ns {
			return up.Key
		}
	}
	return ns.Key
}

// publishOf adds what the engine publishes of a container.
func (b *topologyBuilder) publishOf(c *inspect.Container, all []*publication) []*publication {
	p := b.x.Process(c.PID)
	if p == nil || len(c.Ports) == 0 {
		return all
	}
	ns := b.t.spaces[netnsKey(p.NS.Of(inspect.Net))]
	if ns == nil || ns.Kind != NetnsContainer {
		return all
	}
	for _, port := range c.Ports {
		port = everyAddress(port)
		if to := publishedAt(ns, c, all, port); to != nil {
			all = addPublication(all, to, port, fmt.Sprintf("%s publishes it", c.Engine))
		}
	}
	return all
}

// publishedAt is the interface of a container that a published port leads to:
// the one that a rule says, else the one in the first of its networks.
func publishedAt(ns *Netns, c *inspect.Container, all []*publication, port inspect.PublishedPort) *Iface {
	for _, p := range all {
		if p.port == port && p.to.ns == ns {
			return p.to
		}
	}
	for _, n := range c.Networks {
		if i := ns.byAddress(n.Addr, n.Addr6); i != nil {
			return i
		}
	}
	return nil
}

func addPublication(all []*publication, to *Iface, port inspect.PublishedPort, evidence string) []*publication {
	for _, p := range all {
		if p.to == to && p.port == port {
			if !slices.Contains(p.evidence, evidence) {
				p.evidence = append(p.evidence, evidence)
			}
			return all
		}
	}
	return append(all, &publication{to, port, []string{evidence}})
}

// everyAddress writes "all addresses" in one way: the engine lists them for
// IPv4 and IPv6 apart.
func everyAddress(p inspect.PublishedPort) inspect.PublishedPort {
	if p.HostIP.IsUnspecified() {
		p.HostIP = netip.Addr{}
	}
	return p
}

// published is what a rule publishes.
func (d *dnat) published() inspect.PublishedPort {
	p := inspect.PublishedPort{HostIP: d.hostIP, HostPort: d.hostPort, Port: d.toPort, Protocol: d.protocol}
	if p.Port == 0 {
		p.Port = p.HostPort
	}
	return everyAddress(p)
}

// PortLabel is a published port as in "8080→80/tcp", with the host's address
// where it is not all of them. A port or protocol that a rule leaves open is
// "any".
func PortLabel(p inspect.PublishedPort) string {
	word := func(n uint16) string {
		if n == 0 {
			return "any"
		}
		return fmt.Sprint(n)
	}
	host, protocol := word(p.HostPort), p.Protocol
	if p.HostIP.IsValid() && !p.HostIP.IsUnspecified() {
		host = net.JoinHostPort(p.HostIP.String(), host)
	}
	if protocol == "" {
		protocol = "any"
	}
	return host + "→" + word(p.Port) + "/" + protocol
}

// behind returns the interface with this address that hangs on host: two
// bridges can lead to equal addresses, then it is not known which is meant.
func (b *topologyBuilder) behind(host *Netns, addr netip.Addr) *Iface {
	var found *Iface
	for _, i := range b.byAddr[addr] {
		if !slices.ContainsFunc(b.above(i), func(p *Iface) bool { return p.ns == host }) {
			continue
		}
		if found != nil {
			return nil
		}
		found = i
	}
	return found
}
