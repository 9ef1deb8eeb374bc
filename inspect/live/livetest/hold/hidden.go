package hold

import (
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// hiddenWays hold by what no file in /proc shows.
func hiddenWays() []Way {
	way := func(name string, t inspect.Type, kind inspect.RefKind, f func(*maker) error) Way {
		return Way{Name: name, Type: t, Kind: kind, Found: ByCensus, hold: f}
	}
	return []Way{
		way("net io_uring socket", inspect.Net, "", byUringSocket),
		way("net aio on a socket", inspect.Net, "", byAIO),
		way("net asleep in recv on a closed fd", inspect.Net, "", byRecv),
		way("net tcp that cannot end", inspect.Net, "", byOrphan),
		way("net open file of proc", inspect.Net, inspect.RefProcNet, byProcNet),
		way("net fscontext", inspect.Net, "", byFscontext),
		way("ipc attached shm", inspect.IPC, "", byShm),
		way("cgroup open cgroup.procs", inspect.Cgroup, "", byCgroupFile),
	}
}

func byUringSocket(m *maker) error {
	return m.thread(func() error {
		fd, err := newSocket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		return registerWithRing(fd)
	})
}

// byAIO polls a socket with io_submit(2) and closes it.
func byAIO(m *maker) error {
	return m.thread(func() error {
		var ctx uintptr
		if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&ctx)), 0); errno != 0 {
			return os.NewSyscallError("io_setup", errno)
		}
		fd, err := newSocket(unix.AF_INET, unix.SOCK_DGRAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		cb := struct { // struct iocb of linux/aio_abi.h
			data        uint64
			key, flags  uint32
			opcode      uint16
			prio        int16
			fd          uint32
			buf, nbytes uint64
			offset      int64
			_           uint64
			_, _        uint32
		}{opcode: 5, fd: uint32(fd), buf: unix.POLLIN} // IOCB_CMD_POLL
		list := [1]unsafe.Pointer{unsafe.Pointer(&cb)}
		if _, _, errno := unix.Syscall(unix.SYS_IO_SUBMIT, ctx, 1, uintptr(unsafe.Pointer(&list))); errno != 0 {
			return os.NewSyscallError("io_submit", errno)
		}
		return nil
	})
}

// byRecv lets a thread wait on a socket whose only descriptor is closed.
func byRecv(m *maker) error {
	var fd int
	err := m.thread(func() (err error) { fd, err = newSocket(unix.AF_INET, unix.SOCK_DGRAM, 0); return err })
	if err != nil {
		return err
	}
	tid := make(chan int)
	go onOneCPU(func() error {
		tid <- unix.Gettid()
		var b [1]byte
		unix.Recvfrom(fd, b[:], 0)
		return nil
	})
	stat := taskDir(<-tid) + "/wchan"
	for range 500 { // until it sleeps in the kernel
		if b, err := os.ReadFile(stat); err == nil && string(b) != "0" && len(b) > 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return os.NewSyscallError("close", unix.Close(fd))
}

// byOrphan closes a connection that has something to send and no way to send
// it: lo is down. It ends after some seconds, when the kernel gives up.
func byOrphan(m *maker) error {
	return m.thread(func() error {
		if err := os.WriteFile("/proc/sys/net/ipv4/tcp_orphan_retries", []byte("5"), 0); err != nil {
			return err
		}
		client, server, err := connection()
		if err != nil {
			return err
		}
		if err := loopback(false); err != nil {
			return err
		}
		if _, err := unix.Write(client, []byte("x")); err != nil {
			return os.NewSyscallError("write", err)
		}
		unix.Close(client)
		return unix.Close(server)
	})
}

func byProcNet(m *maker) error {
	return m.thread(func() error { _, err := open("/proc/thread-self/net/tcp", unix.O_RDONLY); return err })
}

func byFscontext(m *maker) error {
	return m.thread(func() error {
		_, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
		return os.NewSyscallError("fsopen", err)
	})
}

func byShm(m *maker) error {
	return m.thread(func() error {
		id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, 0o600)
		if err != nil {
			return os.NewSyscallError("shmget", err)
		}
		mem, err := unix.SysvShmAttach(id, 0, 0)
		m.keep = append(m.keep, mem)
		return os.NewSyscallError("shmat", err)
	})
}

func byCgroupFile(m *maker) error {
	return m.thread(func() error {
		for _, dir := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"} {
			if _, err := open(dir+"/cgroup.procs", unix.O_RDONLY); err == nil {
				return nil
			}
		}
		return errMissing
	})
}
