package hold

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
	"nsinspect/inspect/live/nsfs"
)

func taskDir(tid int) string { return fmt.Sprintf("/proc/%d/task/%d", os.Getpid(), tid) }

// onOneCPU is nsfs.OnThread on the first CPU that the process may use.
func onOneCPU(f func() error) error {
	return nsfs.OnThread(func() error {
		var may, one unix.CPUSet
		if err := unix.SchedGetaffinity(0, &may); err != nil {
			return os.NewSyscallError("sched_getaffinity", err)
		}
		cpu := 0
		for !may.IsSet(cpu) {
			cpu++
		}
		one.Set(cpu)
		if err := unix.SchedSetaffinity(0, &one); err != nil {
			return os.NewSyscallError("sched_setaffinity", err)
		}
		return f()
	})
}

// processWays hold by relations of processes and namespaces.
func processWays() []Way {
	return []Way{
		{Name: "user fd", Type: inspect.User, Kind: inspect.RefFD, Found: ByScan, hold: afterProcess(unix.CLONE_NEWUSER, "user", "user")},
		{Name: "user owner of a namespace", Type: inspect.User, Found: ByScan, hold: afterProcess(unix.CLONE_NEWUSER|unix.CLONE_NEWNET, "user", "net")},
		{Name: "pid fd", Type: inspect.PID, Kind: inspect.RefFD, Found: ByScan, hold: afterProcess(unix.CLONE_NEWPID, "pid", "pid")},
		{Name: "pid pidfd", Type: inspect.PID, Kind: inspect.RefPidfd, Found: ByCensus, hold: byPidfd},
		{Name: "pid unborn", Type: inspect.PID, Found: ByCensus, hold: byUnborn},
		{Name: "pid mounted proc", Type: inspect.PID, Found: ByCensus, hold: byProcMount},
		{Name: "user credentials of a file", Type: inspect.User, Found: ByCensus, hold: byCredentials},
	}
}

// byUnborn lets a thread have a pid namespace for children that never come. No
// link leads there: Held.NS is zero.
func byUnborn(m *maker) error {
	err := byThread(m)
	m.NS = inspect.ID{}
	return err
}

// afterProcess opens one namespace of a process, and then the process ends.
// What is held is another one of it.
func afterProcess(flags uintptr, held, opened string) func(*maker) error {
	return func(m *maker) error {
		return m.after(flags, held, func(pid int) error {
			_, err := open(fmt.Sprintf("/proc/%d/ns/%s", pid, opened), unix.O_RDONLY)
			return err
		})
	}
}

// after runs f while there is a process in new namespaces.
func (m *maker) after(flags uintptr, held string, f func(pid int) error) error {
	pid, end, err := inner(flags&^unix.CLONE_NEWUSER, flags&unix.CLONE_NEWUSER != 0)
	if err != nil {
		return err
	}
	defer end()
	if m.NS, err = identify(fmt.Sprintf("/proc/%d/ns/%s", pid, held)); err != nil {
		return err
	}
	return f(pid)
}

func byPidfd(m *maker) error {
	return m.after(unix.CLONE_NEWPID, "pid", func(pid int) error {
		fd, err := unix.PidfdOpen(pid, 0)
		m.keep = append(m.keep, fd)
		return os.NewSyscallError("pidfd_open", err)
	})
}

// byProcMount keeps a proc file system of a pid namespace that is dead.
func byProcMount(m *maker) error {
	return m.after(unix.CLONE_NEWPID, "pid", func(pid int) error {
		return nsfs.OnThread(func() error {
			fd, err := open(fmt.Sprintf("/proc/%d/ns/pid", pid), unix.O_RDONLY)
			if err != nil {
				return err
			}
			defer unix.Close(fd)
			fs, err := unix.Fsopen("proc", unix.FSOPEN_CLOEXEC)
			if err != nil {
				return os.NewSyscallError("fsopen", err)
			}
			defer unix.Close(fs)
			if err := unix.FsconfigSetFd(fs, "pidns", fd); err != nil { // Linux 6.17
				return fmt.Errorf("%w: fsconfig pidns: %w", errMissing, err)
			}
			if err := unix.FsconfigCreate(fs); err != nil {
				return os.NewSyscallError("fsconfig", err)
			}
			_, err = unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
			return os.NewSyscallError("fsmount", err)
		})
	})
}

// byCredentials keeps a file that a process in a user namespace opened, by a
// copy of its descriptor.
func byCredentials(m *maker) error {
	return m.after(unix.CLONE_NEWUSER, "user", func(pid int) error {
		pidfd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			return os.NewSyscallError("pidfd_open", err)
		}
		defer unix.Close(pidfd)
		for fd := 3; fd < 32; fd++ {
			if copied, err := unix.PidfdGetfd(pidfd, fd, 0); err == nil {
				m.keep = append(m.keep, copied)
			}
		}
		if len(m.keep) == 0 {
			return fmt.Errorf("%w: a file that the process opened itself", errMissing)
		}
		return nil
	})
}
