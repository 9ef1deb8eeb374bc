package hold

import (
	"os"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

// nothingWays look like holders and are none.
func nothingWays() []Way {
	return []Way{
		{Name: "mnt directory inside", Type: inspect.Mnt, Nothing: true, hold: byDirectory},
		{Name: "net O_PATH on the net of proc", Type: inspect.Net, Nothing: true, hold: byNetPath},
		{Name: "net mounted sysfs", Type: inspect.Net, Nothing: true, hold: bySysfs},
		{Name: "ipc mounted mqueue", Type: inspect.IPC, Nothing: true, hold: byMqueue},
		{Name: "net lazily unmounted tree", Type: inspect.Net, Nothing: true, hold: byLazyTree},
	}
}

func byDirectory(m *maker) error {
	return m.thread(func() error { _, err := open("/", unix.O_DIRECTORY|unix.O_PATH); return err })
}

func byNetPath(m *maker) error {
	return m.thread(func() error { _, err := open("/proc/thread-self/net", unix.O_PATH); return err })
}

// detached makes a file system of the thread that is mounted nowhere.
func detached(fs string) error {
	ctx, err := unix.Fsopen(fs, unix.FSOPEN_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("fsopen", err)
	}
	defer unix.Close(ctx)
	if err := unix.FsconfigCreate(ctx); err != nil {
		return os.NewSyscallError("fsconfig", err)
	}
	_, err = unix.Fsmount(ctx, unix.FSMOUNT_CLOEXEC, 0)
	return os.NewSyscallError("fsmount", err)
}

func bySysfs(m *maker) error  { return m.thread(func() error { return detached("sysfs") }) }
func byMqueue(m *maker) error { return m.thread(func() error { return detached("mqueue") }) }

// byLazyTree unmounts a directory with a mounted namespace in it while a file
// in the directory is open.
func byLazyTree(m *maker) error {
	return nsfs.OnThread(func() error {
		if err := m.unshare(); err != nil {
			return err
		}
		if _, err := m.bind(); err != nil {
			return err
		}
		if _, err := open(m.dir, unix.O_PATH|unix.O_DIRECTORY); err != nil {
			return err
		}
		return os.NewSyscallError("umount", unix.Unmount(m.dir, unix.MNT_DETACH))
	})
}
