package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"nsinspect/inspect"
)

// goldenTime is when the hosts of testdata/hosts were seen.
var goldenTime = time.Date(2026, 3, 14, 3, 12, 7, 0, time.UTC)

// issueFacts are what the hosts are asked for: all that `snapshot` takes of
// processes and namespaces.
const hostFacts = inspect.FactTasks | inspect.FactThreads | inspect.FactLeads | inspect.FactProcesses |
	inspect.FactOwners | inspect.FactIDMaps | inspect.FactTimeOffsets | inspect.FactHostnames |
	inspect.FactContainers | inspect.FactNames | inspect.FactLimits

// hostBuilder makes the snapshot of a host as the live capture would.
type hostBuilder struct {
	s    inspect.Snapshot
	init inspect.Links // of the first process
	ino  uint64        // the next inode
}

func newHost(hostname string) *hostBuilder {
	overflow := uint32(65534)
	b := &hostBuilder{ino: 4026532200}
	b.s = inspect.Snapshot{
		Format: inspect.Format, Tool: "nsinspect 0.1.0",
		Scope: inspect.NewScope(hostFacts, nil),
		Host: inspect.Host{
			Hostname: hostname, Kernel: "6.12.48+deb13-amd64", Machine: "x86_64",
			BootID: "6b1f0a52-1d6c-4f3a-9a52-0d9f64d2c7e1", Taken: goldenTime, NSDev: 4,
			PIDMax: 4194304, ClockTicks: 100, Uptime: 372*time.Hour + 11*time.Minute,
			OverflowUID: &overflow, OverflowGID: &overflow,
			Limits: map[string]int64{"max_net_namespaces": 63531, "max_user_namespaces": 63531, "max_pid_namespaces": 63531},
			Users:  map[uint32]string{0: "root"},
		},
	}
	for i, t := range []inspect.Type{inspect.Time, inspect.Cgroup, inspect.PID, inspect.User, inspect.UTS, inspect.IPC, inspect.Net, inspect.Mnt} {
		id := inspect.ID{Dev: 4, Ino: 4026531834 + uint64(i)}
		b.init[t.Link()] = id
		n := inspect.Namespace{ID: id, Type: t, Serial: uint64(i + 1)}
		switch t {
		case inspect.User:
			n.OwnerUID = new(uint32)
			n.IDMap = idMap("allow", inspect.IDRange{Count: 4294967295})
		case inspect.UTS:
			n.UTS = &inspect.UTSName{Hostname: hostname, Domainname: "(none)"}
		case inspect.Time:
			n.TimeOffsets = &inspect.TimeOffsets{}
		}
		b.s.Namespaces = append(b.s.Namespaces, n)
	}
	b.init[inspect.LinkPIDForChildren], b.init[inspect.LinkTimeForChildren] = b.init[inspect.LinkPID], b.init[inspect.LinkTime]
	for i := range b.s.Namespaces {
		if n := &b.s.Namespaces[i]; n.Type != inspect.User {
			n.Owner = b.init[inspect.LinkUser]
		}
	}
	b.proc(1, 0, "systemd", b.init)
	b.proc(2, 0, "kthreadd", b.init).Kernel = true
	return b
}

func idMap(setgroups string, ranges ...inspect.IDRange) *inspect.IDMap {
	return &inspect.IDMap{UID: ranges, GID: ranges, Setgroups: setgroups}
}

// observer says who looked.
func (b *hostBuilder) observer(pid int, uid uint32, caps uint64, ns inspect.Links) {
	b.s.Host.Observer = inspect.Observer{PID: pid, EUID: uid, EGID: uid, Caps: caps, NS: ns}
}

// ns adds a namespace of kind t owned by owner and returns it for more facts.
// It stays valid until the next is added.
func (b *hostBuilder) ns(t inspect.Type, owner inspect.ID) *inspect.Namespace {
	b.ino++
	b.s.Namespaces = append(b.s.Namespaces, inspect.Namespace{
		ID: inspect.ID{Dev: 4, Ino: b.ino}, Type: t, Owner: owner, Serial: b.ino - 4026531000,
	})
	return &b.s.Namespaces[len(b.s.Namespaces)-1]
}

// child adds a pid or user namespace below parent.
func (b *hostBuilder) child(t inspect.Type, owner, parent inspect.ID) *inspect.Namespace {
	n := b.ns(t, owner)
	n.Parent = parent
	return n
}

// enter returns links with the namespaces ids in place of those of their
// kinds, as a process that was cloned into them has them.
func (b *hostBuilder) enter(links inspect.Links, ids ...inspect.ID) inspect.Links {
	for _, id := range ids {
		for _, n := range b.s.Namespaces {
			if n.ID != id {
				continue
			}
			links[n.Type.Link()] = id
			switch n.Type {
			case inspect.PID:
				links[inspect.LinkPIDForChildren] = id
			case inspect.Time:
				links[inspect.LinkTimeForChildren] = id
			}
		}
	}
	return links
}

// proc adds a process that root runs and returns its Info for changes.
func (b *hostBuilder) proc(pid, ppid int, comm string, links inspect.Links) *inspect.Info {
	all := uint64(1<<41 - 1)
	info := &inspect.Info{
		PPID: ppid, Start: uint64(pid) * 37, State: "S", Comm: comm, NSpid: []int{pid}, Threads: 1,
		Caps:    &inspect.Caps{Permitted: all, Effective: all, Bounding: all},
		Cgroups: []inspect.CgroupPath{{Path: "/system.slice/" + comm + ".service"}},
	}
	b.s.Processes = append(b.s.Processes, inspect.Process{PID: pid, NS: links, Info: info})
	return info
}

// user makes the process run as uid, called name where that is not "".
func (b *hostBuilder) user(info *inspect.Info, uid uint32, name string) *inspect.Info {
	info.UID, info.GID = [4]uint32{uid, uid, uid, uid}, [4]uint32{uid, uid, uid, uid}
	info.Caps = &inspect.Caps{Bounding: 1<<41 - 1}
	if name != "" {
		b.s.Host.Users[uid] = name
	}
	return info
}

// container adds a container of Docker. id is repeated to the usual length.
func (b *hostBuilder) container(name, id string, pid int) *inspect.Container {
	b.s.Containers = append(b.s.Containers, inspect.Container{
		ID: strings.Repeat(id, 64)[:64], Name: name, Engine: "docker", State: "running", PID: pid,
	})
	return &b.s.Containers[len(b.s.Containers)-1]
}

// in puts a process into a container's cgroup; inside is its pid there.
func (b *hostBuilder) in(info *inspect.Info, c *inspect.Container, inside ...int) *inspect.Info {
	info.Container = c.ID
	info.NSpid = append(info.NSpid, inside...)
	info.Cgroups = []inspect.CgroupPath{{Path: fmt.Sprintf("/system.slice/docker-%s.scope", c.ID)}}
	info.Caps = &inspect.Caps{Permitted: 0xa80425fb, Effective: 0xa80425fb, Bounding: 0xa80425fb}
	info.Seccomp = 2
	return info
}

// encode returns the snapshot as the snapshot command would write it.
func (b *hostBuilder) encode(t *testing.T) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := inspect.Encode(&buf, inspect.NewIndex(&b.s).Snapshot()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}
