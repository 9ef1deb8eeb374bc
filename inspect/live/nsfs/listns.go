package nsfs

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sysListNS is listns(2), Linux 6.19, the same number on every architecture.
const sysListNS = 470

// listRequest is struct ns_id_req of linux/nsfs.h.
type listRequest struct {
	size, _ uint32
	cursor  uint64 // the id after which to begin
	types   uint32 // CLONE_NEW* flags or-ed, 0 for all
	_       uint32
	owner   uint64 // id of the owning user namespace, 0 for any
}

// List returns the ids of all active namespaces of the kernel that the caller
// may see. Those held only by sockets, mounts of other file systems and the
// like are not active. Before Linux 6.19 it is ENOSYS.
func List() ([]uint64, error) {
	// One big buffer: a page that ends on an inactive id ends the list early.
	buf := make([]uint64, 1<<16)
	var all []uint64
	req := listRequest{}
	req.size = uint32(unsafe.Sizeof(req))
	for {
		n, _, errno := unix.Syscall6(sysListNS, uintptr(unsafe.Pointer(&req)), uintptr(unsafe.Pointer(&buf[0])), uintptr(len(buf)), 0, 0, 0)
		if errno != 0 {
			return all, os.NewSyscallError("listns", errno)
		}
		all = append(all, buf[:n]...)
		if int(n) < len(buf) {
			return all, nil
		}
		req.cursor = buf[n-1]
	}
}
