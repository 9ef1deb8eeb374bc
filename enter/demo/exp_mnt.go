package demo

import "path/filepath"

const fileText = "written inside"

// runMnt mounts something inside, and shows that chroot(2) isolates no mounts.
func runMnt(p *play) error {
	out, err := p.outside("outside")
	if err != nil {
		return err
	}
	if err := p.stands(out, "a mount namespace"); err != nil {
		return err
	}
	in, err := p.start("inside", p.beside(out, p.e.Kinds))
	if err != nil {
		return err
	}
	p.shell = in
	if err := p.checkLinks(in, out, p.e.Kinds); err != nil {
		return err
	}
	dir := scratch()
	if err := p.ask(in, nil, "mount tmpfs", dir); err != nil {
		return err
	}
	file := filepath.Join(dir, "nsinspect-demo")
	if err := p.ask(in, nil, "write", file, fileText); err != nil {
		return err
	}
	inside, err := p.twoTexts(in, "mounted", dir, "read", file)
	if err != nil {
		return err
	}
	outside, err := p.twoTexts(out, "mounted", dir, "read", file)
	if err != nil {
		return err
	}
	p.check("mounted on "+dir, inside[0], outside[0])
	p.check("file "+file, inside[1], outside[1])
	call, same := p.made(p.e.Kinds)
	for i := range same {
		same[i] += []string{" -- mount -t tmpfs none " + dir, " mount -t tmpfs none " + dir}[i]
	}
	err = p.step(Step{
		Title: "Inside, a tmpfs is mounted on " + dir + " and a file written to it", Plan: in.plan,
		Call: call + "; mount(\"none\", \"/\", MS_REC|MS_PRIVATE); mount(\"tmpfs\", \"" + dir + "\")", Same: same,
		Seen: []Fact{
			{"inside", "mountinfo of " + dir, inside[0]},
			{"inside", file, inside[1]},
			{"outside", "mountinfo of " + dir, outside[0]},
			{"outside", file, outside[1]},
		},
	})
	if err != nil {
		return err
	}
	return p.chroot(out, dir)
}

// twoTexts asks an actor two things.
func (p *play) twoTexts(a *actor, act1, arg1, act2, arg2 string) (t [2]string, err error) {
	if t[0], err = p.text(a, act1, arg1); err != nil {
		return t, err
	}
	t[1], err = p.text(a, act2, arg2)
	return t, err
}

// chroot has a process change its root, and mount there: it is in the same
// mount namespace, so the one outside sees the mount.
func (p *play) chroot(out *actor, dir string) error {
	r := p.beside(out, 0)
	jailed, err := p.start("chroot", r)
	if err != nil {
		return err
	}
	jail := filepath.Join(dir, "jail")
	for _, o := range [][]string{{"mount tmpfs", dir}, {"mkdir", jail}, {"write", filepath.Join(jail, "only-this"), ""}} {
		if err := p.ask(out, nil, o[0], o[1:]...); err != nil {
			return err
		}
	}
	if err := p.ask(jailed, nil, "chroot", jail); err != nil {
		return err
	}
	list, err := p.text(jailed, "list", "/")
	if err != nil {
		return err
	}
	if err := p.ask(jailed, nil, "mkdir", "/m"); err != nil {
		return err
	}
	if err := p.ask(jailed, nil, "mount tmpfs", "/m"); err != nil {
		return err
	}
	seen, err := p.text(out, "mounted", filepath.Join(jail, "m"))
	if err != nil {
		return err
	}
	links, err := p.namespaces(jailed, out)
	if err != nil {
		return err
	}
	t := p.e.Kinds.List()[0]
	return p.step(Step{
		Title: "Compare chroot: another root directory, the same mounts, so outside sees what is mounted there",
		Call:  "chroot(\"" + jail + "\"); mount(\"tmpfs\", \"/m\")", Same: []string{"chroot " + jail},
		Seen: []Fact{
			{"chroot", "files in /", list},
			{"chroot", "/proc/PID/ns/mnt", linkText(t, links[0].Of(t))},
			{"outside", "/proc/PID/ns/mnt", linkText(t, links[1].Of(t))},
			{"outside", "mountinfo of " + filepath.Join(jail, "m"), seen},
		},
	})
}
