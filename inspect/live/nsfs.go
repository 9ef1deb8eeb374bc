package live

import (
	"os"

	"golang.org/x/sys/unix"

	"nsinspect/inspect"
)

// identity returns the device and inode of the file open at fd, which for a
// namespace are its ID.
func identity(fd int) (inspect.ID, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return inspect.ID{}, os.NewSyscallError("fstat", err)
	}
	return inspect.ID{Dev: uint64(st.Dev), Ino: st.Ino}, nil
}
