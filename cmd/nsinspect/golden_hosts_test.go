package main

import (
	"testing"
	"time"

	"nsinspect/inspect"
	"nsinspect/render/rendertest"
)

// goldenHosts are the hosts of testdata/hosts that are made here. Snapshots
// of other origin may lie beside them.
var goldenHosts = map[string]func() *hostBuilder{
	"docker":       dockerHost,
	"rootless":     rootlessHost,
	"hostile":      hostileHost,
	"unprivileged": unprivilegedHost,
	"wired":        wiredHost,
	"snare":        snareHost,
	"links":        linksHost,
	"holders":      holdersHost,
}

func TestGoldenHosts(t *testing.T) {
	for name, build := range goldenHosts {
		rendertest.Host(t, name, build().encode(t))
	}
}

// dockerHost runs a compose project of two, a container with the host's
// network and pids, a sidecar in another's network, and has two network
// namespaces of ip-netns.
func dockerHost() *hostBuilder {
	b := newHost("docker1")
	root := b.init.Of(inspect.User)
	b.proc(3, 2, "kworker/0:0", b.init).Kernel = true
	b.proc(412, 1, "containerd", b.init).Threads = 11
	b.proc(431, 1, "dockerd", b.init).Threads = 14
	b.proc(502, 1, "sshd", b.init)
	b.observer(9120, 0, 1<<41-1, b.init)

	var last inspect.Links
	contain := func(name, id, host string, pid int, share inspect.Links, kinds ...inspect.Type) *inspect.Container {
		links := share
		for _, t := range kinds {
			n := b.ns(t, root)
			switch t {
			case inspect.PID:
				n.Parent = b.init.Of(inspect.PID)
			case inspect.UTS:
				n.UTS = &inspect.UTSName{Hostname: host, Domainname: "(none)"}
			}
			links = b.enter(links, n.ID)
		}
		shim := b.proc(pid-20, 1, "containerd-shim", b.init)
		shim.Cgroups[0].Path = "/system.slice/containerd.service"
		last = links
		return b.container(name, id, pid)
	}
	plain := []inspect.Type{inspect.Mnt, inspect.UTS, inspect.IPC, inspect.PID, inspect.Net, inspect.Cgroup}

	web := contain("shop-web-1", "3f1e9b7a", "3f1e9b7a3f1e", 3037, b.init, plain...)
	web.Image, web.NetworkMode = "nginx:1.27", "shop_default"
	web.Labels = map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
	webLinks := last
	b.in(b.proc(3037, 3017, "nginx", last), web, 1)
	b.user(b.in(b.proc(3081, 3037, "nginx", last), web, 29), 101, "")
	b.user(b.in(b.proc(3082, 3037, "nginx", last), web, 30), 101, "")

	db := contain("shop-db-1", "77c0ffee", "77c0ffee77c0", 3240, b.init, plain...)
	db.Image, db.NetworkMode = "postgres:17", "shop_default"
	db.Labels = map[string]string{"com.docker.compose.project": "shop", "com.docker.compose.service": "db"}
	b.user(b.in(b.proc(3240, 3220, "postgres", last), db, 1), 999, "systemd-coredump")
	b.user(b.in(b.proc(3301, 3240, "postgres", last), db, 62), 999, "")

	sidecar := contain("tcpdump", "0badcafe", "3f1e9b7a3f1e", 3410, b.enter(b.init, webLinks.Of(inspect.Net)), inspect.Mnt, inspect.IPC, inspect.PID, inspect.Cgroup)
	sidecar.Image, sidecar.NetworkMode = "netshoot", "container:"+web.ID
	b.in(b.proc(3410, 3390, "tcpdump", last), sidecar, 1)

	monitor := contain("node-exporter", "a11ce5ee", "docker1", 3500, b.init, inspect.Mnt, inspect.IPC, inspect.Cgroup)
	monitor.Image, monitor.NetworkMode = "prom/node-exporter", "host"
	b.user(b.in(b.proc(3500, 3480, "node_exporter", last), monitor), 65534, "nobody")

	stopped := b.container("backup", "deadbea7", 0)
	stopped.State, stopped.Image = "exited", "restic"

	for _, name := range []string{"blue", "green"} {
		n := b.ns(inspect.Net, root)
		b.s.Refs = append(b.s.Refs, inspect.Ref{NS: n.ID, Kind: inspect.RefMount, Path: "/run/netns/" + name, Name: name})
	}
	b.proc(4100, 502, "sleep", b.enter(b.init, b.s.Namespaces[len(b.s.Namespaces)-1].ID))
	b.proc(9120, 502, "nsinspect", b.init)
	return b
}

// rootlessHost has a rootless container of user alice, a user namespace
// nested in it, a time namespace, and a process of which only a thread left.
func rootlessHost() *hostBuilder {
	b := newHost("laptop")
	b.observer(7001, 0, 1<<41-1, b.init)
	alice := uint32(1000)
	b.user(b.proc(1200, 1, "systemd", b.init), alice, "alice")

	outer := b.child(inspect.User, b.init.Of(inspect.User), b.init.Of(inspect.User))
	outer.OwnerUID = &alice
	outer.IDMap = idMap("allow", inspect.IDRange{Outside: 1000, Count: 1}, inspect.IDRange{Inside: 1, Outside: 100000, Count: 65536})
	outerID := outer.ID
	mnt := b.ns(inspect.Mnt, outerID).ID
	pause := b.enter(b.init, outerID, mnt)
	b.user(b.proc(2100, 1200, "podman pause", pause), alice, "")

	links := pause
	for _, t := range []inspect.Type{inspect.Mnt, inspect.UTS, inspect.IPC, inspect.PID, inspect.Net, inspect.Cgroup} {
		n := b.ns(t, outerID)
		switch t {
		case inspect.PID:
			n.Parent = b.init.Of(inspect.PID)
		case inspect.UTS:
			n.UTS = &inspect.UTSName{Hostname: "devbox", Domainname: "(none)"}
		}
		links = b.enter(links, n.ID)
	}
	box := b.container("devbox", "5eed", 2200)
	box.Engine, box.Image = "podman", "fedora:42"
	b.user(b.in(b.proc(2200, 1200, "bash", links), box, 1), alice, "")
	b.user(b.in(b.proc(2230, 2200, "httpd", links), box, 14), 100032, "")

	middle := b.child(inspect.User, outerID, outerID) // no process: its child keeps it
	middle.OwnerUID = &alice
	middleID := middle.ID
	inner := b.child(inspect.User, middleID, middleID)
	inner.OwnerUID = &alice
	inner.IDMap = idMap("deny", inspect.IDRange{Outside: 1000, Count: 1})
	innerID := inner.ID
	clock := b.ns(inspect.Time, innerID)
	clock.TimeOffsets = &inspect.TimeOffsets{Monotonic: -7 * 24 * time.Hour, Boottime: 36 * time.Hour}
	deep := b.enter(links, innerID, clock.ID)
	deepPID := b.child(inspect.PID, innerID, links.Of(inspect.PID)).ID
	b.user(b.in(b.proc(2300, 2230, "unshare", b.enter(deep, deepPID)), box, 20, 1), alice, "")

	zombie := b.proc(2400, 1200, "worker", inspect.Links{})
	b.user(zombie, alice, "").State = "Z"
	zombie.Threads = 2
	b.s.Processes[len(b.s.Processes)-1].Threads = []inspect.Thread{
		{TID: 2403, Comm: "worker-io", NS: b.enter(b.init, b.ns(inspect.Net, b.init.Of(inspect.User)).ID)},
	}
	return b
}

// hostileHost has names that try to harm whoever reads them.
func hostileHost() *hostBuilder {
	b := newHost("evil\nnsinspect: error: fake\x1b[2J")
	b.observer(900, 0, 1<<41-1, b.init)
	root := b.init.Of(inspect.User)
	uts := b.ns(inspect.UTS, root)
	uts.UTS = &inspect.UTSName{Hostname: "a\r\n\x1b]0;pwn\x07b", Domainname: "\u202egro.live"}
	one := b.enter(b.init, uts.ID)
	b.proc(666, 1, "\x1b]0;pwn\x07", one)
	b.proc(667, 1, `"];x[`, b.enter(b.init, b.ns(inspect.Net, root).ID))
	b.proc(668, 1, "a b\tc  ", b.enter(b.init, b.ns(inspect.IPC, root).ID))
	c := b.container("ok\u202e\u2066gpj.exe\u200b", "bad1", 669)
	c.Image = "<script>alert(1)</script>"
	c.Labels = map[string]string{"com.docker.compose.project": "true", "com.docker.compose.service": "- a: b #"}
	b.in(b.proc(669, 1, "\xff\xfe\u009b31m", b.enter(b.init, b.ns(inspect.Mnt, root).ID)), c)
	b.user(b.proc(670, 1, "日本語プロセス", b.enter(b.init, b.ns(inspect.Cgroup, root).ID)), 4242, "o\x7fops")
	n := b.ns(inspect.Net, root)
	b.s.Refs = append(b.s.Refs, inspect.Ref{NS: n.ID, Kind: inspect.RefMount, Path: "/run/netns/../x\n", Name: ""})
	return b
}

// unprivilegedHost is seen by a user who may read little: most links, and
// owners of namespaces, are out of sight.
func unprivilegedHost() *hostBuilder {
	b := newHost("shared")
	bob := uint32(1001)
	b.observer(5100, bob, 0, b.init)
	b.proc(310, 1, "dbus-daemon", inspect.Links{})
	b.proc(420, 1, "sshd", inspect.Links{})
	for i := range b.s.Processes {
		b.s.Processes[i].NS = inspect.Links{}
	}
	b.user(b.proc(5000, 420, "bash", b.init), bob, "bob")
	b.user(b.proc(5100, 5000, "nsinspect", b.init), bob, "bob")
	for i := range b.s.Namespaces {
		b.s.Namespaces[i].Owner = inspect.ID{}
	}
	b.s.Problems = []inspect.Problem{{
		Op: "read namespace links", Path: "/proc/1/ns", Err: "permission denied",
		Hint: "run as root (sudo nsinspect …)", Count: 4, Total: 6, PIDs: []int{1, 2, 310, 420},
	}}
	return b
}
