package graph

import (
	"math"
	"testing"
	"time"

	"nsinspect/inspect"
)

// The namespaces of testHost by their inodes.
const (
	hostCgroup = 4026531835 + iota
	hostPID
	hostUser
	hostUTS
	hostIPC
	hostNet
	hostMnt
	hostTime

	webMnt    = 4026532401 // web1, a plain container
	webUTS    = 4026532402
	webIPC    = 4026532403
	webPID    = 4026532404
	webNet    = 4026532405
	webCgroup = 4026532406
	webNested = 4026532407 // a pid namespace made inside of web1
	dbUser    = 4026532501 // db, remapped, in the network namespace of web1
	dbMnt     = 4026532502
	dbPID     = 4026532503
	monMnt    = 4026532601 // mon, with --pid=host --net=host
)

func ns(ino uint64) inspect.ID { return inspect.ID{Dev: 4, Ino: ino} }

// links returns the host's links with some replaced.
func links(other map[inspect.Link]uint64) inspect.Links {
	var l inspect.Links
	l[inspect.LinkCgroup], l[inspect.LinkIPC], l[inspect.LinkMnt] = ns(hostCgroup), ns(hostIPC), ns(hostMnt)
	l[inspect.LinkNet], l[inspect.LinkPID], l[inspect.LinkPIDForChildren] = ns(hostNet), ns(hostPID), ns(hostPID)
	l[inspect.LinkTime], l[inspect.LinkTimeForChildren] = ns(hostTime), ns(hostTime)
	l[inspect.LinkUser], l[inspect.LinkUTS] = ns(hostUser), ns(hostUTS)
	for link, ino := range other {
		l[link] = ns(ino)
	}
	return l
}

func process(pid, ppid int, comm string, uid uint32, container string, nspid []int, l inspect.Links) inspect.Process {
	return inspect.Process{PID: pid, NS: l, Info: &inspect.Info{
		PPID: ppid, Start: uint64(pid) * 100, State: "S", Comm: comm, Container: container, NSpid: nspid, Threads: 1,
		UID:  [4]uint32{uid, uid, uid, uid},
		GID:  [4]uint32{uid, uid, uid, uid},
		Caps: &inspect.Caps{Bounding: 1<<41 - 1},
	}}
}

var (
	web1 = inspect.Container{ID: "aaaa00000000000000", Name: "web1", Engine: "docker", PID: 3037, State: "running"}
	db   = inspect.Container{ID: "bbbb00000000000000", Name: "db", Engine: "docker", PID: 3100}
	mon  = inspect.Container{ID: "cccc00000000000000", Engine: "docker", PID: 3300}
)

// testHost returns a host with three containers, as root sees it.
func testHost() *inspect.Snapshot {
	web := map[inspect.Link]uint64{
		inspect.LinkMnt: webMnt, inspect.LinkUTS: webUTS, inspect.LinkIPC: webIPC, inspect.LinkPID: webPID,
		inspect.LinkPIDForChildren: webPID, inspect.LinkNet: webNet, inspect.LinkCgroup: webCgroup,
	}
	nested := map[inspect.Link]uint64{}
	for l, ino := range web {
		nested[l] = ino
	}
	nested[inspect.LinkPID], nested[inspect.LinkPIDForChildren] = webNested, webNested
	dbLinks := map[inspect.Link]uint64{
		inspect.LinkUser: dbUser, inspect.LinkMnt: dbMnt, inspect.LinkPID: dbPID,
		inspect.LinkPIDForChildren: dbPID, inspect.LinkNet: webNet,
	}
	kthread := process(2, 0, "kthreadd", 0, "", []int{2}, links(nil))
	kthread.Info.Kernel = true
	s := &inspect.Snapshot{
		Format: inspect.Format, Scope: inspect.NewScope(inspect.FactsAll, nil),
		Host: inspect.Host{
			Hostname: "host", NSDev: 4, ClockTicks: 100, Uptime: 24 * time.Hour,
			Taken:    time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC),
			Users:    map[uint32]string{0: "root", 1000: "ann"},
			Limits:   map[string]int64{"max_net_namespaces": 100, "max_inotify_watches": 5},
			Observer: inspect.Observer{PID: 5000, NS: links(nil), Caps: 1<<41 - 1},
		},
		Processes: []inspect.Process{
			process(1, 0, "systemd", 0, "", []int{1}, links(nil)),
			kthread,
			process(3037, 1, "sleep", 0, web1.ID, []int{3037, 1}, links(web)),
			process(3050, 3037, "nginx", 101, web1.ID, []int{3050, 7}, links(web)),
			process(3060, 3037, "init", 0, web1.ID, []int{3060, 20, 1}, links(nested)),
			process(3100, 1, "postgres", 100070, db.ID, []int{3100, 1}, links(dbLinks)),
			process(3300, 1, "exporter", 0, mon.ID, []int{3300}, links(map[inspect.Link]uint64{inspect.LinkMnt: monMnt})),
			process(5000, 1, "nsinspect", 0, "", []int{5000}, links(nil)),
		},
		Containers: []inspect.Container{web1, db, mon},
	}
	for t, ino := range map[inspect.Type]uint64{
		inspect.Cgroup: hostCgroup, inspect.PID: hostPID, inspect.User: hostUser, inspect.UTS: hostUTS,
		inspect.IPC: hostIPC, inspect.Net: hostNet, inspect.Mnt: hostMnt, inspect.Time: hostTime,
	} {
		add(s, t, ino, hostUser, 0)
	}
	add(s, inspect.Mnt, webMnt, hostUser, 0)
	add(s, inspect.UTS, webUTS, hostUser, 0).UTS = &inspect.UTSName{Hostname: "web1", Domainname: "(none)"}
	add(s, inspect.IPC, webIPC, hostUser, 0)
	add(s, inspect.PID, webPID, hostUser, hostPID)
	add(s, inspect.Net, webNet, hostUser, 0)
	add(s, inspect.Cgroup, webCgroup, hostUser, 0)
	add(s, inspect.PID, webNested, hostUser, webPID)
	add(s, inspect.Mnt, monMnt, hostUser, 0)
	user := add(s, inspect.User, dbUser, hostUser, hostUser)
	user.OwnerUID = known(uint32(1000))
	user.IDMap = &inspect.IDMap{
		UID: []inspect.IDRange{{Inside: 0, Outside: 100000, Count: 65536}},
		GID: []inspect.IDRange{{Inside: 0, Outside: 100000, Count: 65536}},
	}
	add(s, inspect.Mnt, dbMnt, dbUser, 0)
	add(s, inspect.PID, dbPID, dbUser, hostPID)
	for i := range s.Namespaces {
		if n := &s.Namespaces[i]; n.ID == ns(hostUser) {
			n.Owner, n.OwnerUID = inspect.ID{}, known(uint32(0))
			n.IDMap = &inspect.IDMap{UID: []inspect.IDRange{{Count: math.MaxUint32}}, GID: []inspect.IDRange{{Count: math.MaxUint32}}}
		}
	}
	return s
}

func add(s *inspect.Snapshot, t inspect.Type, ino, owner, parent uint64) *inspect.Namespace {
	n := inspect.Namespace{ID: ns(ino), Type: t, Owner: ns(owner)}
	if parent != 0 {
		n.Parent = ns(parent)
	}
	s.Namespaces = append(s.Namespaces, n)
	return &s.Namespaces[len(s.Namespaces)-1]
}

// target resolves a word that must mean something.
func target(t *testing.T, x *inspect.Index, word string) inspect.Target {
	t.Helper()
	found, err := x.Resolve(word)
	if err != nil {
		t.Fatal(err)
	}
	return found
}
