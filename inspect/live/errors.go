package live

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// NoProcessError says that a process that was asked for does not exist.
type NoProcessError struct {
	PID int
	// Leader is the process whose thread PID is; 0 when it is no thread.
	Leader int
	// Hidden is set when the observer cannot tell whether the process exists,
	// because /proc hides those of other users.
	Hidden bool
}

func (e *NoProcessError) Error() string {
	switch {
	case e.Leader != 0:
		return fmt.Sprintf("%d is not a process but a thread of process %d", e.PID, e.Leader)
	case e.Hidden:
		return fmt.Sprintf("process %d does not exist, or is hidden (mount option hidepid of /proc)", e.PID)
	}
	return fmt.Sprintf("process %d does not exist", e.PID)
}

// Is reports whether target is ESRCH.
func (e *NoProcessError) Is(target error) bool { return target == unix.ESRCH }

// Hint returns what the user can do next.
func (e *NoProcessError) Hint() string {
	switch {
	case e.Leader != 0:
		return fmt.Sprintf("nsinspect show %d", e.Leader)
	case e.Hidden:
		return hintRoot
	}
	return "list processes with: nsinspect ls"
}

// ProcError says that there is no usable proc file system.
type ProcError struct {
	Path string // where it was looked for
	Err  error
	hint string
}

func (e *ProcError) Error() string { return e.Path + ": " + e.Err.Error() }

func (e *ProcError) Unwrap() error { return e.Err }

// Hint returns what the user can do next.
func (e *ProcError) Hint() string { return e.hint }

// hintRoot is the hint where another user may see more.
const hintRoot = "run as root (sudo nsinspect …)"
