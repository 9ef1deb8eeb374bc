package livetest

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// fork makes a process without the memory and time that a Go program takes.
// The child must do nothing but raw system calls: it has one thread and no
// runtime. It dies with the thread that made it.
//
//go:nosplit
func fork(flags uintptr) (pid uintptr, errno unix.Errno) {
	pid, _, errno = unix.RawSyscall6(unix.SYS_CLONE, flags|uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
	if pid == 0 && errno == 0 {
		unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0, 0)
	}
	return pid, errno
}

// closeFiles closes all files, so that no pipe is held open.
//
//go:nosplit
func closeFiles() { unix.RawSyscall(unix.SYS_CLOSE_RANGE, 0, 1<<31-1, 0) }

// sleep is the end of a forked process: it waits to be killed.
//
//go:nosplit
func sleep() {
	for {
		unix.RawSyscall6(unix.SYS_PPOLL, 0, 0, 0, 0, 0, 0)
	}
}

//go:nosplit
func exit(code uintptr) {
	for {
		unix.RawSyscall(unix.SYS_EXIT_GROUP, code, 0, 0)
	}
}

// notify writes a byte to fd.
//
//go:nosplit
func notify(fd uintptr) {
	b := byte('.')
	unix.RawSyscall(unix.SYS_WRITE, fd, uintptr(unsafe.Pointer(&b)), 1)
}
