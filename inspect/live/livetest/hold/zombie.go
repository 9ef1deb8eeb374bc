package hold

import (
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// exitMainThread ends the first thread of the process alone, which stays as a
// zombie while the others live on. It must be called by the main goroutine of
// a process that locked it there, see lockMain.
func exitMainThread() {
	if unix.Gettid() == unix.Getpid() {
		unix.Syscall(unix.SYS_EXIT, 0, 0, 0)
	}
	select {}
}

// The main goroutine begins on the main thread; only an init can keep it
// there.
func init() { runtime.LockOSThread() }

func cloneFlags(flags uintptr, userns bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if userns {
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
	}
	return attr
}
