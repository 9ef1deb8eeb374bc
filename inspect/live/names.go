package live

import (
	"context"
	"path"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// netnsDirs are where ip-netns(8) and Docker keep names of network
// namespaces. /var/run is mostly, but not everywhere, the same as /run.
var netnsDirs = [...]string{"/run/netns", "/run/docker/netns", "/var/run/netns", "/var/run/docker/netns"}

const opNames = "read names of namespaces"

// readNames finds the named namespaces, and the names that have none.
func (c *capture) readNames(context.Context) error {
	seen := map[inspect.ID]bool{}
	for _, dir := range netnsDirs {
		fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == nil {
			if id, err := identity(fd); err == nil && !seen[id] {
				seen[id] = true
				c.nameDir(fd, dir)
			}
			unix.Close(fd)
		} else if !gone(err) {
			c.p.add(opNames, dir, 0, err)
		}
	}
	return nil
}

func (c *capture) nameDir(fd int, dir string) {
	names, err := entries(fd, ".")
	if err != nil {
		c.p.add(opNames, dir, 0, err)
	}
	for _, name := range names {
		if err := c.name(fd, dir, name); err != nil && !gone(err) {
			c.p.add(opNames, dir+"/"+name, 0, err)
		}
	}
}

// name records what one name stands for: a mounted namespace, a symbolic link
// to one in /proc, or nothing any more.
func (c *capture) name(fd int, dir, name string) error {
	var st, target unix.Stat_t
	if err := unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return err
	}
	ref := inspect.Ref{Kind: inspect.RefMount, Path: text([]byte(path.Join(dir, name))), Name: text([]byte(name))}
	target = st
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFLNK:
		ref.Kind = inspect.RefSymlink
		if err := unix.Fstatat(fd, name, &target, 0); err != nil && !gone(err) {
			return err
		}
	default:
		return nil
	}
	if uint64(target.Dev) != c.dev {
		ref.Kind = inspect.RefStale
		c.refs = append(c.refs, ref)
		return nil
	}
	ref.NS = inspect.ID{Dev: c.dev, Ino: target.Ino}
	c.refs = append(c.refs, ref)
	return c.named(ref.NS, path.Join(dir, name))
}

// named adds a namespace that is open to everyone at path.
func (c *capture) named(id inspect.ID, path string) error {
	e := c.ns.known(id)
	if e == nil {
		fd, err := openFile(unix.AT_FDCWD, path)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		got, typ, err := nsfs.Identify(fd)
		if err != nil || got != id {
			return err
		}
		e = c.ns.add(id, typ)
	}
	e.paths = append(e.paths, path)
	return nil
}
