package demo

import (
	"fmt"

	"nsinspect/enter"
)

// runNS shows what the links of /proc/PID/ns tell.
func runNS(p *play) error {
	a, err := p.outside("outside")
	if err != nil {
		return err
	}
	b, err := p.start("neighbour", p.beside(a, 0))
	if err != nil {
		return err
	}
	links, err := p.namespaces(a, b)
	if err != nil {
		return err
	}
	s := Step{
		Title: "Two processes are started: a child is in the namespaces of its parent", Call: "fork()", Plan: b.plan,
		Same: []string{fmt.Sprintf("ls -l /proc/%d/ns /proc/%d/ns", a.pid, b.pid), fmt.Sprintf("nsinspect diff %d %d", a.pid, b.pid)},
	}
	for _, t := range p.e.Kinds.List() {
		s.Seen = append(s.Seen,
			Fact{a.name, "/proc/PID/ns/" + t.String(), linkText(t, links[0].Of(t))},
			Fact{b.name, "/proc/PID/ns/" + t.String(), linkText(t, links[1].Of(t))})
	}
	if err := p.step(s); err != nil {
		return err
	}
	in, err := p.start("inside", p.beside(a, p.e.Kinds))
	if err != nil {
		return err
	}
	p.shell = in
	if err := p.checkLinks(in, a, p.e.Kinds); err != nil {
		return err
	}
	call, same := p.made(p.e.Kinds)
	return p.step(Step{
		Title: "A third leaves two of them: other numbers, other namespaces", Call: call, Same: same, Plan: in.plan,
		Seen: p.linksSeen(p.e.Kinds),
	})
}

// linksSeen are the facts of the checks of namespaces.
func (p *play) linksSeen(kinds enter.Kinds) []Fact {
	var seen []Fact
	for i, t := range kinds.List() {
		c := p.r.Check[i]
		seen = append(seen, Fact{"inside", "/proc/PID/ns/" + t.String(), c.Inside}, Fact{"outside", "/proc/PID/ns/" + t.String(), c.Outside})
	}
	return seen
}
