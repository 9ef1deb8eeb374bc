package demo

import (
	"fmt"
	"os"

	"nsinspect/enter"
	"nsinspect/inspect"
)

const (
	hostName  = "demo-host"
	blueName  = "blue"
	greenName = "green"
)

// runUTS changes a hostname.
func runUTS(p *play) error {
	out, err := p.outside("outside")
	if err != nil {
		return err
	}
	if err := p.ask(out, nil, "set hostname", hostName); err != nil {
		return err
	}
	mine, err := os.Hostname()
	if err != nil {
		return err
	}
	if err := p.stands(out, "a hostname", Fact{"outside", "hostname", hostName}, Fact{"this host", "hostname", mine}); err != nil {
		return err
	}
	in, err := p.start("inside", p.beside(out, p.e.Kinds))
	if err != nil {
		return err
	}
	p.shell = in
	if err := p.rename(in, out); err != nil {
		return err
	}
	if err := p.joinAndLeave(in); err != nil {
		return err
	}
	after, err := os.Hostname()
	if err != nil {
		return err
	}
	if after != mine {
		return fmt.Errorf("the name of this host has changed from %q to %q", mine, after)
	}
	p.note("this machine is still called %q", mine)
	return nil
}

// rename has the process inside change the name, and asks both.
func (p *play) rename(in, out *actor) error {
	if err := p.ask(in, nil, "set hostname", blueName); err != nil {
		return err
	}
	inside, err := p.text(in, "hostname")
	if err != nil {
		return err
	}
	outside, err := p.text(out, "hostname")
	if err != nil {
		return err
	}
	call, same := p.made(p.e.Kinds)
	for i := range same {
		same[i] += []string{" --hostname " + blueName, " hostname " + blueName}[i]
	}
	if err := p.checkLinks(in, out, p.e.Kinds); err != nil {
		return err
	}
	p.check("hostname", inside, outside)
	return p.step(Step{
		Title: "A process inside takes another name", Call: call + fmt.Sprintf("; sethostname(%q)", blueName), Same: same, Plan: in.plan,
		Seen: []Fact{{"inside", "hostname", inside}, {"outside", "hostname", outside}},
	})
}

// joinAndLeave has one more process join the namespace, and another that
// started there leave it.
func (p *play) joinAndLeave(in *actor) error {
	join := enter.Request{Target: enter.Target{PID: in.pid, Name: in.name, Word: fmt.Sprintf("-p %d", in.pid)}, Join: enter.SetOf(inspect.UTS)}
	if !p.privileged {
		join.Join |= enter.SetOf(inspect.User)
	}
	guest, err := p.start("guest", join)
	if err != nil {
		return err
	}
	seen, err := p.text(guest, "hostname")
	if err != nil {
		return err
	}
	if seen != blueName {
		return fmt.Errorf("a process that joined sees the name %q, not %q", seen, blueName)
	}
	err = p.step(Step{
		Title: "Another process joins by the file in /proc and sees the name", Plan: guest.plan,
		Call: fmt.Sprintf("setns(open(\"/proc/%d/ns/uts\"), CLONE_NEWUTS)", in.pid),
		Same: []string{fmt.Sprintf("nsinspect enter -p %d --uts -- hostname", in.pid), fmt.Sprintf("nsenter -t %d --uts hostname", in.pid)},
		Seen: []Fact{{"guest", "hostname", seen}},
	})
	if err != nil {
		return err
	}
	join.New = enter.SetOf(inspect.UTS)
	left, err := p.start("left", join)
	if err != nil {
		return err
	}
	if err := p.ask(left, nil, "set hostname", greenName); err != nil {
		return err
	}
	other, err := p.text(left, "hostname")
	if err != nil {
		return err
	}
	still, err := p.text(in, "hostname")
	if err != nil {
		return err
	}
	if other != greenName || still != blueName {
		return fmt.Errorf("a process that left is called %q, and inside %q", other, still)
	}
	return p.step(Step{
		Title: "A third joins too, and leaves again by a new namespace", Plan: left.plan,
		Call: fmt.Sprintf("setns(…); unshare(CLONE_NEWUTS); sethostname(%q)", greenName),
		Same: []string{fmt.Sprintf("nsinspect enter -p %d --uts --new-uts --hostname %s", in.pid, greenName)},
		Seen: []Fact{{"left", "hostname", other}, {"inside", "hostname", still}},
	})
}
