package live

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/wire"
)

// Routes asks the kernel for routes in the network namespaces of a snapshot
// of the running host. It has no effect on the host.
type Routes struct {
	x   *inspect.Index
	dir string
}

// NewRoutes returns the routes of the host that x was taken of.
func NewRoutes(x *inspect.Index) *Routes { return &Routes{x: x, dir: "/proc"} }

// Ask asks for the route of a packet in a network namespace. Where the kernel
// refuses the packet, refused is its error in errno(3)'s words and err is nil.
func (r *Routes) Ask(ns inspect.ID, q wire.Question) (route inspect.Route, refused string, err error) {
	route, err = wire.AskRoute(r.Source(ns), r.x.Own(inspect.Net), q)
	var errno unix.Errno
	if errors.As(err, &errno) {
		switch errno {
		case unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EACCES, unix.EINVAL:
			return route, unix.ErrnoName(errno), nil
		}
	}
	return route, "", err
}

// Source is a network namespace of the snapshot and the way to open it.
func (r *Routes) Source(ns inspect.ID) wire.Source {
	return wire.Source{ID: ns, Open: func() (int, error) { return r.open(ns) }}
}

// open opens a namespace by one of its processes, else by what pins it. What
// led there when the snapshot was taken may lead elsewhere by now.
func (r *Routes) open(ns inspect.ID) (int, error) {
	err := fmt.Errorf("nothing leads to net:[%d]: %w", ns.Ino, unix.ENOENT)
	for _, path := range r.paths(ns) {
		fd, e := openNamespace(path, ns)
		if e == nil {
			return fd, nil
		}
		if !errors.Is(e, unix.ENOENT) {
			err = e
		}
	}
	return -1, err
}

// paths are the files that led to a namespace, the likely ones first.
func (r *Routes) paths(ns inspect.ID) (out []string) {
	for _, pid := range r.x.Members(ns) {
		out = append(out, fmt.Sprintf("%s/%d/ns/net", r.dir, pid))
	}
	for _, name := range r.x.Names(ns) {
		out = append(out, "/run/netns/"+name, "/run/docker/netns/"+name)
		if strings.HasPrefix(name, "/") {
			out = append(out, name)
		}
	}
	refs := r.x.Snapshot().Refs
	for i := range refs {
		if ref := &refs[i]; ref.NS == ns && ref.Kind == inspect.RefFD {
			out = append(out, fmt.Sprintf("%s/%d/fd/%d", r.dir, ref.PID, ref.FD))
		}
	}
	return out
}

// openNamespace opens a file if it is this namespace; else it is ENOENT. No
// other file is really opened: a device would notice.
func openNamespace(path string, ns inspect.ID) (int, error) {
	flags := unix.O_PATH | unix.O_CLOEXEC
	if !strings.HasPrefix(path, "/proc/") { // where links are the kernel's own
		flags |= unix.O_NOFOLLOW
	}
	fd, err := unix.Open(path, flags, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(fd)
	if id, err := identity(fd); err != nil || id != ns {
		return -1, unix.ENOENT
	}
	return unix.Open(fmt.Sprintf("/proc/self/fd/%d", fd), unix.O_RDONLY|unix.O_CLOEXEC, 0)
}
