package enter

import (
	"os"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// raiseAmbient makes the permitted capabilities of this thread ambient, or
// the execution of the stage would lose what came with nsinspect's file, see
// capabilities(7). capsStep undoes it.
func raiseAmbient(caps inspect.Caps) error {
	if os.Geteuid() == 0 {
		return nil // root keeps them
	}
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data := [2]unix.CapUserData{}
	for i := range data {
		half := func(set uint64) uint32 { return uint32(set >> (32 * i)) }
		data[i] = unix.CapUserData{
			Effective: half(caps.Effective), Permitted: half(caps.Permitted),
			Inheritable: half(caps.Inheritable | caps.Permitted),
		}
	}
	if err := unix.Capset(&head, &data[0]); err != nil {
		return os.NewSyscallError("capset", err)
	}
	for n := range uintptr(64) {
		if caps.Permitted&(1<<n) != 0 {
			if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, n, 0, 0); err != nil {
				return os.NewSyscallError("prctl PR_CAP_AMBIENT_RAISE", err)
			}
		}
	}
	return nil
}
