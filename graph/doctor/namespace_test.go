package doctor_test

import (
	"math"
	"slices"
	"testing"

	"nsinspect/graph/doctor"
	"nsinspect/inspect"
	"nsinspect/inspect/live/livetest/netlab"
)

// adapted returns a step that changes what the snapshot says.
func adapted(change func(l *lab, s *inspect.Snapshot)) func(*lab) {
	return func(l *lab) { l.adapt = func(s *inspect.Snapshot) { change(l, s) } }
}

func (l *lab) id(ino uint64) inspect.ID { return inspect.ID{Dev: l.Host.ID.Dev, Ino: ino} }

// users adds two user namespaces with these maps.
func (l *lab) users(s *inspect.Snapshot, owners [2]uint32, maps ...inspect.IDRange) {
	for i, m := range maps {
		s.Namespaces = append(s.Namespaces, inspect.Namespace{
			ID: l.id(uint64(90 + i)), Type: inspect.User, OwnerUID: &owners[i], IDMap: &inspect.IDMap{UID: []inspect.IDRange{m}},
		})
	}
}

// mounts gives the host these mounts, each with the id of its place.
func (l *lab) mounts(s *inspect.Snapshot, list ...inspect.Mount) {
	ns := l.id(80)
	s.Host.Observer.NS[inspect.LinkMnt], s.Mounts = ns, nil
	for i, m := range list {
		m.NS, m.MountID, m.ParentID, m.Root = ns, uint64(20+i), 20, "/"
		if i == 0 {
			m.ParentID = 1
		}
		s.Mounts = append(s.Mounts, m)
	}
}

var (
	rootMount = inspect.Mount{Device: "254:0", Point: "/", FSType: "ext4", Source: "/dev/vda1"}
	dataMount = inspect.Mount{Device: "254:16", Point: "/srv/data", FSType: "xfs", Source: "/dev/vdb"}
	overMount = inspect.Mount{Device: "0:55", Point: "/srv", FSType: "tmpfs", Source: "tmpfs"}
)

var namespaceFaults = []fault{
	{
		name: "leaked namespace held by a file", check: "leaked-netns", severity: doctor.Warning, object: "network namespace net:[",
		cause: "no process is in it, held by: fd of sleep (pid 1001); it still has eth0, plugged into docker0",
		fix:   "docker stop web",
		do: adapted(func(l *lab, s *inspect.Snapshot) {
			s.Processes = slices.DeleteFunc(s.Processes, func(p inspect.Process) bool { return p.PID == 1002 })
			s.Containers = s.Containers[:1]
			s.Refs = append(s.Refs, inspect.Ref{NS: l.DB.ID, Kind: inspect.RefFD, PID: 1001, FD: 7, Path: "net:[1]"})
		}),
		undo: adapted(func(l *lab, s *inspect.Snapshot) { // somebody wants it to be there
			s.Processes = slices.DeleteFunc(s.Processes, func(p inspect.Process) bool { return p.PID == 1002 })
			s.Containers = s.Containers[:1]
			s.Refs = append(s.Refs, inspect.Ref{NS: l.DB.ID, Kind: inspect.RefMount, Path: "/run/netns/blue", Name: "blue"})
		}),
	},
	{
		name: "veth to a namespace that nothing shows", check: "leaked-netns", severity: doctor.Warning, object: "interface veth9",
		cause: "its other end eth0 is in a network namespace that no process, file, mount or socket in sight holds",
		do: func(l *lab) {
			n := netlab.New(l.t)
			l.Host.Veth("veth9", n, "eth0")
			l.Host.Plug("veth9", "docker0")
		},
		undo: func(l *lab) { l.ip(l.Host, "link", "del", "veth9") },
	},
	{
		name: "stale name", check: "stale-netns-name", severity: doctor.Warning, object: "name /run/netns/old",
		cause: "no namespace is mounted on it", fix: "rm /run/netns/old",
		do: adapted(func(_ *lab, s *inspect.Snapshot) {
			s.Refs = append(s.Refs, inspect.Ref{Kind: inspect.RefStale, Path: "/run/netns/old", Name: "old"})
		}),
		undo: adapted(func(l *lab, s *inspect.Snapshot) { // it is mounted elsewhere
			s.Refs = append(s.Refs, inspect.Ref{Kind: inspect.RefStale, Path: "/run/netns/old", Name: "old"},
				inspect.Ref{NS: l.Web.ID, Kind: inspect.RefMount, Path: "/run/netns/old", Name: "old", MountNS: l.id(70), MountID: 5})
		}),
	},
	{
		name: "limit of namespaces", check: "namespace-limit", severity: doctor.Warning, object: "net namespaces",
		cause: "3 of at most 3 are in use", fix: "sysctl -w user.max_net_namespaces=6",
		do:   adapted(func(_ *lab, s *inspect.Snapshot) { s.Host.Limits = map[string]int64{"max_net_namespaces": 3} }),
		undo: adapted(func(_ *lab, s *inspect.Snapshot) { s.Host.Limits = map[string]int64{"max_net_namespaces": 60} }),
	},
	{
		name: "container with the host's pids", check: "host-namespace", severity: doctor.Note, object: "the host's pid namespace",
		cause: "a container is in it: db",
		do: adapted(func(l *lab, s *inspect.Snapshot) {
			s.Host.Observer.NS[inspect.LinkPID] = l.id(60)
			s.Processes[2].NS[inspect.LinkPID] = l.id(60)
		}),
		undo: adapted(func(l *lab, s *inspect.Snapshot) { s.Host.Observer.NS[inspect.LinkPID] = l.id(60) }),
	},
	{
		name: "overlapping ids", check: "idmap-overlap", severity: doctor.Warning, object: "user:[90] and user:[91]",
		cause: "belong to uid 1000 and uid 1001, and both map the host's ids 165000 to 165535",
		do: adapted(func(l *lab, s *inspect.Snapshot) {
			l.users(s, [2]uint32{1000, 1001}, inspect.IDRange{Outside: 100000, Count: 65536}, inspect.IDRange{Outside: 165000, Count: 65536})
		}),
		undo: adapted(func(l *lab, s *inspect.Snapshot) {
			l.users(s, [2]uint32{1000, 1001}, inspect.IDRange{Outside: 100000, Count: 65536}, inspect.IDRange{Outside: 165536, Count: 65536})
		}),
	},
	{
		name: "zombie", check: "zombie-init", severity: doctor.Warning, object: "container db",
		cause: "its parent sleep (pid 1001) has not waited for it",
		do: adapted(func(_ *lab, s *inspect.Snapshot) {
			i := s.Processes[2].Info
			i.State, i.NSpid, i.PPID = "Z", []int{1002, 1}, 1001
		}),
		undo: adapted(func(_ *lab, s *inspect.Snapshot) { s.Processes[2].Info.NSpid = []int{1002, 1} }),
	},
	{
		name: "hidden mount", check: "hidden-mount", severity: doctor.Warning, object: "mount of /dev/vdb at /srv/data",
		cause: "tmpfs from tmpfs is mounted over it at /srv",
		do:    adapted(func(l *lab, s *inspect.Snapshot) { l.mounts(s, rootMount, dataMount, overMount) }),
		undo:  adapted(func(l *lab, s *inspect.Snapshot) { l.mounts(s, rootMount, dataMount) }),
	},
}

// TestQuietMaps holds that maps which many containers have do not meet.
func TestQuietMaps(t *testing.T) {
	l := newLab(t)
	for name, change := range map[string]func(*lab, *inspect.Snapshot){
		"one owner": func(l *lab, s *inspect.Snapshot) {
			l.users(s, [2]uint32{0, 0}, inspect.IDRange{Outside: 100000, Count: 65536}, inspect.IDRange{Outside: 100000, Count: 65536})
		},
		"out of sight": func(l *lab, s *inspect.Snapshot) {
			l.users(s, [2]uint32{0, 7}, inspect.IDRange{Outside: math.MaxUint32, Count: 65536}, inspect.IDRange{Outside: math.MaxUint32, Count: 65536})
		},
		"single ids": func(l *lab, s *inspect.Snapshot) {
			l.users(s, [2]uint32{1000, 1001}, inspect.IDRange{Outside: 5, Count: 1}, inspect.IDRange{Outside: 5, Count: 1})
		},
	} {
		adapted(change)(l)
		l.silent(name)
	}
}
