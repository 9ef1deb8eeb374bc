package live

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// probeLinks reads the links of all processes.
func probeLinks() error {
	s, err := Collect(context.Background(), Options{Facts: inspect.FactTasks})
	if err != nil {
		return err
	}
	if len(s.Problems) == 0 {
		return nil
	}
	p := s.Problems[0]
	if p.Op == opLinks {
		return fmt.Errorf("%s for %d of %d processes", p.Err, p.Count, p.Total)
	}
	return errors.New(p.Err)
}

// withOwn calls f with an open namespace of our own.
func withOwn(t inspect.Type, f func(fd int) error) error {
	fd, err := openFile(unix.AT_FDCWD, "/proc/self/ns/"+t.String())
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

// probeOwner takes EPERM as an answer: the owner is out of sight.
func probeOwner() error {
	return withOwn(inspect.Net, func(fd int) error {
		owner, err := nsfs.Owner(fd)
		if err == nil {
			unix.Close(owner)
		}
		if errors.Is(err, unix.EPERM) {
			return nil
		}
		return err
	})
}

func probeOwnerUID() error {
	return withOwn(inspect.User, func(fd int) error {
		_, err := nsfs.OwnerUID(fd)
		return err
	})
}

// probeSerial asks a network namespace: mount namespaces had ids before.
func probeSerial() error {
	return withOwn(inspect.Net, func(fd int) error {
		if nsfs.Serial(fd) == 0 {
			return unix.ENOTTY
		}
		return nil
	})
}

func probeHandle() error {
	h, _, err := unix.NameToHandleAt(unix.AT_FDCWD, "/proc/self/ns/net", unix.AT_SYMLINK_FOLLOW)
	if err == nil && h.Size() == 0 {
		return unix.EOPNOTSUPP
	}
	return err
}

func probeListNS() error {
	_, err := nsfs.List()
	return err
}

func probeTime() error {
	var st unix.Stat_t
	return unix.Stat("/proc/self/ns/time", &st)
}

// probeEnter enters a namespace that we are in.
func probeEnter() error {
	return withOwn(inspect.UTS, func(fd int) error { return enterOwn(fd) })
}

// enterOwn joins the UTS namespace of fd, our own, on a thread of its own.
func enterOwn(fd int) (err error) {
	onDoomedThread(func() { err = unix.Setns(fd, unix.CLONE_NEWUTS) })
	return err
}

func withPidfd(f func(fd int) error) error {
	fd, err := unix.PidfdOpen(unix.Getpid(), 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return f(fd)
}

func probePidfd() error { return withPidfd(func(int) error { return nil }) }

func probePidfdSetns() error { return withPidfd(enterOwn) }

// probePidfdGetfd copies a file of our own; those of others are a matter of
// CAP_SYS_PTRACE, as are their links.
func probePidfdGetfd() error {
	return withPidfd(func(fd int) error {
		dup, err := unix.PidfdGetfd(fd, fd, 0)
		if err == nil {
			unix.Close(dup)
		}
		return err
	})
}

// probeMountNamespaces takes one step of the walk.
func probeMountNamespaces() error {
	return withOwn(inspect.Mnt, func(fd int) error {
		return nsfs.EachMountNamespace(fd, func(int, nsfs.MntInfo) bool { return false })
	})
}
