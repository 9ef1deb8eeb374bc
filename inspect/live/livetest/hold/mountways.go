package hold

import (
	"os"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// byMount mounts the namespace in a mount namespace that a thread is in.
func byMount(m *maker) error {
	if m.typ == inspect.Mnt {
		return byMountOfMount(m)
	}
	return m.stay(func() error {
		_, err := m.bind()
		return leave(m, err)
	})
}

// byMountOfMount mounts a mount namespace in an older one. The kernel allows
// only that order, and takes it from an id that each CPU has a batch of: so
// both are made on one CPU.
func byMountOfMount(m *maker) error {
	ready, made, done := make(chan error), make(chan error), make(chan error)
	outer := *m
	go onOneCPU(func() error {
		err := outer.private()
		m.TID = unix.Gettid()
		ready <- err
		if err == nil {
			err = <-made
		}
		if err == nil {
			err = mountFrom(m, outer.dir)
		}
		done <- err
		select {}
	})
	if err := <-ready; err != nil {
		return err
	}
	m.Also = outer.Also
	inside := make(chan int)
	go onOneCPU(func() error {
		err := m.unshare()
		m.keep = append(m.keep, unix.Gettid())
		made <- err
		<-inside
		return nil
	})
	err := <-done
	close(inside)
	return err
}

// mountFrom mounts the mount namespace of the thread in m.keep below dir.
func mountFrom(m *maker, dir string) error {
	fd, err := open(dir+"/ns", unix.O_CREAT|unix.O_RDONLY)
	if err != nil {
		return err
	}
	unix.Close(fd)
	from := taskDir(m.keep[0].(int)) + "/ns/mnt"
	return os.NewSyscallError("mount namespace", unix.Mount(from, dir+"/ns", "", unix.MS_BIND, ""))
}

// mountWays hold by mounts in unusual places.
func mountWays() []Way {
	const t = inspect.Net
	return []Way{
		{Name: "net bind mount that is covered", Type: t, Kind: inspect.RefMount, Found: ByScan, hold: byCovered},
		{Name: "net bind mount outside of a chroot", Type: t, Kind: inspect.RefMount, Found: ByScan, hold: byOutside},
		{Name: "net bind mount in a mount namespace without process", Type: t, Kind: inspect.RefMount, Found: ByScan, hold: byLonelyMount},
		{Name: "mnt open mountinfo", Type: inspect.Mnt, Kind: inspect.RefMountinfo, Found: ByScan, hold: byMountinfo},
	}
}

func byCovered(m *maker) error {
	return m.stay(func() error {
		_, err := m.bind()
		if err == nil {
			err = os.NewSyscallError("mount over", unix.Mount("cover", m.dir, "tmpfs", 0, ""))
		}
		return leave(m, err)
	})
}

func byOutside(m *maker) error {
	return m.stay(func() error {
		_, err := m.bind()
		if err == nil {
			err = os.Mkdir(m.dir+"/root", 0o700)
		}
		if err == nil {
			err = unix.Chroot(m.dir + "/root")
		}
		return leave(m, err)
	})
}

func byLonelyMount(m *maker) error {
	return m.thread(func() error {
		_, err := m.bind()
		if err == nil {
			_, err = open("/proc/thread-self/ns/mnt", unix.O_RDONLY)
		}
		return err
	})
}

func byMountinfo(m *maker) error {
	return m.thread(func() error { _, err := open("/proc/thread-self/mountinfo", unix.O_RDONLY); return err })
}
