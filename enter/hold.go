package enter

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// handle names something that is held by a descriptor across the start of the
// stage. It is comparable: the same handle is opened once.
type handle struct {
	sort  handleSort
	pid   int    // of a pidfd or socket
	fd    int    // of a socket; a number that tells reserved descriptors apart
	path  string // of a file
	flags int    // of open(2) for a file
}

type handleSort uint8

const (
	handleFile     handleSort = iota + 1
	handlePidfd               // a process, see pidfd_open(2)
	handleSocketNS            // the network namespace of a socket
	handleUserNS              // the new user namespace with ranges of ids
	handleReserved            // a number to put another descriptor on
)

func fileHandle(path string, flags int) handle {
	return handle{sort: handleFile, path: path, flags: flags}
}

// Hold is what [Look] holds on to, so that it stays what it was when it was
// looked at: descriptors by what they are of.
type Hold struct{ fds map[handle]int }

func newHold() *Hold { return &Hold{fds: map[handle]int{}} }

// Close lets go of everything.
func (h *Hold) Close() {
	for x, fd := range h.fds {
		unix.Close(fd)
		delete(h.fds, x)
	}
}

// open returns the descriptor of x, which it opens when it has not yet.
func (h *Hold) open(x handle) (int, error) {
	if fd, ok := h.fds[x]; ok {
		return fd, nil
	}
	fd, err := x.open()
	if err != nil {
		return -1, err
	}
	h.fds[x] = fd
	return fd, nil
}

func (x handle) open() (int, error) {
	switch x.sort {
	case handleFile:
		return openFile(x.path, x.flags)
	case handlePidfd:
		fd, err := unix.PidfdOpen(x.pid, 0)
		if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.EINVAL) {
			return -1, &HintError{fmt.Errorf("process %d: %w", x.pid, unix.ESRCH), "see which there are: nsinspect ls"}
		}
		if err != nil {
			return -1, fmt.Errorf("open process %d: %w", x.pid, os.NewSyscallError("pidfd_open", err))
		}
		return fd, nil
	case handleSocketNS:
		return socketNS(x.pid, x.fd)
	case handleReserved:
		return openFile("/dev/null", unix.O_RDONLY)
	}
	return -1, fmt.Errorf("cannot open a handle of sort %d", x.sort)
}

func openFile(path string, flags int) (int, error) {
	for {
		fd, err := unix.Open(path, flags|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return -1, &os.PathError{Op: "open", Path: path, Err: err}
		}
		return fd, nil
	}
}

// siocgskns returns the network namespace of a socket, see
// linux/sockios.h and netdevice(7).
const siocgskns = 0x894C

// socketNS opens the network namespace in which a socket of a process lives,
// which need not be the one of the process.
func socketNS(pid, fd int) (int, error) {
	p, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1, &HintError{fmt.Errorf("open process %d: %w", pid, os.NewSyscallError("pidfd_open", err)), "see which there are: nsinspect ls"}
	}
	defer unix.Close(p)
	list := fmt.Sprintf("see which sockets it has: ls -l /proc/%d/fd", pid)
	s, err := unix.PidfdGetfd(p, fd, 0)
	if err != nil {
		if errors.Is(err, unix.EPERM) {
			list = "it takes CAP_SYS_PTRACE over it: run as root (sudo)"
		}
		return -1, &HintError{fmt.Errorf("take descriptor %d of process %d: %w", fd, pid, os.NewSyscallError("pidfd_getfd", err)), list}
	}
	defer unix.Close(s)
	ns, err := unix.IoctlRetInt(s, siocgskns)
	if errors.Is(err, unix.ENOTTY) {
		return -1, &HintError{fmt.Errorf("descriptor %d of process %d is not a socket: %w", fd, pid, err), list}
	}
	if err != nil {
		hint := "it takes CAP_NET_ADMIN in the user namespace that owns the network: run as root (sudo)"
		return -1, &HintError{fmt.Errorf("open the network namespace of socket %d of process %d: %w", fd, pid, os.NewSyscallError("SIOCGSKNS", err)), hint}
	}
	unix.CloseOnExec(ns)
	return ns, nil
}

// alive reports whether the process that a pidfd is of still runs: then all
// that was read of its pid since the pidfd was opened is its own.
func alive(pidfd int) bool {
	err := unix.PidfdSendSignal(pidfd, 0, nil, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}
