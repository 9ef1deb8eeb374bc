package demo

import (
	"nsinspect/enter"
	"nsinspect/inspect"
)

// Experiment is one that can be run.
type Experiment struct {
	Name  string
	Title string
	Kinds enter.Kinds // that it is about
	// Tools are programs that it uses where they are present.
	Tools []string

	lab   enter.Kinds // that stand for the host
	inner bool        // takes a user namespace, also as root
	run   func(*play) error
}

// Experiments lists all, in the order of the tutorial.
func Experiments() []Experiment {
	return []Experiment{
		{Name: "ns", Title: "same link in /proc/PID/ns, same namespace", Kinds: enter.SetOf(inspect.UTS, inspect.IPC), run: runNS},
		{Name: "uts", Title: "a hostname of one's own", Kinds: enter.SetOf(inspect.UTS), lab: enter.SetOf(inspect.UTS), run: runUTS},
		{Name: "pid", Title: "process 1 inside, another number outside", Kinds: enter.SetOf(inspect.PID, inspect.Mnt), run: runPID},
		{Name: "ipc", Title: "shared memory, semaphores and message queues of one's own", Kinds: enter.SetOf(inspect.IPC), lab: enter.SetOf(inspect.IPC), run: runIPC},
		{Name: "mnt", Title: "mounts that nobody else sees, and what chroot is not", Kinds: enter.SetOf(inspect.Mnt), lab: enter.SetOf(inspect.Mnt), run: runMnt},
		{Name: "user", Title: "root inside, a plain user outside", Kinds: enter.SetOf(inspect.User), inner: true, run: runUser},
		{Name: "net", Title: "interfaces, addresses and ports of one's own", Kinds: enter.SetOf(inspect.Net), lab: enter.SetOf(inspect.Net), run: runNet},
		{Name: "cgroup", Title: "one's own cgroup as the root", Kinds: enter.SetOf(inspect.Cgroup), run: runCgroup},
		{Name: "time", Title: "an uptime of one's own", Kinds: enter.SetOf(inspect.Time), run: runTime},
		{
			Name: "container", Title: "all kinds together: a container by hand", Kinds: enter.AllKinds,
			lab: enter.SetOf(inspect.Mnt, inspect.Net), inner: true, Tools: []string{"busybox"}, run: runContainer,
		},
		{
			Name: "bridge", Title: "Docker's bridge by hand", Kinds: enter.SetOf(inspect.Net, inspect.Mnt),
			lab: enter.SetOf(inspect.Net, inspect.Mnt, inspect.UTS), run: runBridge,
		},
	}
}

// ByName returns the experiment of that name.
func ByName(name string) (Experiment, bool) {
	for _, e := range Experiments() {
		if e.Name == name {
			return e, true
		}
	}
	return Experiment{}, false
}
