package hold

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

func byFD(m *maker) error {
	return m.thread(func() error { _, err := open(m.nsFile(), unix.O_RDONLY); return err })
}

func byThread(m *maker) error { return m.stay(func() error { return nil }) }

func byInotify(m *maker) error {
	return m.thread(func() error {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC)
		if err != nil {
			return os.NewSyscallError("inotify_init", err)
		}
		_, err = unix.InotifyAddWatch(fd, m.nsFile(), unix.IN_OPEN)
		return os.NewSyscallError("inotify_add_watch", err)
	})
}

// fileWays hold by files of nsfs in unusual places.
func fileWays() []Way {
	const t = inspect.Net
	return []Way{
		{Name: "net fd in a table of a thread", Type: t, Kind: inspect.RefFD, Found: ByScan, hold: byOwnTable},
		{Name: "net fd under a zombie leader", Type: t, Kind: inspect.RefFD, Found: ByScan, hold: byFD, zombie: true},
		{Name: "net thread of a zombie leader", Type: t, Found: ByScan, hold: byThread, zombie: true},
		{Name: "net fd through a mount", Type: t, Kind: inspect.RefFD, Found: ByScan, hold: byMountedFD},
		{Name: "net fd through a detached mount", Type: t, Kind: inspect.RefFD, Found: ByScan, hold: byDetachedFD},
		{Name: "net fanotify", Type: t, Kind: inspect.RefFanotify, Found: ByScan, hold: byFanotify},
		{Name: "net io_uring file", Type: t, Kind: inspect.RefIOUring, Found: ByScan, hold: byUring},
		{Name: "net in flight", Type: t, Kind: inspect.RefInFlight, Found: ByPeek, hold: byFlight(0)},
		{Name: "net socket in flight", Type: t, Kind: inspect.RefInFlight, Found: ByPeek, hold: bySocketFlight},
		{Name: "net in flight behind a message", Type: t, Found: ByCensus, hold: byFlight(1)},
		{Name: "uts in flight", Type: inspect.UTS, Kind: inspect.RefInFlight, Found: ByPeek, hold: byFlight(0)},
		{Name: "mnt in flight", Type: inspect.Mnt, Kind: inspect.RefInFlight, Found: ByPeek, hold: byFlight(0)},
	}
}

func byOwnTable(m *maker) error {
	done := make(chan error)
	go nsfs.OnThread(func() error {
		m.TID = unix.Gettid()
		done <- func() error {
			old, err := open("/proc/thread-self/ns/net", unix.O_RDONLY)
			if err != nil {
				return err
			}
			if err := m.unshare(); err != nil {
				return err
			}
			if err := unix.Unshare(unix.CLONE_FILES); err != nil {
				return os.NewSyscallError("unshare", err)
			}
			if _, err = open(m.nsFile(), unix.O_RDONLY); err != nil {
				return err
			}
			return os.NewSyscallError("setns", unix.Setns(old, unix.CLONE_NEWNET))
		}()
		select {}
	})
	return <-done
}

// bind mounts the thread's namespace in a mount namespace of its own.
func (m *maker) bind() (string, error) {
	if m.typ != inspect.Mnt { // private would leave the namespace to be held
		if err := m.private(); err != nil {
			return "", err
		}
	}
	path := m.dir + "/ns"
	fd, err := open(path, unix.O_CREAT|unix.O_RDONLY)
	if err != nil {
		return "", err
	}
	unix.Close(fd)
	return path, os.NewSyscallError("mount namespace", unix.Mount(m.nsFile(), path, "", unix.MS_BIND, ""))
}

func byMountedFD(m *maker) error {
	return m.stay(func() error {
		path, err := m.bind()
		if err == nil {
			_, err = open(path, unix.O_RDONLY)
		}
		return leave(m, err)
	})
}

// leave moves a thread out of the namespace, into another new one.
func leave(m *maker, err error) error {
	if err != nil {
		return err
	}
	return move(m.typ)
}

func byDetachedFD(m *maker) error {
	return m.thread(func() error {
		path, err := m.bind()
		if err != nil {
			return err
		}
		if _, err = open(path, unix.O_RDONLY); err != nil {
			return err
		}
		return os.NewSyscallError("umount", unix.Unmount(path, unix.MNT_DETACH))
	})
}

func byFanotify(m *maker) error {
	return m.thread(func() error {
		fd, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_CLOEXEC|unix.FAN_REPORT_FID, unix.O_RDONLY)
		if err != nil {
			return os.NewSyscallError("fanotify_init", err)
		}
		err = unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_OPEN, unix.AT_FDCWD, m.nsFile())
		return os.NewSyscallError("fanotify_mark", err)
	})
}

// byUring registers a file of nsfs with an io_uring and closes it.
func byUring(m *maker) error {
	return m.thread(func() error {
		fd, err := open(m.nsFile(), unix.O_RDONLY)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return registerWithRing(fd)
	})
}

func registerWithRing(fd int) error {
	var params [120]byte // struct io_uring_params
	ring, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&params)), 0)
	if errno != 0 {
		return os.NewSyscallError("io_uring_setup", errno)
	}
	fds := [1]int32{int32(fd)}
	const registerFiles = 2
	_, _, errno = unix.Syscall6(unix.SYS_IO_URING_REGISTER, ring, registerFiles, uintptr(unsafe.Pointer(&fds)), 1, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("io_uring_register", errno)
	}
	return nil
}

// byFlight sends a file of nsfs through a unix socket behind some messages,
// and nobody receives it.
func byFlight(before int) func(*maker) error {
	return func(m *maker) error {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return os.NewSyscallError("socketpair", err)
		}
		return m.thread(func() error {
			fd, err := open(m.nsFile(), unix.O_RDONLY)
			if err != nil {
				return err
			}
			return send(pair[0], fd, before)
		})
	}
}

func send(sk, fd, before int) error {
	for range before {
		if err := unix.Sendto(sk, []byte("first"), 0, nil); err != nil {
			return os.NewSyscallError("sendto", err)
		}
	}
	err := unix.Sendmsg(sk, []byte("x"), unix.UnixRights(fd), nil, 0)
	unix.Close(fd)
	return os.NewSyscallError("sendmsg", err)
}

func bySocketFlight(m *maker) error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	return m.thread(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return os.NewSyscallError("socket", err)
		}
		return send(pair[0], fd, 0)
	})
}
