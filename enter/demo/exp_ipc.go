package demo

import "fmt"

const shmText = "written outside"

// runIPC makes objects outside and looks for them inside.
func runIPC(p *play) error {
	out, err := p.outside("outside")
	if err != nil {
		return err
	}
	if err := p.stands(out, "an IPC namespace"); err != nil {
		return err
	}
	if err := p.ask(out, nil, "make ipc", shmText); err != nil {
		return err
	}
	var o, i ipcSeen
	if err := p.ask(out, &o, "see ipc"); err != nil {
		return err
	}
	err = p.step(Step{
		Title: "Outside, one object of each sort is made under one key",
		Call:  fmt.Sprintf("shmget(%#x, 4096, IPC_CREAT); semget(%#x, …); msgget(%#x, …)", ipcKey, ipcKey, ipcKey),
		Same:  []string{"ipcmk -M 4096 -S 1 -Q", "ipcs"},
		Seen:  ipcFacts("outside", o),
	})
	if err != nil {
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
	if err := p.ask(in, &i, "see ipc"); err != nil {
		return err
	}
	p.check("shared memory", i.Shm, o.Shm)
	p.check("semaphores", i.Sem, o.Sem)
	p.check("message queue", i.Msg, o.Msg)
	call, same := p.made(p.e.Kinds)
	for n := range same {
		same[n] += []string{" -- ipcs", " ipcs"}[n]
	}
	return p.step(Step{
		Title: "Inside, the same keys are looked up", Call: call + fmt.Sprintf("; shmget(%#x, 0, 0) …", ipcKey), Same: same, Plan: in.plan,
		Seen: ipcFacts("inside", i),
	})
}

func ipcFacts(where string, s ipcSeen) []Fact {
	return []Fact{{where, "shared memory", s.Shm}, {where, "semaphores", s.Sem}, {where, "message queue", s.Msg}}
}
