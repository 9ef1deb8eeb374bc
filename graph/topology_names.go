package graph

import (
	"fmt"

	"nsinspect/inspect"
)

// describe names a network namespace that is known by its inode.
func (b *topologyBuilder) describe(id inspect.ID) *Netns {
	ns := &Netns{Key: netnsKey(id), NS: id.Ino, Dev: id.Dev, Names: b.x.Names(id)}
	owners := b.x.ContainersOf(id)
	for _, c := range append(owners[:len(owners):len(owners)], b.containers[id]...) {
		if name := nameOf(c); !contains(ns.Containers, name) {
			ns.Containers = append(ns.Containers, name)
		}
	}
	if p := b.x.Lead(id); p != nil {
		ns.Lead = leadOf(b.x, p)
	}
	// A container in a namespace whose oldest process is in none shares it.
	own := id == b.x.Own(inspect.Net)
	switch {
	case own && len(owners) == 0:
		ns.Kind, ns.Title = NetnsHost, "host"
	case len(owners) > 0 && !own:
		ns.Kind, ns.Title = NetnsContainer, ns.Containers[0].Name
		ns.Service = b.service(ns.Containers[0].ID)
	case own:
		ns.Kind, ns.Title = NetnsHost, ns.Containers[0].Name
	case len(ns.Names) > 0:
		ns.Kind, ns.Title = NetnsNamed, ns.Names[0]
	case ns.Lead != nil:
		ns.Kind, ns.Title = NetnsProcess, processTitle(ns.Lead)
	default:
		ns.Kind, ns.Title = NetnsBare, ns.Key
	}
	return ns
}

func contains(list []ContainerName, c ContainerName) bool {
	for _, o := range list {
		if o.ID == c.ID {
			return true
		}
	}
	return false
}

func processTitle(l *Lead) string {
	if l.Command == nil {
		return fmt.Sprintf("pid %d", l.PID)
	}
	return fmt.Sprintf("%s (pid %d)", *l.Command, l.PID)
}

// service is the compose project and service of a container.
func (b *topologyBuilder) service(id string) string {
	c := b.x.Container(id)
	if c == nil || c.Service() == "" {
		return ""
	}
	if c.Project() == "" {
		return c.Service()
	}
	return c.Project() + "/" + c.Service()
}

// describeDark names a network namespace that is known by number only.
func (b *topologyBuilder) describeDark(n *inspect.Network) *Netns {
	ns := &Netns{Key: darkKey(n.Dark), Kind: NetnsDark}
	if n.Via != nil {
		ns.Via = b.nsidOf(b.t.spaces[netnsKey(n.Via.NS)], n.Via.NSID)
		ns.Title = fmt.Sprintf("unknown netns (%s)", ns.Via)
	} else {
		ns.Title = fmt.Sprintf("unknown netns %d", n.Dark)
	}
	return ns
}

// nsidOf says which number a namespace has for another.
func (b *topologyBuilder) nsidOf(ns *Netns, nsid int32) string {
	if ns == nil || ns.Kind == NetnsHost {
		return fmt.Sprintf("nsid %d", nsid)
	}
	return fmt.Sprintf("nsid %d of %s", nsid, ns.Title)
}
