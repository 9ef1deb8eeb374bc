package mounts

import (
	"context"
	"errors"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// Options say what to look at.
type Options struct {
	Proc  int    // an open /proc
	NSDev uint64 // device of nsfs
	// Processes lead to the mount namespaces on kernels that do not list them.
	Processes []inspect.Process
	// Known are the namespaces known so far; nil for none.
	Known []inspect.Namespace
	// All asks for every mount, not only for those of nsfs.
	All bool
	// NoWalk leaves out what needs Linux 6.12.
	NoWalk bool
	// Keep is how many files of new namespaces may stay open.
	Keep int
	// Report takes what could not be read.
	Report func(op, path string, pid int, err error)
}

// Result is what was found.
type Result struct {
	Refs   []inspect.Ref
	Mounts []inspect.Mount // only with Options.All
	// Namespaces are those that were not known before.
	Namespaces []inspect.Namespace
	// Files are open files of them, as far as Options.Keep allows. The caller
	// closes them.
	Files map[inspect.ID]int
	// ByMount leads from a number in mountinfo to the mount namespace.
	ByMount map[int]inspect.ID
	// ProcDevs are the devices of mounted proc file systems.
	ProcDevs map[uint64]bool
	// Read are the mount namespaces whose mounts were read.
	Read map[inspect.ID]bool
}

type scan struct {
	Options
	Result
	seen map[inspect.ID]bool
	ids  []uint64
	buf  []byte
}

// Scan reads the mounts of all mount namespaces that can be found.
func Scan(ctx context.Context, o Options) Result {
	s := &scan{Options: o, seen: map[inspect.ID]bool{}, buf: make([]byte, 4096)}
	s.Files = map[inspect.ID]int{}
	s.ByMount, s.ProcDevs, s.Read = map[int]inspect.ID{}, map[uint64]bool{}, map[inspect.ID]bool{}
	for i := range o.Known {
		s.seen[o.Known[i].ID] = true
	}
	if !o.NoWalk {
		s.walk(ctx)
	}
	s.tasks(ctx)
	return s.Result
}

// walk asks the kernel for all mount namespaces that the caller has
// CAP_SYS_ADMIN over.
func (s *scan) walk(ctx context.Context) {
	own, err := unix.Open("/proc/thread-self/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return // the tasks tell
	}
	defer unix.Close(own)
	if info, err := nsfs.MountNamespace(own); err == nil {
		s.namespace(own, info.Serial)
	}
	err = nsfs.EachMountNamespace(own, func(fd int, info nsfs.MntInfo) bool {
		s.namespace(fd, info.Serial)
		return ctx.Err() == nil
	})
	if err != nil && !errors.Is(err, unix.ENOTTY) && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EINVAL) {
		s.report("walk the mount namespaces", "", 0, err)
	}
}

func (s *scan) report(op, path string, pid int, err error) {
	if s.Report != nil && err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ESRCH) {
		s.Report(op, path, pid, err)
	}
}

// namespace reads the mounts of one namespace with listmount and statmount.
func (s *scan) namespace(fd int, serial uint64) {
	id, _, err := nsfs.Identify(fd)
	if err != nil {
		return
	}
	list, _ := nsfs.Describe(fd, func(id inspect.ID) bool { return s.seen[id] })
	for _, ns := range list {
		s.seen[ns.ID] = true
		s.Namespaces = append(s.Namespaces, ns)
		if ns.ID == id && len(s.Files) < s.Keep {
			if dup, err := nsfs.Dup(fd); err == nil {
				s.Files[id] = dup
			}
		}
	}
	s.ids, err = listMounts(serial, s.ids[:0])
	if err != nil {
		return // not permitted, or older: the tasks tell
	}
	for _, mount := range s.ids {
		if err := s.mount(id, serial, mount); err != nil && err != unix.ENOENT {
			return
		}
	}
	s.Read[id] = true
}

// mount asks for one mount: cheaply first, and for the rest if it matters.
func (s *scan) mount(ns inspect.ID, serial, mount uint64) error {
	st, buf, err := statMount(serial, mount, wantCheap, s.buf)
	s.buf = buf
	if err != nil {
		return err
	}
	s.ByMount[st.id()] = ns
	switch magic := st.magic(); {
	case magic == procMagic:
		s.ProcDevs[st.device()] = true
		if !s.All {
			return nil
		}
	case magic != nsfsMagic && !s.All:
		return nil
	}
	want := uint64(wantBind)
	if s.All {
		want = wantEverything
	}
	if st, s.buf, err = statMount(serial, mount, want, s.buf); err != nil {
		return err
	}
	s.keep(st.mount(ns), st.magic() == nsfsMagic)
	return nil
}

// keep records a mount, and the reference that it is if it is of nsfs.
func (s *scan) keep(m inspect.Mount, isNS bool) {
	if s.All {
		s.Mounts = append(s.Mounts, m)
	}
	if !isNS {
		return
	}
	typ, ino, err := inspect.ParseLink(m.Root)
	if err != nil {
		return // a pidfd, which nsfs does not mount, or a kind to come
	}
	id := inspect.ID{Dev: s.NSDev, Ino: ino}
	s.Refs = append(s.Refs, inspect.Ref{
		NS: id, Kind: inspect.RefMount, Path: m.Point, Name: netnsName(m.Point), MountNS: m.NS, MountID: m.MountID,
	})
	if !s.seen[id] {
		s.seen[id] = true
		s.Namespaces = append(s.Namespaces, inspect.Namespace{ID: id, Type: typ})
	}
}

// netnsName is the name that ip-netns(8) or an engine gives a mount point:
// they keep them in directories such as /run/netns and /run/docker/netns.
func netnsName(point string) string {
	if dir, name := path.Split(point); strings.HasSuffix(dir, "/netns/") {
		return name
	}
	return ""
}

// tasks reads mountinfo of one task of each mount namespace that was not read
// yet, the first that can be read.
func (s *scan) tasks(ctx context.Context) {
	for i := range s.Processes {
		p := &s.Processes[i]
		s.task(ctx, p.NS[inspect.LinkMnt], strconv.Itoa(p.PID), p.PID)
		for _, t := range p.Threads {
			s.task(ctx, t.NS[inspect.LinkMnt], strconv.Itoa(p.PID)+"/task/"+strconv.Itoa(t.TID), p.PID)
		}
	}
}

func (s *scan) task(ctx context.Context, ns inspect.ID, dir string, pid int) {
	if ns.IsZero() || s.Read[ns] || ctx.Err() != nil {
		return
	}
	text, err := readFile(s.Proc, dir+"/mountinfo")
	if err != nil {
		if !errors.Is(err, unix.EINVAL) { // a task that is just ending
			s.report("read mounts", "/proc/"+dir+"/mountinfo", pid, err)
		}
		return
	}
	s.mountinfo(text, ns, "/proc/"+dir+"/mountinfo", pid)
}

func (s *scan) mountinfo(text string, ns inspect.ID, path string, pid int) {
	list, err := parseMountinfo(text, ns)
	s.report("parse mountinfo", path, pid, err)
	if len(list) == 0 {
		return
	}
	s.Read[ns] = true
	for _, m := range list {
		s.ByMount[int(m.MountID)] = ns
		if m.FSType == "proc" {
			s.ProcDevs[device(m.Device)] = true
		}
		s.keep(m, m.FSType == "nsfs")
	}
}

// device turns "major:minor" into the number that stat(2) gives.
func device(text string) uint64 {
	major, minor, _ := strings.Cut(text, ":")
	a, _ := strconv.ParseUint(major, 10, 32)
	b, _ := strconv.ParseUint(minor, 10, 32)
	return unix.Mkdev(uint32(a), uint32(b))
}
