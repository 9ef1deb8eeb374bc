package wire

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// owners is what the open files of processes lead to.
type owners struct {
	nets    []inspect.Network
	sockets map[uint64][]*inspect.Socket // by inode
	tuns    bool                         // whether there are tuns to find servers of
	bugs    *faults
	proc    string
}

// findHolders reads the links of /proc/PID/fd of the processes concerned, to
// tell which processes have a socket open and which serve a tun.
func findHolders(ctx context.Context, o *Options, nets []inspect.Network, bugs *faults) {
	w := &owners{nets: nets, sockets: map[uint64][]*inspect.Socket{}, bugs: bugs, proc: o.ProcRoot}
	for i := range nets {
		n := &nets[i]
		for j := range n.Sockets {
			if s := &n.Sockets[j]; s.Inode != 0 {
				w.sockets[s.Inode] = append(w.sockets[s.Inode], s)
			}
		}
	}
	if w.tuns = o.Facts.Has(inspect.FactServers) && anyTun(nets); !w.tuns && len(w.sockets) == 0 {
		return
	}
	for _, pid := range o.PIDs {
		if ctx.Err() != nil {
			bugs.add("read open files", inspect.ID{}, ctx.Err())
			return
		}
		w.process(pid)
	}
}

// anyTun reports whether somebody can have a tun open.
func anyTun(nets []inspect.Network) bool {
	for i := range nets {
		for j := range nets[i].Interfaces {
			if nets[i].Interfaces[j].Tun != nil {
				return true
			}
		}
	}
	return false
}

// process reads the open files of one process. That it has gone is normal.
func (w *owners) process(pid int) {
	dir := w.proc + "/" + strconv.Itoa(pid) + "/fd"
	entries, err := os.ReadDir(dir)
	if err != nil {
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ESRCH) {
			w.bugs.add("read open files of processes", inspect.ID{}, err)
		}
		return
	}
	for _, e := range entries {
		fd, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		link, err := os.Readlink(dir + "/" + e.Name())
		if err != nil {
			continue // closed meanwhile
		}
		w.link(inspect.FD{PID: pid, FD: fd}, link)
	}
}

// link takes in one open file.
func (w *owners) link(at inspect.FD, link string) {
	if num, ok := strings.CutPrefix(link, "socket:["); ok {
		inode, err := strconv.ParseUint(strings.TrimSuffix(num, "]"), 10, 64)
		if err != nil {
			return
		}
		for _, s := range w.sockets[inode] {
			s.Holders = append(s.Holders, at)
		}
		return
	}
	if w.tuns && strings.HasSuffix(link, "/net/tun") {
		w.tun(at)
	}
}

// tun finds the interface that an open /dev/net/tun serves: fdinfo says
// "iff:\tNAME" (drivers/net/tun.c), and the name counts in the namespace in
// which the interface is.
func (w *owners) tun(at inspect.FD) {
	b, err := os.ReadFile(w.proc + "/" + strconv.Itoa(at.PID) + "/fdinfo/" + strconv.Itoa(at.FD))
	if err != nil {
		return
	}
	name := tunName(string(b))
	ns := w.tunNetwork(at)
	if name == "" || ns == nil {
		return
	}
	for i := range ns.Interfaces {
		if l := &ns.Interfaces[i]; l.Name == name && l.Tun != nil {
			l.Tun.Servers = append(l.Tun.Servers, at)
		}
	}
}

// tunName is the interface in the fdinfo of a tun; "" when unattached.
func tunName(fdinfo string) string {
	for line := range strings.Lines(fdinfo) {
		if name, ok := strings.CutPrefix(line, "iff:"); ok {
			return strings.TrimSpace(name)
		}
	}
	return ""
}

// tunGetDevNetns is TUNGETDEVNETNS of linux/if_tun.h: _IO('T', 227).
const tunGetDevNetns = 0x54e3

// tunNetwork is the network in which the interface of an open tun is. The
// kernel tells it of the file itself, of which pidfd_getfd(2) gives a copy.
func (w *owners) tunNetwork(at inspect.FD) *inspect.Network {
	id, err := tunNamespace(at)
	if err != nil {
		if !errors.Is(err, unix.ESRCH) && !errors.Is(err, unix.EBADF) {
			w.bugs.add("ask the namespace of a tun", inspect.ID{}, err)
		}
		return nil
	}
	for i := range w.nets {
		if w.nets[i].NS == id {
			return &w.nets[i]
		}
	}
	return nil
}

func tunNamespace(at inspect.FD) (id inspect.ID, err error) {
	pidfd, err := unix.PidfdOpen(at.PID, 0)
	if err != nil {
		return id, os.NewSyscallError("pidfd_open", err)
	}
	defer unix.Close(pidfd)
	tun, err := unix.PidfdGetfd(pidfd, at.FD, 0)
	if err != nil {
		return id, os.NewSyscallError("pidfd_getfd", err)
	}
	defer unix.Close(tun)
	ns, err := unix.IoctlRetInt(tun, tunGetDevNetns)
	if err != nil {
		return id, os.NewSyscallError("TUNGETDEVNETNS", err)
	}
	defer unix.Close(ns)
	var st unix.Stat_t
	if err := unix.Fstat(ns, &st); err != nil {
		return id, os.NewSyscallError("fstat", err)
	}
	return inspect.ID{Dev: st.Dev, Ino: st.Ino}, nil
}
