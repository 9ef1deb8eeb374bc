package demo

import (
	"debug/elf"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"nsinspect/enter"
	"nsinspect/inspect"
)

const containerName = "demo-container"

// applets are the names under which the container's busybox can be called.
const applets = "sh ls ps id hostname mount ip cat"

// runContainer makes a container out of all kinds.
func runContainer(p *play) error {
	out, err := p.outside("outside")
	if err != nil {
		return err
	}
	if err := p.stands(out, "mounts and a network"); err != nil {
		return err
	}
	dir := scratch()
	if err := p.image(out, dir); err != nil {
		return err
	}
	kinds := p.existing()
	r := p.beside(out, kinds)
	if !p.o.Without {
		r.NoInit, r.MountProc, r.Hostname = true, enter.No, containerName
		if p.privileged {
			r.Map.Users = p.containerIDs()
		}
		if len(r.Map.Users) > 0 {
			root := strconv.FormatUint(uint64(r.Map.Users[0].Outside), 10)
			if err := p.ask(out, nil, "own", dir, root); err != nil {
				return err
			}
		}
	}
	// The image has the program: the user inside may not read ours.
	r.Command = append([]string{filepath.Join(dir, "nsinspect")}, p.o.Self[1:]...)
	r.Command = append(r.Command, "inside")
	in, err := p.start("inside", r)
	if err != nil {
		return err
	}
	p.shell = in
	if !p.o.Without {
		if err := p.ask(in, nil, "pivot", dir); err != nil {
			return err
		}
		if err := p.wire(out, "veth0", "10.68.0.1/24", in, "eth0", "10.68.0.2/24"); err != nil {
			return err
		}
	}
	if err := p.compareContainer(in, out, kinds); err != nil || p.o.Without {
		return err
	}
	return p.lookFromOutside(in, out)
}

// existing are the kinds that this kernel has.
func (p *play) existing() (k enter.Kinds) {
	for _, t := range inspect.Types {
		if exists("/proc/self/ns/" + t.String()) {
			k |= enter.SetOf(t)
		}
	}
	return k
}

// containerIDs maps root to a user that is nobody on the host, where there are
// enough ids.
func (p *play) containerIDs() []inspect.IDRange {
	for _, r := range []inspect.IDRange{{Outside: 100000, Count: 65536}, {Outside: 1000, Count: 1000}} {
		if mappedHere(r.Outside) && mappedHere(r.Outside+r.Count-1) {
			return []inspect.IDRange{r}
		}
	}
	return nil
}

// image fills a directory with what the container gets to see.
func (p *play) image(out *actor, dir string) error {
	orders := [][]string{{"mount tmpfs", dir}, {"copy program", p.program(), filepath.Join(dir, "nsinspect")}}
	for _, d := range []string{"proc", "etc", "bin", "tmp"} {
		orders = append(orders, []string{"mkdir", filepath.Join(dir, d)})
	}
	if busybox := staticBusybox(); busybox != "" {
		orders = append(orders, []string{"copy program", busybox, filepath.Join(dir, "bin/busybox")})
		for _, name := range strings.Fields(applets) {
			orders = append(orders, []string{"symlink", "busybox", filepath.Join(dir, "bin", name)})
		}
	} else {
		p.note("there is no static busybox here, so the container has no shell: apt-get install busybox-static")
	}
	for _, o := range orders {
		if err := p.ask(out, nil, o[0], o[1:]...); err != nil {
			return err
		}
	}
	list, err := p.text(out, "list", dir)
	if err != nil {
		return err
	}
	return p.step(Step{
		Title: "An image: a file system in memory with a few directories and a static program",
		Call:  "mount(\"tmpfs\", \"" + dir + "\"); mkdir(…)", Same: []string{"docker pull"}, Seen: []Fact{{"outside", "files in " + dir, list}},
	})
}

// staticBusybox finds a busybox that needs no libraries; "" when there is none.
func staticBusybox() string {
	for _, path := range []string{"/usr/bin/busybox", "/bin/busybox", "/usr/local/bin/busybox", "/sbin/busybox"} {
		f, err := elf.Open(path)
		if err != nil {
			continue
		}
		static := true
		for _, prog := range f.Progs {
			static = static && prog.Type != elf.PT_INTERP
		}
		f.Close()
		if static {
			return path
		}
	}
	return ""
}

// compareContainer compares everything.
func (p *play) compareContainer(in, out *actor, kinds enter.Kinds) error {
	var me, they self
	if err := p.ask(in, &me, "look"); err != nil {
		return err
	}
	if err := p.ask(out, &they, "look"); err != nil {
		return err
	}
	if err := p.checkLinks(in, out, kinds); err != nil {
		return err
	}
	root, err := p.text(in, "list", "/")
	if err != nil {
		return err
	}
	rootOf := [2]string{}
	for i, a := range []*actor{in, out} {
		if rootOf[i], err = p.text(a, "mounted", "/"); err != nil {
			return err
		}
	}
	owner, err := p.ownerOf(in)
	if err != nil {
		return err
	}
	p.check("hostname", me.Hostname, they.Hostname)
	p.check("its pid", strconv.Itoa(me.PID), pidText(in))
	p.check("mounted on /", rootOf[0], rootOf[1])
	s := Step{
		Title: "A process without new namespaces", Call: "fork(), without any flag",
		Seen: []Fact{{"inside", "hostname", me.Hostname}, {"inside", "pid", strconv.Itoa(me.PID)}, {"inside", "mounted on /", rootOf[0]}},
	}
	if !p.o.Without {
		var list processes
		if err := p.ask(in, &list, "processes"); err != nil {
			return err
		}
		s.Seen = append(s.Seen, Fact{"inside", "files in /", root})
		s.Title, s.Plan = "All kinds at once, then the image becomes the root", in.plan
		s.Call = "unshare(" + flags(kinds) + "); fork(); mount(\"proc\"); pivot_root(\".\", \".\"); umount2(\".\", MNT_DETACH)"
		s.Same = []string{
			"nsinspect enter" + newWords(kinds) + " --hostname " + containerName + " --root DIR",
			"docker run --hostname " + containerName,
		}
		s.Seen = append(s.Seen,
			Fact{"inside", "processes", strings.Join(list.Names, ", ")},
			Fact{"inside", "uid", strconv.Itoa(me.UID)}, Fact{"inside", "/proc/self/uid_map", me.UIDMap},
			Fact{"outside", "pid", pidText(in)}, Fact{"outside", "owner of the process", owner})
	}
	return p.step(s)
}

func newWords(kinds enter.Kinds) (s string) {
	for _, t := range kinds.List() {
		s += " --new-" + t.String()
	}
	return s
}

// lookFromOutside shows the container with the other commands of nsinspect.
func (p *play) lookFromOutside(in, out *actor) error {
	if p.o.Show != nil {
		text, err := p.o.Show(p.ctx, in.pid)
		if err != nil {
			return err
		}
		if err := p.step(Step{Title: "nsinspect show says from outside", Same: []string{fmt.Sprintf("nsinspect show %d", in.pid)}, View: text}); err != nil {
			return err
		}
	}
	text, err := p.draw(out, in)
	if err != nil {
		return err
	}
	return p.step(Step{Title: "nsinspect graph draws its network", Same: []string{fmt.Sprintf("nsinspect graph %d", in.pid)}, View: text})
}
