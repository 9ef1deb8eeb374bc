package wire

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"nsinspect/inspect"
)

// Options say what to read.
type Options struct {
	// Facts are the sorts to read; others than those of network namespaces
	// are ignored. Nothing is read without FactNetwork.
	Facts inspect.Facts
	// Sources are the network namespaces, each once.
	Sources []Source
	// Own is the observer's network namespace, which needs no privilege.
	Own inspect.ID
	// ProcRoot is where proc is mounted.
	ProcRoot string
	// PIDs are the processes of which FactPorts, FactConnections and FactServers
	// read the open files.
	PIDs []int
	// Denied is the hint of a Problem about a missing privilege; "": to be root.
	Denied string
}

// Facts are those that Collect can read.
const Facts = inspect.FactNetwork | inspect.FactRoutes | inspect.FactNeighbors | inspect.FactNetConf |
	inspect.FactNetfilter | inspect.FactPorts | inspect.FactConnections | inspect.FactServers | inspect.FactGateways

// Collect reads the network namespaces. One that went meanwhile is said to be
// gone; what could not be read is a Problem.
func Collect(ctx context.Context, o Options) ([]inspect.Network, []inspect.Problem) {
	bugs := &faults{total: len(o.Sources), denied: cmp.Or(o.Denied, "run as root (sudo nsinspect …)")}
	if !o.Facts.Has(inspect.FactNetwork) || len(o.Sources) == 0 {
		return nil, nil
	}
	rooms := visitAll(ctx, &o, bugs)
	defer closeAll(rooms)
	if err := ctx.Err(); err != nil {
		bugs.add("read network namespaces", inspect.ID{}, err)
	}
	for _, r := range rooms {
		bugs.addRoom(r)
	}
	dark := settle(&o, rooms, bugs)
	nets := assemble(rooms, dark)
	if o.Facts&(inspect.FactPorts|inspect.FactConnections|inspect.FactServers) != 0 {
		findHolders(ctx, &o, nets, bugs)
	}
	return nets, bugs.problems()
}

// rounds is how often links that do not point at each other are read again.
const rounds = 3

// settle traces every nsid, and reads again what changed meanwhile.
func settle(o *Options, rooms []*room, bugs *faults) []*dark {
	v := newResolver(rooms)
	v.resolveAll()
	again := &visitor{o: o, bugs: bugs, buf: make([]byte, bufSize), netDir: -1}
	for range rounds {
		bad := v.lopsided()
		if len(bad) == 0 {
			break
		}
		for _, r := range bad {
			again.readAgain(r)
		}
		v.refresh()
		for _, r := range bad {
			v.resolve(r)
		}
	}
	for _, r := range v.lopsided() {
		r.net.Torn = true
	}
	c := &crawler{v: v, again: again, bugs: bugs}
	c.crawl()
	return c.all
}

// assemble returns the networks in the order of the snapshot.
func assemble(rooms []*room, darks []*dark) []inspect.Network {
	nets := make([]inspect.Network, 0, len(rooms)+len(darks))
	for _, r := range rooms {
		if errors.Is(r.err, errGone) {
			nets = append(nets, inspect.Network{NS: r.src.ID, Gone: true, Facts: []string{}})
		}
		if !r.entered {
			continue
		}
		r.net.NSIDs = r.nsidFacts()
		slices.SortFunc(r.net.NSIDs, func(a, b inspect.NSID) int { return cmp.Compare(a.NSID, b.NSID) })
		nets = append(nets, r.net)
	}
	slices.SortFunc(nets, func(a, b inspect.Network) int { return a.NS.Compare(b.NS) })
	for _, d := range darks {
		nets = append(nets, d.finish())
	}
	for i := range nets {
		tidy(&nets[i])
	}
	return nets
}

// tidy sorts what the kernel lists in no order of its own.
func tidy(n *inspect.Network) {
	slices.SortStableFunc(n.Interfaces, func(a, b inspect.Interface) int { return cmp.Compare(a.Index, b.Index) })
	slices.SortStableFunc(n.Neighbors, func(a, b inspect.Neighbor) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), a.Addr.Compare(b.Addr))
	})
	slices.SortStableFunc(n.Forwarding, func(a, b inspect.FDBEntry) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Address, b.Address), cmp.Compare(a.VLAN, b.VLAN), cmp.Compare(a.Master, b.Master))
	})
	slices.SortStableFunc(n.Sockets, compareSockets)
}

func compareSockets(a, b inspect.Socket) int {
	return cmp.Or(cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Family, b.Family),
		a.Local.Compare(b.Local), a.Remote.Compare(b.Remote), cmp.Compare(a.Inode, b.Inode))
}

func closeAll(rooms []*room) {
	for _, r := range rooms {
		r.close()
	}
}
