package path

import (
	"fmt"
	"slices"

	"nsinspect/inspect"
)

// Concerned are the namespaces that a packet is to be looked for in: those of
// its way there and back, and the one that has the address it goes to.
func Concerned(x *inspect.Index, r *Report) (out []inspect.ID) {
	nets := x.Snapshot().Networks
	byKey := map[string]inspect.ID{}
	for i := range nets {
		byKey[netnsKey(nets[i].NS)] = nets[i].NS
	}
	add := func(id inspect.ID, ok bool) {
		if ok && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	dst := r.Packet.Dst
	for _, l := range r.legs() {
		for _, s := range l.Steps {
			id, ok := byKey[s.Netns]
			add(id, ok)
			if s.After != nil && l == &r.Forward {
				dst = s.After.Dst
			}
		}
	}
	var owners []inspect.ID
	for i := range nets {
		if nets[i].Dark == 0 && owns(&nets[i], dst) && !dst.IsLoopback() {
			owners = append(owners, nets[i].NS)
		}
	}
	next := neighbours(nets, out)
	for _, id := range owners { // of several, those that a link leads to
		add(id, len(owners) == 1 || slices.Contains(next, id))
	}
	return out
}

// neighbours are the namespaces that interfaces of others lead to.
func neighbours(nets []inspect.Network, of []inspect.ID) (out []inspect.ID) {
	for i := range nets {
		n := &nets[i]
		if !slices.Contains(of, n.NS) {
			continue
		}
		for k := range n.Interfaces {
			if nsid := n.Interfaces[k].LinkNSID; nsid != nil {
				if id, _, ok := n.Peer(*nsid); ok {
					out = append(out, id)
				}
			}
		}
	}
	return out
}

func (r *Report) legs() []*Leg {
	if r.Reply == nil {
		return []*Leg{&r.Forward}
	}
	return []*Leg{&r.Forward, r.Reply}
}

func netnsKey(id inspect.ID) string { return fmt.Sprintf("net:[%d]", id.Ino) }
