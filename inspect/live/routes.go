package live

import (
	"errors"
	"fmt"

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

// open opens a namespace by one of its processes, else by what pins it.
func (r *Routes) open(ns inspect.ID) (int, error) {
	err := fmt.Errorf("nothing leads to net:[%d]: %w", ns.Ino, unix.ENOENT)
	for _, pid := range r.x.Members(ns) {
		fd, e := unix.Open(fmt.Sprintf("%s/%d/ns/net", r.dir, pid), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if e == nil {
			return fd, nil
		}
		err = e
	}
	for _, name := range r.x.Names(ns) {
		for _, dir := range []string{"", "/run/netns/", "/run/docker/netns/"} {
			if fd, e := unix.Open(dir+name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0); e == nil {
				return fd, nil
			}
		}
	}
	refs := r.x.Snapshot().Refs
	for i := range refs {
		if ref := &refs[i]; ref.NS == ns && ref.Kind == inspect.RefFD {
			if fd, e := unix.Open(fmt.Sprintf("%s/%d/fd/%d", r.dir, ref.PID, ref.FD), unix.O_RDONLY|unix.O_CLOEXEC, 0); e == nil {
				return fd, nil
			}
		}
	}
	return -1, err
}
