package container

import (
	"context"
	"errors"
	"net/netip"
	"strings"

	"nsinspect/inspect"
)

// Networks asks all engines for their networks, stopped or not, and returns
// when the last has answered or the time is over. An engine that does not
// answer is a problem, as it is of Containers.
func (e *engines) Networks(ctx context.Context) ([]inspect.EngineNetwork, []inspect.Problem) {
	list, problems := askAll(ctx, e, endpoint.networks)
	return union(list, func(n *inspect.EngineNetwork) string { return n.ID }), problems
}

// apiNetwork is one element of the answer to GET /networks, see "List
// networks" of the Docker Engine API.
type apiNetwork struct {
	ID         string `json:"Id"`
	Name       string
	Driver     string
	Internal   bool
	EnableIPv6 bool
	Options    map[string]string
	IPAM       struct {
		Config []struct{ Subnet string }
	}
}

func (p endpoint) networks(ctx context.Context) ([]inspect.EngineNetwork, error) {
	var list []inspect.EngineNetwork
	err := p.list(ctx, "networks", func(r *response) error {
		engine := engineOf(r.header, p.engine)
		return decodeList(ctx, r.body, func(n *apiNetwork) error {
			if n.ID == "" {
				return errors.New("a network without id")
			}
			list = append(list, n.network(engine))
			return nil
		})
	})
	return list, err
}

func (n *apiNetwork) network(engine string) inspect.EngineNetwork {
	out := inspect.EngineNetwork{
		ID: n.ID, Name: n.Name, Engine: engine, Driver: n.Driver, Internal: n.Internal, IPv6: n.EnableIPv6,
	}
	for _, c := range n.IPAM.Config {
		if p, err := netip.ParsePrefix(c.Subnet); err == nil {
			out.Subnets = append(out.Subnets, p)
		}
	}
	for key, value := range n.Options {
		if keepOption(key) {
			if out.Options == nil {
				out.Options = map[string]string{}
			}
			out.Options[key] = clip(value)
		}
	}
	return out
}

// keepOption reports whether an option says how a network is wired. Those of
// plugins can hold passwords.
func keepOption(key string) bool {
	return key == "parent" || key == "macvlan_mode" || key == "ipvlan_mode" || strings.HasPrefix(key, "com.docker.network.")
}
