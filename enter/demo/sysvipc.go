package demo

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// ipcKey is the key of the objects of the experiment. The IPC namespace in
// which they are made is one of ours, so it can be any.
const ipcKey = 0x6e73

const ipcMode = 0o600 | unix.IPC_CREAT

// ipcSeen is what a process finds under the key.
type ipcSeen struct {
	Shm string `json:"shm"`
	Sem string `json:"sem"`
	Msg string `json:"msg"`
}

const notFound = "no such object (ENOENT)"

// makeIPC makes one object of each sort, see sysvipc(7), and writes text into
// the shared memory. They go with their namespace.
func makeIPC(text string) error {
	const size = 4096
	id, err := unix.SysvShmGet(ipcKey, size, ipcMode)
	if err != nil {
		return os.NewSyscallError("shmget", err)
	}
	mem, err := unix.SysvShmAttach(id, 0, 0)
	if err != nil {
		return os.NewSyscallError("shmat", err)
	}
	copy(mem, text)
	if err := unix.SysvShmDetach(mem); err != nil {
		return os.NewSyscallError("shmdt", err)
	}
	if _, _, e := unix.Syscall(unix.SYS_SEMGET, ipcKey, 1, ipcMode); e != 0 {
		return os.NewSyscallError("semget", e)
	}
	if _, _, e := unix.Syscall(unix.SYS_MSGGET, ipcKey, ipcMode, 0); e != 0 {
		return os.NewSyscallError("msgget", e)
	}
	return nil
}

// seeIPC looks the objects up by their key and reads the shared memory.
func seeIPC() (*ipcSeen, error) {
	s := &ipcSeen{Shm: notFound, Sem: notFound, Msg: notFound}
	id, err := unix.SysvShmGet(ipcKey, 0, 0)
	if err == nil {
		mem, err := unix.SysvShmAttach(id, 0, unix.SHM_RDONLY)
		if err != nil {
			return nil, os.NewSyscallError("shmat", err)
		}
		n := 0
		for n < len(mem) && mem[n] != 0 {
			n++
		}
		s.Shm = "found, holds \"" + string(mem[:n]) + "\""
		if err := unix.SysvShmDetach(mem); err != nil {
			return nil, os.NewSyscallError("shmdt", err)
		}
	} else if !errors.Is(err, unix.ENOENT) {
		return nil, os.NewSyscallError("shmget", err)
	}
	for _, o := range []struct {
		name string
		nr   uintptr
		to   *string
	}{{"semget", unix.SYS_SEMGET, &s.Sem}, {"msgget", unix.SYS_MSGGET, &s.Msg}} {
		_, _, e := unix.Syscall(o.nr, ipcKey, 0, 0)
		switch {
		case e == 0:
			*o.to = "found"
		case e != unix.ENOENT:
			return nil, os.NewSyscallError(o.name, e)
		}
	}
	return s, nil
}
