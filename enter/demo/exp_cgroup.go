package demo

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

const cgroupName = "nsinspect-demo"

// runCgroup shows the root of the cgroup tree. The processes are in a cgroup
// made for the experiment where that is allowed, else in that of nsinspect.
func runCgroup(p *play) error {
	out, err := p.outside("outside")
	if err != nil {
		return err
	}
	attr := &syscall.SysProcAttr{Setsid: true}
	dir, err := p.text(out, "make cgroup", fmt.Sprintf("%s-%d-%x", cgroupName, out.pid, time.Now().UnixNano()&0xffffff))
	switch {
	case err == nil:
		f, err := os.Open(dir)
		if err != nil {
			return err
		}
		defer f.Close()
		attr.UseCgroupFD, attr.CgroupFD = true, int(f.Fd())
	case p.ctx.Err() != nil:
		return err
	default:
		p.note("no cgroup was made for the experiment: %v", err)
	}
	r := p.beside(out, p.e.Kinds)
	in, err := p.startIn("inside", r, attr)
	if err != nil && attr.UseCgroupFD && p.ctx.Err() == nil {
		return errors.Join(errors.New("start a process in a cgroup"), err)
	}
	if err != nil {
		return err
	}
	p.shell = in
	if err := p.checkLinks(in, out, p.e.Kinds); err != nil {
		return err
	}
	return p.cgroups(in, out)
}

// cgroups compares /proc/self/cgroup of both sides.
func (p *play) cgroups(in, out *actor) error {
	var i, o self
	if err := p.ask(in, &i, "look"); err != nil {
		return err
	}
	if err := p.ask(out, &o, "look"); err != nil {
		return err
	}
	fromOut, err := p.text(out, "read", "/proc/"+pidText(in)+"/cgroup")
	if err != nil {
		return err
	}
	// Only lines that are not the root outside can show anything.
	inside, outside, seenOut := i.Cgroups, o.Cgroups, strings.Split(fromOut, "\n")
	n := telling(outside)
	if n < 0 || n >= len(inside) || n >= len(seenOut) {
		p.note("nsinspect is in the root of every hierarchy itself: paths cannot differ here, run it in a cgroup of its own")
		n = max(len(outside)-1, 0)
	} else {
		p.check("/proc/self/cgroup", inside[n], outside[n])
	}
	call, same := p.made(p.e.Kinds)
	for k := range same {
		same[k] += []string{" -- cat /proc/self/cgroup", " cat /proc/self/cgroup"}[k]
	}
	return p.step(Step{
		Title: "A process starts in a cgroup and takes it as the root of what it sees", Call: call, Same: same, Plan: in.plan,
		Seen: []Fact{
			{"inside", "/proc/self/cgroup", line(inside, n)},
			{"outside", "/proc/self/cgroup", line(outside, n)},
			{"outside", "/proc/PID/cgroup of the one inside", line(seenOut, n)},
		},
	})
}

func line(list []string, n int) string {
	if n < len(list) {
		return list[n]
	}
	return "none"
}

// telling returns the last line of /proc/PID/cgroup whose path is not the
// root; -1 when there is none. Version 2 comes last.
func telling(lines []string) int {
	for n := len(lines) - 1; n >= 0; n-- {
		if parts := strings.SplitN(lines[n], ":", 3); len(parts) == 3 && parts[2] != "/" {
			return n
		}
	}
	return -1
}
