package demo

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"nsinspect/enter"
	"nsinspect/inspect"
)

// runPID shows numbers of processes, and what /proc has to do with it.
func runPID(p *play) error {
	out, err := p.outside("outside")
	if err != nil {
		return err
	}
	r := p.beside(out, p.e.Kinds)
	r.NoInit, r.MountProc = true, enter.No
	in, err := p.start("inside", r)
	if err != nil {
		return err
	}
	p.shell = in
	if err := p.checkLinks(in, out, enter.SetOf(inspect.PID)); err != nil {
		return err
	}
	if err := p.numbers(in); err != nil {
		return err
	}
	return p.mountProc(in, out)
}

// numbers compares what the process inside knows of its pid and parent with
// what is seen from outside.
func (p *play) numbers(in *actor) error {
	var me self
	if err := p.ask(in, &me, "look"); err != nil {
		return err
	}
	s, err := p.o.Collect(p.ctx, inspect.FactTasks|inspect.FactProcesses, []int{in.pid})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.Processes, func(q inspect.Process) bool { return q.PID == in.pid && q.Info != nil })
	if i < 0 {
		return fmt.Errorf("process %d cannot be read from outside", in.pid)
	}
	info := s.Processes[i].Info
	p.check("its pid", strconv.Itoa(me.PID), strconv.Itoa(in.pid))
	p.check("its parent", strconv.Itoa(me.PPID), strconv.Itoa(info.PPID))
	call, same := p.made(p.e.Kinds)
	for i := range same {
		same[i] += []string{" --no-init --mount-proc=false", " --fork"}[i]
	}
	return p.step(Step{
		Title: "A process is born in a pid namespace", Call: call + "; fork()", Same: same, Plan: in.plan,
		Seen: []Fact{
			{"inside", "getpid()", strconv.Itoa(me.PID)},
			{"inside", "getppid()", fmt.Sprintf("%d%s", me.PPID, parentWords(me.PPID))},
			{"outside", "pid", strconv.Itoa(in.pid)},
			{"outside", "parent", strconv.Itoa(info.PPID)},
			{"outside", "NSpid of /proc/PID/status", numbersText(info.NSpid)},
		},
	})
}

func parentWords(ppid int) string {
	if ppid == 0 {
		return " (it has none in its namespace)"
	}
	return ""
}

func numbersText(n []int) string {
	words := make([]string, len(n))
	for i := range n {
		words[i] = strconv.Itoa(n[i])
	}
	return strings.Join(words, " ")
}

// mountProc shows that ps(1) lists what the mounted /proc is of.
func (p *play) mountProc(in, out *actor) error {
	mine := fmt.Sprintf("%d outside", out.pid)
	before, seenBefore, err := p.sees(in, mine)
	if err != nil {
		return err
	}
	err = p.step(Step{
		Title: "ps inside still lists the host: it reads /proc, which is the old one", Call: "open(\"/proc\")", Same: []string{"ps -e"},
		Seen: []Fact{{"inside", "processes in /proc", strconv.Itoa(before)}, {"inside", "the process outside", seenBefore}},
	})
	if err != nil {
		return err
	}
	call := "not mounted anew: this is the control"
	if !p.o.Without {
		call = "mount(\"proc\", \"/proc\", \"proc\")"
		if err := p.ask(in, nil, "mount proc"); err != nil {
			return &StartError{
				Text: "mount /proc in a new pid namespace: " + err.Error(),
				Help: "where parts of /proc are masked, as in a container, nobody may mount a whole one: run it outside of the container",
			}
		}
	}
	after, seen, err := p.sees(in, mine)
	if err != nil {
		return err
	}
	count, seenOut, err := p.sees(out, mine)
	if err != nil {
		return err
	}
	p.check("the process outside, in /proc", seen, seenOut)
	return p.step(Step{
		Title: "/proc is mounted anew, in the mount namespace of its own", Call: call, Same: []string{"mount -t proc proc /proc"},
		Seen: []Fact{
			{"inside", "processes in /proc", strconv.Itoa(after)},
			{"inside", "the process outside", seen},
			{"outside", "processes in /proc", strconv.Itoa(count)},
		},
	})
}

// sees asks an actor how many processes its /proc lists, and whether one is
// among them.
func (p *play) sees(a *actor, name string) (count int, seen string, err error) {
	var list processes
	if err := p.ask(a, &list, "processes"); err != nil {
		return 0, "", err
	}
	if slices.Contains(list.Names, name) {
		return list.Count, "seen", nil
	}
	return list.Count, "not seen", nil
}

// pidText is a pid in a path.
func pidText(a *actor) string { return strconv.Itoa(a.pid) }

// program is the file that actors are made of.
func (p *play) program() string { return p.o.Self[0] }

// exists reports whether there is such a file.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
