package main

import "nsinspect/inspect"

// holdersHost is a host whose namespaces are held in every way that a scan
// sees: a network namespace that dockerd and docker-proxy leak, one of
// ip-netns, one that is mounted in a mount namespace without process, a pid
// namespace that a child and a pidfd hold, a name without a namespace; and the
// mounts of the host and of a container.
func holdersHost() *hostBuilder {
	b := newHost("leaky")
	root := b.init.Of(inspect.User)
	b.s.Scope = inspect.NewScope(hostFacts|inspect.FactsHolders|inspect.FactMounts|inspect.FactInFlight|inspect.FactCensus, nil)
	b.observer(9120, 0, 1<<41-1, b.init)
	b.proc(431, 1, "dockerd", b.init).Cgroups[0].Path = "/system.slice/docker.service"
	b.proc(502, 1, "sshd", b.init)
	b.proc(9120, 502, "nsinspect", b.init)
	b.user(b.proc(7000, 502, "vpn", b.init), 1000, "alice").Cgroups[0].Path = "/user.slice/user-1000.slice/session-3.scope"

	leaked := b.ref(b.ns(inspect.Net, root).ID, inspect.RefFD, 431, 17, "net:[4026532201]")
	for fd := 21; fd < 31; fd++ {
		b.ref(leaked, inspect.RefFD, 431, fd, "/run/docker/netns/1a2b3c")
	}
	b.socket(leaked, 431, 40, "tcp", "172.18.0.2:443", "172.18.0.9:51234")
	b.socket(leaked, 7000, 5, "udp", "0.0.0.0:1194", "")
	b.s.Refs = append(b.s.Refs, inspect.Ref{NS: leaked, Kind: inspect.RefTun, PID: 7000, FD: 6, Path: "/dev/net/tun", Interface: "tun0"})
	b.refCount(leaked, 5)

	blue := b.ns(inspect.Net, root).ID
	host := b.init.Of(inspect.Mnt)
	b.mountRef(blue, host, 90, "/run/netns/blue", "blue")
	b.refCount(blue, 3)
	b.s.Refs = append(b.s.Refs, inspect.Ref{Kind: inspect.RefStale, Path: "/run/docker/netns/dead", Name: "dead"})

	lonely := b.ns(inspect.Mnt, root).ID
	b.ref(lonely, inspect.RefInFlight, 7000, 9, "")
	b.mountRef(b.ns(inspect.Net, root).ID, lonely, 120, "/tmp/ns net", "")

	dead := b.child(inspect.PID, root, b.init.Of(inspect.PID)).ID
	b.ref(b.child(inspect.PID, root, dead).ID, inspect.RefIOUring, 502, 4, "anon_inode:[io_uring]")
	b.s.Refs = append(b.s.Refs, inspect.Ref{Kind: inspect.RefPidfd, PID: 502, FD: 12, Path: "anon_inode:[pidfd]", Candidate: true})

	alice := uint32(1000)
	user := b.child(inspect.User, root, root)
	user.OwnerUID = &alice
	b.ref(b.ns(inspect.IPC, user.ID).ID, inspect.RefInotify, 7000, 3, "anon_inode:inotify")

	b.holdersContainer(root)
	b.s.Census = &inspect.Census{
		Steps: []inspect.CensusStep{
			{Name: "bpf", Effect: "loaded a BPF program and removed it", Note: "the kernel has 21 namespaces"},
			{Name: "listns", Skipped: "needs listns(2) of Linux 6.19"},
			{Name: "inodes", Effect: "made 131 uts namespaces that are gone again"},
		},
		Unknown: []inspect.InodeRun{{First: 4026532300, Count: 69, Looks: inspect.Net}, {First: 4026532400, Count: 1}},
	}
	return b
}

// holdersContainer adds a container with mounts, and those of the host.
func (b *hostBuilder) holdersContainer(root inspect.ID) {
	mnt := b.ns(inspect.Mnt, root).ID
	web := b.container("web1", "3f1e9b7a", 3037)
	links := b.enter(b.init, mnt)
	b.in(b.proc(3037, 431, "nginx", links), web)
	b.in(b.proc(3038, 3037, "nginx", links), web)
	host := b.init.Of(inspect.Mnt)
	b.mount(host, 20, 1, "254:1", "/", "/", "ext4", "/dev/vda1", 1, 0)
	b.mount(host, 21, 20, "0:22", "/", "/proc", "proc", "proc", 2, 0)
	b.mount(host, 22, 20, "254:16", "/", "/srv/data", "xfs", "/dev/vdb", 3, 0)
	b.mount(host, 24, 20, "0:40", "/", "/srv", "tmpfs", "tmpfs", 0, 0)
	b.mount(host, 90, 20, "0:4", "net:[4026532202]", "/run/netns/blue", "nsfs", "nsfs", 0, 0)
	b.mount(host, 91, 20, "0:51", "/", "/var/lib/docker/overlay2/77c0/merged", "overlay", "overlay", 4, 0)
	b.mount(mnt, 200, 199, "0:51", "/", "/", "overlay", "overlay", 0, 4)
	b.mount(mnt, 201, 200, "0:60", "/", "/proc", "proc", "proc", 0, 0)
	b.mount(mnt, 202, 200, "254:16", "/web", "/data", "xfs", "/dev/vdb", 0, 3)
	b.mount(mnt, 203, 202, "0:61", "/", "/data", "tmpfs", "tmpfs\x1b[31m", 0, 0)
}

// ref adds a descriptor that holds id, and returns id.
func (b *hostBuilder) ref(id inspect.ID, kind inspect.RefKind, pid, fd int, path string) inspect.ID {
	b.s.Refs = append(b.s.Refs, inspect.Ref{NS: id, Kind: kind, PID: pid, FD: fd, Path: path})
	return id
}

func (b *hostBuilder) socket(id inspect.ID, pid, fd int, protocol, local, remote string) {
	b.s.Refs = append(b.s.Refs, inspect.Ref{
		NS: id, Kind: inspect.RefSocket, PID: pid, FD: fd, Inode: uint64(9000 + fd), Protocol: protocol, Local: local, Remote: remote,
	})
}

func (b *hostBuilder) mountRef(id, in inspect.ID, mount uint64, path, name string) {
	b.s.Refs = append(b.s.Refs, inspect.Ref{NS: id, Kind: inspect.RefMount, Path: path, Name: name, MountNS: in, MountID: mount})
}

func (b *hostBuilder) refCount(id inspect.ID, n int) {
	for i := range b.s.Namespaces {
		if b.s.Namespaces[i].ID == id {
			b.s.Namespaces[i].RefCount = &n
		}
	}
}

func (b *hostBuilder) mount(ns inspect.ID, id, parent uint64, device, root, point, fstype, source string, shared, master int) {
	b.s.Mounts = append(b.s.Mounts, inspect.Mount{
		NS: ns, MountID: id, ParentID: parent, Device: device, Root: root, Point: point, FSType: fstype, Source: source,
		Options: "rw,relatime", SuperOptions: "rw", Shared: shared, Master: master,
	})
}
