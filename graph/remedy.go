package graph

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"nsinspect/inspect"
)

// Remedy is one thing to do so that a namespace can go.
type Remedy struct {
	Text string `json:"text"`
	// Command can be typed; "" when there is none.
	Command string `json:"command,omitempty"`
}

// remedies say what would free a namespace: all of it must be done. The host's
// own namespaces are to stay.
func remedies(w *Why) []Remedy {
	if w.Host != nil && *w.Host {
		return nil
	}
	stopped := runningContainers(w.Holders)
	var list []Remedy
	done := map[string]bool{}
	for i := range w.Holders {
		t := &w.Holders[i]
		r := remedy(t)
		switch {
		case endsWith(t, done):
			continue
		case len(stopped) > 0 && ofEngine(t):
			continue
		case t.Container != nil && stopped[t.Container.ID]:
			r = Remedy{"stop container " + t.Container.Name, endCommand(t)}
		}
		if r.Command == "" || !done[r.Command] {
			list = append(list, r)
		}
		done[r.Command] = true
	}
	return list
}

// endsWith reports whether a mount goes with its mount namespace when what is
// done already ends all that holds that. Tasks come before mounts.
func endsWith(t *Holder, done map[string]bool) bool {
	if t.Kind != HolderKind(inspect.RefMount) || len(t.Holders) == 0 || t.More > 0 {
		return false
	}
	return !slices.ContainsFunc(t.Holders, func(h Holder) bool {
		return h.Kind != HolderTask || !done[endCommand(&h)]
	})
}

// runningContainers are the containers with a process in the namespace, by ID.
func runningContainers(holders []Holder) map[string]bool {
	running := map[string]bool{}
	for i := range holders {
		if t := &holders[i]; t.Kind == HolderTask && t.Container != nil {
			running[t.Container.ID] = true
		}
	}
	return running
}

// ofEngine reports whether a container engine has this for a container: a
// descriptor of its daemon, the mount of its network namespace. It lets go of
// these when the container stops; ending the daemon would hit all containers.
func ofEngine(t *Holder) bool {
	if t.Kind == HolderKind(inspect.RefMount) {
		dir, name := path.Split(t.Paths[0])
		ofIP := strings.HasSuffix(dir, "/run/netns/") && !strings.HasPrefix(name, "cni-") && !strings.HasPrefix(name, "netns-")
		return strings.HasSuffix(dir, "/netns/") && !ofIP
	}
	switch {
	case t.Container != nil || t.Command == nil:
		return false
	case strings.HasPrefix(*t.Command, "containerd"):
		return true
	}
	return slices.Contains([]string{"dockerd", "docker-proxy", "podman", "conmon", "crio", "rootlessport", "slirp4netns", "pasta"}, *t.Command)
}

func remedy(t *Holder) Remedy {
	switch t.Kind {
	case HolderChild, HolderOwned:
		word := fmt.Sprintf("%s:%d", t.Type, *t.NS)
		return Remedy{"free " + word + " first", "nsinspect why " + word}
	case HolderKind(inspect.RefMount):
		return unmount(t)
	case HolderKind(inspect.RefInFlight):
		return Remedy{fmt.Sprintf("let %s receive what waits in fd %d, or end it", processWords(t), t.FDs[0]), endCommand(t)}
	case HolderTask:
		if t.Container != nil {
			return Remedy{"stop container " + t.Container.Name, endCommand(t)}
		}
		if t.Count > 1 {
			return Remedy{fmt.Sprintf("end %d processes, the first %s", t.Count, processWords(t)), endCommand(t)}
		}
		return Remedy{"end " + processWords(t), endCommand(t)}
	case HolderThread, HolderChildren:
		return Remedy{"end " + processWords(t), endCommand(t)}
	}
	what := fmt.Sprintf("fd %d", t.FDs[0])
	if t.Count > 1 {
		what = fmt.Sprintf("%d descriptors", t.Count)
	}
	verb := "end "
	if t.Unit != "" && t.Container == nil {
		verb = "restart "
	}
	return Remedy{verb + processWords(t) + ", which keeps " + what + " open", endCommand(t)}
}

// unmount removes a mount, in whichever mount namespace it is.
func unmount(t *Holder) Remedy {
	point := t.Paths[0]
	switch {
	case t.NS == nil || t.Host != nil && *t.Host:
		if strings.HasPrefix(point, "/run/netns/") || strings.HasPrefix(point, "/var/run/netns/") {
			return Remedy{"delete the name " + t.Name, "ip netns del " + quote(t.Name)}
		}
		return Remedy{"unmount " + point, "umount " + quote(point)}
	}
	in := fmt.Sprintf("unmount %s in mnt:[%d]", point, *t.NS)
	for i := range t.Holders {
		if l := t.Holders[i].Lead; l != nil && t.Holders[i].Kind == HolderTask {
			return Remedy{in, fmt.Sprintf("nsinspect enter -p %d -m -- umount %s", l.PID, quote(point))}
		}
	}
	return Remedy{in + ", which goes when nothing holds that", fmt.Sprintf("nsinspect why mnt:%d", *t.NS)}
}

func processWords(t *Holder) string {
	words := fmt.Sprintf("process %d", t.PID)
	if t.Command != nil {
		words += " (" + *t.Command + ")"
	}
	return words
}

// endCommand ends what a process belongs to: its container, its unit, or it.
func endCommand(t *Holder) string {
	switch {
	case t.Container != nil && t.Container.Engine == "podman":
		return "podman stop " + quote(t.Container.Name)
	case t.Container != nil && t.Container.Engine == "docker":
		return "docker stop " + quote(t.Container.Name)
	case t.Unit != "" && t.Kind != HolderTask:
		return "systemctl restart " + quote(t.Unit)
	case t.Unit != "":
		return "systemctl stop " + quote(t.Unit)
	}
	return fmt.Sprintf("kill %d", t.PID)
}

// unitOf returns the system service that p belongs to by its cgroup, "" for
// none: sessions and what users run are not to be restarted.
func unitOf(p *inspect.Process) string {
	if p.Info == nil {
		return ""
	}
	for _, c := range p.Info.Cgroups {
		rest, ok := strings.CutPrefix(c.Path, "/system.slice/")
		if !ok {
			continue
		}
		if unit, _, _ := strings.Cut(rest, "/"); strings.HasSuffix(unit, ".service") {
			return unit
		}
	}
	return ""
}

// quote makes one word of a shell of s.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@+") == "" && s[0] != '-' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
