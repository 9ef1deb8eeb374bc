package container

import (
	"strings"
	"unicode/utf8"

	"nsinspect/inspect"
)

// FromCgroups tells from the lines of /proc/PID/cgroup, see cgroups(7), which
// container a process is in: its ID and Engine, its Pod where the path has
// one, and its Name where the path is made from the name and not from an id
// (LXC, systemd-nspawn, ctr). It is false for a process in no container, also
// for the processes that watch over one (conmon, lxc.monitor, the supervisor
// of systemd-nspawn), which run outside of it.
//
// Where containers are nested (Docker in Docker, kind, Docker in LXC) the
// outermost one counts, as in docker top: it is the one whose name the
// observer's engine knows, and everything inside of it is part of it. To an
// observer within that container it is the inner one, where a cgroup namespace
// hides the outer part of the path, as is usual with version 2.
//
// Version 1, version 2 and hybrid hierarchies are read alike: the first path
// that names an engine wins over one that holds only an id.
func FromCgroups(paths []inspect.CgroupPath) (inspect.Container, bool) {
	var bare inspect.Container
	last := ""
	for i := range paths {
		p := paths[i].Path
		if p == last { // version 1 repeats the path in every hierarchy
			continue
		}
		last = p
		c, ok := fromPath(p)
		switch {
		case ok && c.Engine != Unknown:
			return c, true
		case ok && bare.ID == "":
			bare = c
		}
	}
	return bare, bare.ID != ""
}

// fromPath walks down the path and stops at the first container.
func fromPath(path string) (inspect.Container, bool) {
	// cgroups(7): a zombie's removed cgroup is marked so.
	rest := strings.TrimSuffix(path, " (deleted)")
	if c, ok := fromDefault(rest); ok {
		return c, true
	}
	var parent, pod string
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		if name == "" {
			continue
		}
		if uid := podUID(name); uid != "" {
			pod = uid
		}
		c, found := identify(parent, name, rest)
		if found {
			return finish(c, pod)
		}
		parent = name
	}
	return inspect.Container{}, false
}

// finish completes what identify found. A find without ID is a process that
// only watches over a container.
func finish(c inspect.Container, pod string) (inspect.Container, bool) {
	if c.ID == "" {
		return inspect.Container{}, false
	}
	c.Pod = pod
	if c.Engine == Unknown && pod != "" {
		c.Engine = Kubernetes
	}
	return c, true
}

// identify looks at one directory of a cgroup path, between the name of its
// parent and the path below it.
func identify(parent, name, below string) (inspect.Container, bool) {
	if id, ok := hexID(name); ok {
		return bareID(parent, id, below)
	}
	if c, ok := fromUnit(name); ok {
		return c, true
	}
	if c, ok := fromMachine(name, below); ok {
		return c, true
	}
	return fromName(parent, name)
}

// bareID is a directory that is named as the id, by the cgroupfs driver.
func bareID(parent, id, below string) (inspect.Container, bool) {
	c := inspect.Container{ID: id, Engine: Unknown}
	switch parent {
	case "docker":
		c.Engine = Docker
	case "k8s.io": // the namespace of containerd that the kubelet uses
		c.Engine = Containerd
	default:
		if strings.HasPrefix(below, "libpod-") { // a pod of Podman, not a container
			return inspect.Container{}, false
		}
	}
	return c, true
}

// A unitPrefix is how an engine begins the name of a container's cgroup.
type unitPrefix struct {
	text, engine string
	monitor      bool // the process that watches over the container
}

// unitPrefixes has the longer of two prefixes first.
var unitPrefixes = [...]unitPrefix{
	{text: "docker-", engine: Docker},
	{text: "cri-containerd-", engine: Containerd},
	{text: "nerdctl-", engine: Containerd},
	{text: "crio-conmon-", monitor: true},
	{text: "crio-", engine: CRIO},
	{text: "libpod-conmon-", monitor: true},
	{text: "libpod-payload-", engine: Podman}, // podman run --cgroups=split
	{text: "libpod-", engine: Podman},
	{text: "kata_", engine: Unknown},
}

// fromUnit reads ENGINE-ID.scope of the systemd drivers, ENGINE-ID of some
// cgroupfs drivers, and SLICE:ENGINE:ID, which is what a cgroupfs driver makes
// of a path that was meant for a systemd driver.
func fromUnit(name string) (inspect.Container, bool) {
	unit := strings.TrimSuffix(name, ".scope")
	if i := strings.LastIndexByte(unit, ':'); i > 0 {
		id, ok := hexID(unit[i+1:])
		if !ok {
			return inspect.Container{}, false
		}
		return fromColons(unit[:i], id)
	}
	for i := range unitPrefixes {
		p := &unitPrefixes[i]
		if rest, ok := strings.CutPrefix(unit, p.text); ok {
			if id, ok := hexID(rest); ok {
				return p.container(id), true
			}
		}
	}
	return fromBuild(name)
}

// fromBuild reads the scope of a build step, whose id is of another form.
func fromBuild(name string) (inspect.Container, bool) {
	id, ok := cutBoth(name, "docker-", ".scope")
	if !ok {
		id, ok = cutBoth(name, "buildkit-", ".scope")
	}
	if !ok || !isBuildID(id) {
		return inspect.Container{}, false
	}
	return inspect.Container{ID: id, Engine: BuildKit}, true
}

// fromColons takes what stands before the id in SLICE:ENGINE:ID.
func fromColons(front, id string) (inspect.Container, bool) {
	engine := front[strings.LastIndexByte(front, ':')+1:]
	for i := range unitPrefixes {
		p := &unitPrefixes[i]
		if p.text[:len(p.text)-1] == engine {
			return p.container(id), true
		}
	}
	return inspect.Container{ID: id, Engine: Unknown}, true
}

func (p *unitPrefix) container(id string) inspect.Container {
	if p.monitor {
		return inspect.Container{}
	}
	return inspect.Container{ID: id, Engine: p.engine}
}

// fromMachine reads the units of systemd-nspawn(1) and systemd-machined(8):
// the container's processes are in the unit or in its "payload", those of
// systemd-nspawn itself in its "supervisor". Virtual machines of libvirt are
// machines too, but not containers.
func fromMachine(name, below string) (inspect.Container, bool) {
	machine, ok := cutBoth(name, "systemd-nspawn@", ".service")
	if !ok {
		machine, ok = cutBoth(name, "machine-", ".scope")
	}
	if !ok || machine == "" {
		return inspect.Container{}, false
	}
	if child, _, _ := strings.Cut(below, "/"); child == "supervisor" {
		return inspect.Container{}, true
	}
	if strings.HasPrefix(machine, `qemu\x2d`) {
		return inspect.Container{}, true
	}
	c := named(Nspawn, unescape(machine))
	if strings.HasPrefix(machine, `lxc\x2d`) { // libvirt's LXC driver
		c.Engine = LXC
	}
	return c, true
}

// fromName reads the paths that are made from a name that the user chose.
func fromName(parent, name string) (inspect.Container, bool) {
	switch {
	case strings.HasPrefix(name, "lxc.monitor"):
		return inspect.Container{}, true
	case parent == "lxc" || parent == "lxc.payload":
		return named(LXC, name), true
	case strings.HasPrefix(name, "lxc.payload."):
		return named(LXC, name[len("lxc.payload."):]), true
	case parent == "buildkit" && isBuildID(name):
		return inspect.Container{ID: name, Engine: BuildKit}, true
	}
	return inspect.Container{}, false
}

// fromDefault reads /default/NAME, where ctr(8) puts a container: "default" is
// the namespace of containerd, and the name is free.
func fromDefault(path string) (inspect.Container, bool) {
	rest, ok := strings.CutPrefix(path, "/default/")
	if !ok {
		return inspect.Container{}, false
	}
	name, _, _ := strings.Cut(rest, "/")
	if !isContainerdID(name) {
		return inspect.Container{}, false
	}
	if len(name) == 64 && isHex(name) {
		return inspect.Container{ID: name, Engine: Containerd}, true
	}
	return named(Containerd, name), true
}

// named is a container whose id is its name.
func named(engine, name string) inspect.Container {
	if !utf8.ValidString(name) {
		name = strings.ToValidUTF8(name, "\uFFFD")
	}
	return inspect.Container{ID: name, Name: name, Engine: engine}
}
