package doctor

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"nsinspect/graph"
	"nsinspect/inspect"
)

func leakChecks() []Check {
	return []Check{
		{
			ID: "leaked-netns", Title: "a network namespace outlived its container and keeps its interfaces", Severity: Warning,
			About: "No process is in it, and something else holds it: a mount of the engine, an open file, a socket. Reported for a network namespace that is still plugged into a bridge, and for what Docker left mounted under /run/docker/netns. " +
				"Namespaces that ip-netns(8) named are meant to have no process.",
			Reference: "nsinspect why", Needs: inspect.FactNetwork | inspect.FactOwners | inspect.FactNames,
			Also: inspect.FactsHolders, suspect: abandoned, run: leakedNetns,
		},
		{
			ID: "stale-netns-name", Title: "a file among the names of network namespaces has no namespace", Severity: Warning,
			About: "A plain file or a dangling link under /run/netns or /run/docker/netns: ip netns fails on it, and an engine may not reuse the name. Left behind by a crash or when /run was copied. " +
				"Not reported where a namespace is mounted on it in another mount namespace.",
			Reference: "ip-netns(8)", Needs: inspect.FactNames,
			Also: inspect.FactBinds, suspect: hasStale, run: staleNames,
		},
	}
}

// abandoned reports whether a network namespace has no process and is plugged
// into a bridge, or has a name that is Docker's.
func abandoned(w *world) bool {
	return slices.ContainsFunc(w.spaces, func(sp *space) bool {
		if len(w.x.Members(sp.NS)) > 0 || w.named(sp) {
			return false
		}
		return sp.plugged() != nil || w.engineName(sp) != ""
	})
}

// named reports whether somebody named a namespace so that it stays, as
// ip-netns(8) does. What engines name is not meant.
func (w *world) named(sp *space) bool {
	return slices.ContainsFunc(w.refs(sp), func(r inspect.Ref) bool {
		return !strings.HasPrefix(r.Name, "cni-") && !strings.HasPrefix(r.Name, "netns-") && (kept(r.Name) || !ofDocker(r))
	})
}

// engineName is the path of the name that Docker gave a namespace; "" for
// none.
func (w *world) engineName(sp *space) string {
	for _, r := range w.refs(sp) {
		if ofDocker(r) && !kept(r.Name) {
			return r.Path
		}
	}
	return ""
}

// refs are the mounts of a namespace that have a name.
func (w *world) refs(sp *space) (out []inspect.Ref) {
	if sp.Dark > 0 {
		return nil
	}
	for _, r := range w.x.RefsOf(sp.NS) {
		if r.Name != "" && (r.Kind == inspect.RefMount || r.Kind == inspect.RefSymlink) {
			out = append(out, r)
		}
	}
	return out
}

// ofDocker reports whether a name is one of Docker's.
func ofDocker(r inspect.Ref) bool { return strings.HasSuffix(path.Dir(r.Path), "/run/docker/netns") }

func hasStale(w *world) bool {
	return slices.ContainsFunc(w.x.RefsOf(inspect.ID{}), func(r inspect.Ref) bool { return r.Kind == inspect.RefStale })
}

func leakedNetns(e *exam) {
	for _, l := range graph.LeaksOf(e.x).Namespaces {
		sp := e.byKey[fmt.Sprintf("net:[%d]", l.NS)]
		if l.Type != inspect.Net || sp == nil {
			continue
		}
		e.leaked(sp, &l.Why)
	}
	for _, sp := range e.spaces {
		s := sp.plugged()
		switch {
		case sp.Dark == 0 || s == nil:
		case len(e.x.Snapshot().Problems) > 0:
			e.unknown("interface "+s.port.name(), "what holds the network namespace at its other end: not everything could be read", s.bridge.sp)
		default:
			e.find(Finding{
				Object: "interface " + s.port.name(), Namespaces: concerned(s.bridge, nil),
				Cause: fmt.Sprintf("its other end %s is in a network namespace that no process, file, mount or socket in sight holds", s.Name),
				Evidence: []Evidence{
					fact(s.bridge.sp.command("ip link show dev %s", word(s.port.Name)), s.port.Name+" is a port of "+s.bridge.Name),
					fact("nsinspect why --leaked --deep", sp.title),
				},
				Fix: &Fix{Text: "look for what holds it with nsinspect why --leaked --deep, and end that; the interface goes with it"},
			})
		}
	}
}

func (e *exam) leaked(sp *space, w *graph.Why) {
	s := sp.plugged()
	if e.named(sp) || s == nil && e.engineName(sp) == "" {
		return
	}
	f := Finding{
		Object: "network namespace " + sp.key, Namespaces: inodes(sp),
		Cause:    "no process is in it" + held(w),
		Evidence: []Evidence{fact("nsinspect why "+word(sp.key), "no process is in it"+held(w))},
	}
	if s != nil {
		f.Cause += fmt.Sprintf("; it still has %s, plugged into %s", s.Name, s.bridge.Name)
		f.Namespaces = append(f.Namespaces, inodes(s.bridge.sp)...)
		f.Evidence = append(f.Evidence, fact(s.bridge.sp.command("bridge link show dev %s", word(s.port.Name)), s.port.name()+" is a port of "+s.bridge.Name))
	}
	for _, r := range w.Free {
		if len(w.Free) == 1 {
			f.Fix = &Fix{r.Text, r.Command}
		} else {
			f.Fix = &Fix{Text: "all of what nsinspect why lists would free it"}
		}
	}
	e.find(f)
}

// kept are the namespaces that Docker has without a container: the default
// one is the host's, the others are of Swarm.
func kept(name string) bool {
	return name == "default" || name == "ingress_sbox" || strings.HasPrefix(name, "lb_") || strings.HasPrefix(name, "1-")
}

// plugged returns an interface of sp that is plugged into a bridge elsewhere,
// nil when there is none.
func (sp *space) plugged() *station {
	for i := range sp.Interfaces {
		l := sp.links[sp.Interfaces[i].Index]
		if l.peer == nil || l.peer.sp == sp || l.peer.Master == 0 {
			continue
		}
		for _, b := range l.peer.sp.bridges {
			if b.Index == l.peer.Master {
				return &station{link: l, port: l.peer, bridge: b}
			}
		}
	}
	return nil
}

// held says what holds a namespace, in a few words.
func held(w *graph.Why) string {
	var words []string
	for i := range w.Holders {
		h := &w.Holders[i]
		text := strings.ReplaceAll(string(h.Kind), "_", " ")
		switch {
		case len(h.Paths) > 0 && (h.Kind == "mount"):
			text = "mounted at " + h.Paths[0]
		case h.Lead != nil && h.Lead.Command != nil:
			text = fmt.Sprintf("%s of %s (pid %d)", text, *h.Lead.Command, h.Lead.PID)
		}
		words = append(words, text)
	}
	if len(words) == 0 {
		return ", and nothing in sight holds it"
	}
	if len(words) > 3 {
		words = append(words[:3], "…")
	}
	return ", held by: " + strings.Join(words, "; ")
}

func staleNames(e *exam) {
	s := e.x.Snapshot()
	for _, n := range graph.LeaksOf(e.x).Stale {
		if slices.ContainsFunc(s.Refs, func(r inspect.Ref) bool { return r.Kind == inspect.RefMount && r.Path == n.Path }) {
			continue // it is mounted in another mount namespace
		}
		e.find(Finding{
			Object: "name " + n.Path, Namespaces: inodeOf(e.x, inspect.Net),
			Cause:    "it is a plain file or a link that leads nowhere: no namespace is mounted on it",
			Evidence: []Evidence{fact("findmnt --target "+word(n.Path), "nothing of type nsfs is mounted at "+n.Path)},
			Fix:      &Fix{n.Text, n.Command},
		})
	}
}

// inodeOf is the inode of the observer's namespace of a kind.
func inodeOf(x *inspect.Index, t inspect.Type) []uint64 {
	if id := x.Own(t); !id.IsZero() {
		return []uint64{id.Ino}
	}
	return nil
}
