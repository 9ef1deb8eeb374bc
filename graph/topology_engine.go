package graph

import (
	"slices"

	"nsinspect/inspect"
)

// Engine is the network of a container engine that a bridge, or what a
// macvlan lies on, makes up; nil where no engine told of one.
func (i *Iface) Engine() *inspect.EngineNetwork { return i.engine }

// engineNetwork returns the engine's network with an id, nil when it was not
// told of.
func (b *topologyBuilder) engineNetwork(id string) *inspect.EngineNetwork {
	list := b.x.Snapshot().EngineNetworks
	k, ok := slices.BinarySearchFunc(list, id, func(n inspect.EngineNetwork, id string) int {
		switch {
		case n.ID < id:
			return -1
		case n.ID > id:
			return 1
		}
		return 0
	})
	if !ok {
		return nil
	}
	return &list[k]
}

// emptyNetworks names the bridges of networks that no container is in, by
// what the engine calls them.
func (b *topologyBuilder) emptyNetworks() {
	list := b.x.Snapshot().EngineNetworks
	for k := range list {
		if n := &list[k]; n.Bridge() != "" && !b.found(n) {
			if i := b.bridgeOf(n); i != nil {
				i.engine = n
				if i.Network == "" {
					i.Network = n.Name
				}
			}
		}
	}
}

// found reports whether the containers of a network told which bridge it is.
func (b *topologyBuilder) found(n *inspect.EngineNetwork) bool {
	for _, i := range b.t.ifaces {
		if i.engine == n && i.Kind == "bridge" {
			return true
		}
	}
	return false
}

// bridgeOf returns the bridge of a network by its name. Of several with that
// name, as where Docker runs in Docker, the observer's is meant.
func (b *topologyBuilder) bridgeOf(n *inspect.EngineNetwork) *Iface {
	var all []*Iface
	for _, ns := range b.t.Namespaces {
		for _, i := range ns.Interfaces {
			if i.Kind == "bridge" && i.Name == n.Bridge() && i.engine == nil {
				if ns.Kind == NetnsHost {
					return i
				}
				all = append(all, i)
			}
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return nil
}

// closed reports whether nothing is meant to leave a bridge by its host: its
// network is internal, or nobody on it has a default route.
func (b *topologyBuilder) closed(i *Iface) bool {
	if i.engine != nil {
		return i.engine.Internal
	}
	stations := 0
	for _, port := range i.ns.Interfaces {
		if port.facts == nil || port.facts.Master != i.IfIndex {
			continue
		}
		for _, s := range b.above(port) {
			n := b.nets[s.ns.Key]
			if s.ns == i.ns || n == nil || !n.Has(inspect.FactRoutes) && !n.Has(inspect.FactGateways) || len(defaultRoutes(n)) > 0 {
				return false
			}
			stations++
		}
	}
	return stations > 0
}
