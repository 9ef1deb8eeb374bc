package container

import (
	"cmp"
	"net/netip"
	"slices"

	"nsinspect/inspect"
)

// published returns the ports that are published; the API lists those that
// are only exposed too, without a public one.
func (c *apiContainer) published() []inspect.PublishedPort {
	var out []inspect.PublishedPort
	for _, p := range c.Ports {
		if p.PublicPort == 0 {
			continue
		}
		ip, _ := netip.ParseAddr(p.IP)
		out = append(out, inspect.PublishedPort{HostIP: ip, HostPort: p.PublicPort, Port: p.PrivatePort, Protocol: p.Type})
	}
	slices.SortFunc(out, func(a, b inspect.PublishedPort) int {
		return cmp.Or(cmp.Compare(a.Port, b.Port), cmp.Compare(a.Protocol, b.Protocol), a.HostIP.Compare(b.HostIP), cmp.Compare(a.HostPort, b.HostPort))
	})
	return slices.Compact(out)
}

func (c *apiContainer) networks() []inspect.ContainerNetwork {
	var out []inspect.ContainerNetwork
	for name, n := range c.NetworkSettings.Networks {
		v4, _ := netip.ParseAddr(n.IPAddress)
		v6, _ := netip.ParseAddr(n.GlobalIPv6Address)
		out = append(out, inspect.ContainerNetwork{Name: name, ID: n.NetworkID, Addr: v4, Addr6: v6, MAC: n.MacAddress})
	}
	slices.SortFunc(out, func(a, b inspect.ContainerNetwork) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
