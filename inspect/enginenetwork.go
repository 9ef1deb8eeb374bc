package inspect

import (
	"cmp"
	"net/netip"
)

// EngineNetwork is a network as a container engine was asked to make it, see
// docker-network-create(1). What the kernel has of it is in [Network].
type EngineNetwork struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Engine string `json:"engine"` // docker or podman
	// Driver is bridge, host, none, macvlan, ipvlan, overlay or that of a plugin.
	Driver string `json:"driver,omitempty"`
	// Internal says that it is to have no way out (--internal).
	Internal bool `json:"internal,omitempty"`
	// IPv6 says that it was made with --ipv6.
	IPv6    bool           `json:"ipv6,omitempty"`
	Subnets []netip.Prefix `json:"subnets,omitempty"`
	// Options are those of the driver that say how it is wired, such as
	// com.docker.network.bridge.enable_ip_masquerade.
	Options map[string]string `json:"options,omitempty"`
}

// Bridge is the name of the bridge that a network of the driver bridge has on
// the host; "" where it cannot be told. Docker calls it after the id unless it
// is told a name.
func (n *EngineNetwork) Bridge() string {
	switch name := n.Options["com.docker.network.bridge.name"]; {
	case n.Driver != "bridge" || name != "":
		return name
	case n.Engine == "docker" && len(n.ID) >= 12:
		return "br-" + n.ID[:12]
	}
	return ""
}

// Masquerades reports whether the engine translates the addresses of what
// leaves the network over IPv4, and over IPv6 where six is set.
func (n *EngineNetwork) Masquerades(six bool) bool {
	mode := n.Options["com.docker.network.bridge.gateway_mode_ipv4"]
	if six {
		mode = n.Options["com.docker.network.bridge.gateway_mode_ipv6"]
	}
	return !n.Internal && (mode == "" || mode == "nat" || mode == "nat-unprotected") &&
		n.Options["com.docker.network.bridge.enable_ip_masquerade"] != "false"
}

func compareEngineNetworks(a, b *EngineNetwork) int { return cmp.Compare(a.ID, b.ID) }
