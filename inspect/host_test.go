package inspect

import "time"

// Inodes of the host of these tests.
const (
	inoTime = 4026531834 + iota
	inoCgroup
	inoPID
	inoUser
	inoUTS
	inoIPC
	inoNet
	inoMnt
)

const (
	inoWebNet = 4026532299
	inoWebPID = 4026532297
	inoDBUser = 4026532310
	inoDBPID  = 4026532312
	inoDBNet  = 4026532315
	inoInUser = 4026532320
	inoInPID  = 4026532322
	inoBlue   = 4026532400
	inoGhost  = 4026532500

	webID = "3037aa55e1f0aa55e1f0aa55e1f0aa55e1f0aa55e1f0aa55e1f0aa55e1f0aa55"
	dbID  = "30ffbb55e1f0aa55e1f0aa55e1f0aa55e1f0aa55e1f0aa55e1f0aa55e1f0aa55"
	oldID = "77ffbb55e1f0aa55e1f0aa55e1f0aa55e1f0aa55e1f0aa55e1f0aa55e1f0aa55"
)

func id(ino uint64) ID { return ID{Dev: 4, Ino: ino} }

func ptr[T any](v T) *T { return &v }

// hostLinks are the namespaces of PID 1.
func hostLinks() Links {
	return Links{
		LinkCgroup: id(inoCgroup), LinkIPC: id(inoIPC), LinkMnt: id(inoMnt), LinkNet: id(inoNet),
		LinkPID: id(inoPID), LinkPIDForChildren: id(inoPID), LinkTime: id(inoTime),
		LinkTimeForChildren: id(inoTime), LinkUser: id(inoUser), LinkUTS: id(inoUTS),
	}
}

// with returns links with some of them changed.
func (l Links) with(change map[Link]uint64) Links {
	for link, ino := range change {
		l[link] = id(ino)
	}
	return l
}

func webLinks() Links {
	return hostLinks().with(map[Link]uint64{LinkNet: inoWebNet, LinkPID: inoWebPID, LinkPIDForChildren: inoWebPID})
}

func dbLinks() Links {
	return hostLinks().with(map[Link]uint64{LinkUser: inoDBUser, LinkNet: inoDBNet, LinkPID: inoDBPID, LinkPIDForChildren: inoDBPID})
}

func innerLinks() Links {
	return dbLinks().with(map[Link]uint64{LinkUser: inoInUser, LinkPID: inoInPID, LinkPIDForChildren: inoInPID})
}

// process returns a process with Info; its nspid begins with its pid.
func process(pid, ppid int, start uint64, comm string, links Links, inner ...int) Process {
	return Process{PID: pid, NS: links, Info: &Info{
		PPID: ppid, Start: start, State: "S", Comm: comm, NSpid: append([]int{pid}, inner...), Threads: 1,
	}}
}

func inContainer(p Process, c string) Process {
	p.Info.Container = c
	return p
}

// testHost is a Docker host: web1 with namespaces of its own in the host's
// user namespace, db1 in a remapped one with a nested user and pid namespace
// in it, a stopped container, the netns "blue" without a process, a zombie
// leader whose thread is in a netns of its own, and a process that could not
// be read.
func testHost() *Snapshot {
	parent := func(ino uint64, t Type, up uint64) Namespace {
		n := Namespace{ID: id(ino), Type: t, Owner: id(inoUser)}
		if t == User {
			n.Owner = id(up)
		}
		n.Parent = id(up)
		return n
	}
	own := func(ino uint64, t Type, owner uint64) Namespace {
		return Namespace{ID: id(ino), Type: t, Owner: id(owner), Serial: ino - 4026531000}
	}
	userNS := func(ino, up uint64, uid, gid []IDRange) Namespace {
		n := parent(ino, User, up)
		n.IDMap = &IDMap{UID: uid, GID: gid, Setgroups: "allow"}
		return n
	}
	full := []IDRange{{0, 0, 4294967295}}
	top := Namespace{ID: id(inoUser), Type: User, IDMap: &IDMap{UID: full, GID: full, Setgroups: "allow"}}
	topPID := own(inoPID, PID, inoUser)
	s := &Snapshot{
		Format: Format, Tool: "nsinspect test", Scope: NewScope(FactsAll, nil),
		Host: Host{
			Hostname: "moby", Kernel: "6.18.44", Machine: "x86_64", BootID: "7f0c", NSDev: 4, PIDMax: 4194304, ClockTicks: 100,
			Taken: time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC), Uptime: time.Hour,
			OverflowUID: ptr(uint32(65534)), OverflowGID: ptr(uint32(65534)),
			Limits: map[string]int64{"max_net_namespaces": 127}, Users: map[uint32]string{0: "root"},
			Observer: Observer{PID: 900, NS: hostLinks()},
		},
		Namespaces: []Namespace{
			own(inoTime, Time, inoUser), own(inoCgroup, Cgroup, inoUser), topPID, top, own(inoUTS, UTS, inoUser),
			own(inoIPC, IPC, inoUser), own(inoNet, Net, inoUser), own(inoMnt, Mnt, inoUser),
			parent(inoWebPID, PID, inoPID), own(inoWebNet, Net, inoUser),
			userNS(inoDBUser, inoUser, []IDRange{{0, 100000, 65536}}, []IDRange{{0, 200000, 65536}}),
			parent(inoDBPID, PID, inoPID), own(inoDBNet, Net, inoDBUser),
			userNS(inoInUser, inoDBUser, []IDRange{{0, 101000, 100}, {1000, 100000, 1}}, []IDRange{{0, 201000, 1}}),
			parent(inoInPID, PID, inoDBPID),
			own(inoBlue, Net, inoUser), own(inoGhost, Net, inoUser),
		},
		Processes: []Process{
			process(1, 0, 1, "systemd", hostLinks()),
			process(2, 0, 1, "kthreadd", hostLinks()),
			process(900, 1, 500, "nsinspect", hostLinks()),
			inContainer(process(3037, 1, 300, "nginx", webLinks(), 1), webID),
			inContainer(process(3040, 3037, 310, "nginx", webLinks(), 7), webID),
			inContainer(process(4000, 1, 400, "postgres", dbLinks(), 1), dbID),
			inContainer(process(4010, 4000, 410, "runc", innerLinks(), 7, 1), dbID),
			{PID: 5000, Info: &Info{PPID: 1, Start: 450, State: "Z", Comm: "main"}, Threads: []Thread{
				{TID: 5001, Comm: "worker", NS: hostLinks().with(map[Link]uint64{LinkNet: inoGhost})},
			}},
			{PID: 6000},
		},
		Containers: []Container{
			{ID: webID, Name: "web1", Engine: "docker", Image: "nginx:1.27", State: "running", PID: 3037, Labels: map[string]string{
				"com.docker.compose.project": "shop", "com.docker.compose.service": "web",
			}},
			{ID: dbID, Name: "db1", Engine: "docker", State: "running", PID: 4000},
			{ID: oldID, Name: "old", Engine: "docker", State: "exited"},
		},
		Refs: []Ref{{NS: id(inoBlue), Kind: RefMount, Path: "/run/netns/blue", Name: "blue"}},
		Problems: []Problem{{
			Op: "read namespace links", Path: "/proc/6000/ns", Err: "permission denied", Hint: "run as root",
			Count: 1, Total: 9, PIDs: []int{6000},
		}},
	}
	return s
}
