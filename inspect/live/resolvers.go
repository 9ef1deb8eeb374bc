package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

const (
	resolvConf = "/etc/resolv.conf"
	// maxResolvConf bounds what is read of it; it has a few lines.
	maxResolvConf = 64 << 10
	// resolversLimit is the time that all of them have together. Local files
	// take microseconds, and a mount that was changed under our hands may hang.
	resolversLimit = 500 * time.Millisecond
)

const opResolvers = "read resolv.conf"

// readResolvers reads the resolv.conf that container engines mounted into the
// mount namespaces in focus. The mounts, which are known, tell where there is
// one, and that no file system on the way to it can keep us waiting.
func (c *capture) readResolvers(ctx context.Context) error {
	list := engineMade(c.mounts, c.observer.NS.Of(inspect.Mnt))
	if !c.Facts.Has(inspect.FactMounts) {
		c.mounts = nil // they were read for this alone
	}
	entries := c.ns.wanted(inspect.Mnt)
	done := make(chan []inspect.Resolver, 1)
	ctx, cancel := context.WithTimeout(ctx, resolversLimit)
	defer cancel()
	go func() {
		var found []inspect.Resolver
		for _, e := range entries {
			if ctx.Err() != nil {
				return
			}
			if r := c.resolver(e, list); r != nil {
				found = append(found, *r)
			}
		}
		done <- found
	}()
	select {
	case c.resolvers = <-done:
		c.p.total(opResolvers, len(list))
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		c.p.note(inspect.Problem{Op: opResolvers, Path: resolvConf, Err: "no answer within " + resolversLimit.String()})
		return nil
	}
}

// engineMade are the mount namespaces that have a resolv.conf mounted, all the
// way on local file systems. The observer's own is not looked at.
func engineMade(list []inspect.Mount, own inspect.ID) map[inspect.ID]bool {
	mounted, slow := map[inspect.ID]bool{}, map[inspect.ID]bool{}
	for i := range list {
		m := &list[i]
		switch m.Point {
		case resolvConf:
			mounted[m.NS] = true
		case "/", "/etc":
		default:
			continue
		}
		slow[m.NS] = slow[m.NS] || !local(m.FSType)
	}
	for id := range mounted {
		if slow[id] || id == own {
			delete(mounted, id)
		}
	}
	return mounted
}

// local reports whether a file system answers without a network and without
// another process.
func local(fstype string) bool {
	switch fstype {
	case "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "bcachefs", "erofs", "squashfs", "tmpfs", "ramfs", "rootfs", "overlay", "aufs", "vfat":
		return true
	}
	return false
}

// resolver reads what a mount namespace has; nil when it has none, or it
// could not be read.
func (c *capture) resolver(e *entry, mounted map[inspect.ID]bool) *inspect.Resolver {
	if !mounted[e.ns.ID] {
		return nil
	}
	var r *inspect.Resolver
	err := c.through(e, inspect.LinkMnt, func(dir string) error {
		text, err := readPlain(c.root, dir+"/root", resolvConf)
		if err == nil {
			r = &inspect.Resolver{NS: e.ns.ID, Nameservers: parseNameservers(text)}
		}
		return err
	})
	if err != nil {
		c.p.add(opResolvers, c.where(e)+" "+resolvConf, 0, err)
		return nil
	}
	return r
}

// readPlain reads a plain file below a root that somebody else made: no link
// is followed and nothing but a plain file is opened, for opening a device
// can do harm and opening a fifo can wait.
func readPlain(proc int, root, name string) ([]byte, error) {
	dir, err := unix.Openat(proc, root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(dir)
	seen, err := unix.Openat2(dir, strings.TrimPrefix(name, "/"), &unix.OpenHow{
		Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_SYMLINKS,
	})
	if err != nil {
		return nil, err
	}
	defer unix.Close(seen)
	var st unix.Stat_t
	if err := unix.Fstat(seen, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, errors.New("not a plain file")
	}
	// The very file that was looked at, not what may be there by now.
	fd, err := openFile(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", seen))
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, maxResolvConf)
	n, err := unix.Read(fd, buf)
	return buf[:max(n, 0)], err
}

// parseNameservers parses resolv.conf(5): "The keyword and value must appear
// on a single line, and the keyword (e.g., nameserver) must start the line.
// The value follows the keyword, separated by white space." Comments begin
// with ";" or "#" in the first column. What is no address is left out, as the
// resolver does.
func parseNameservers(file []byte) []netip.Addr {
	var list []netip.Addr
	for line := range bytes.Lines(file) {
		f := bytes.Fields(line)
		if len(f) < 2 || line[0] == ' ' || line[0] == '\t' || string(f[0]) != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(string(f[1])); err == nil {
			list = append(list, a)
		}
	}
	return list
}
