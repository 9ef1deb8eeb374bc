package live

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// NoProcessError says that a process that was asked for does not exist.
type NoProcessError struct {
	PID int
	// Leader is the process whose thread PID is; 0 when it is no thread.
	Leader int
}

func (e *NoProcessError) Error() string {
	if e.Leader != 0 {
		return fmt.Sprintf("%d is not a process but a thread of process %d", e.PID, e.Leader)
	}
	return fmt.Sprintf("process %d does not exist", e.PID)
}

// Is reports whether target is ESRCH.
func (e *NoProcessError) Is(target error) bool { return target == unix.ESRCH }

// checkProcess returns a *NoProcessError when pid is not a process. A thread
// has a directory in /proc too, though it is not listed.
func checkProcess(root, pid int) error {
	status, err := readFile(root, strconv.Itoa(pid)+"/status", nil)
	if err != nil {
		if !gone(err) {
			return nil // it is there, only hidden
		}
		return &NoProcessError{PID: pid}
	}
	if leader := parseTgid(status); leader != 0 && leader != pid {
		return &NoProcessError{PID: pid, Leader: leader}
	}
	return nil
}

// exists reports whether there is a process or thread with this id.
func exists(root, id int) bool {
	var st unix.Stat_t
	return unix.Fstatat(root, strconv.Itoa(id), &st, unix.AT_SYMLINK_NOFOLLOW) != unix.ENOENT
}
